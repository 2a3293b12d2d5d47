/* Asks CPUID in a thread, in a child and in another program, with handlers of its own for what vcpu might trap. */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static sigjmp_buf back;

static void handle(int signal) { siglongjmp(back, signal); }

/* noinline: one CPUID that a jump fits in; `bare` is one that it does not, being a jump's target itself. */
static __attribute__((noinline)) unsigned signature(void)
{
    unsigned a = 1, b, c = 0, d;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a;
}

static __attribute__((noinline)) unsigned bare(void)
{
    unsigned a = 1, b, c = 0, d;
    asm volatile("jmp 2f\n 1: jmp 3f\n 2: cpuid\n jmp 1b\n 3:" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a;
}

static void *thread(void *answer)
{
    *(unsigned *)answer = signature();
    return NULL;
}

int main(int count, char **words)
{
    unsigned other;
    int signal_;
    pthread_t id;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (count > 1) return printf("program %08x\n", signature()) < 0;
    signal(SIGSEGV, handle);
    signal(SIGILL, handle);
    if ((signal_ = sigsetjmp(back, 1))) printf("caught %d\n", signal_);
    else *(volatile int *)8 = 1;
    if ((signal_ = sigsetjmp(back, 1))) printf("caught %d\n", signal_);
    else __builtin_trap();
    printf("self %08x\nbare %08x\n", signature(), bare());
    pthread_create(&id, NULL, thread, &other);
    pthread_join(id, NULL);
    printf("thread %08x\n", other);
    if (fork() == 0) {
        printf("child %08x\n", signature());
        _exit(0);
    }
    wait(NULL);
    execl("/proc/self/exe", words[0], "again", NULL);
    return 1;
}
