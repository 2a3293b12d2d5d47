/* Starts programs in every way there is; each says what CPUID answers: `children`, or `children WAY NUMBER`. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MANY = 200 };

extern char **environ;
static const char self[] = "/proc/self/exe";

static __attribute__((noinline)) unsigned signature(void)
{
    unsigned a = 1, b, c = 0, d;
    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a;
}

static void again(const char *way, const char *number)
{
    execl(self, "children", way, number, NULL);
    _exit(99);
}

static void await(pid_t pid)
{
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status) printf("status %x\n", status);
}

static long clone3(void)
{
    struct clone_args how = { .exit_signal = SIGCHLD };
    return syscall(SYS_clone3, &how, sizeof how);
}

/* As many at once as that, each a new program; how many of them saw `wanted`. */
static int many(unsigned wanted)
{
    char number[16];
    int good = 0, status;
    snprintf(number, sizeof number, "%x", wanted);
    for (int i = 0; i < MANY; i++)
        if (fork() == 0) again("compare", number);
    while (wait(&status) > 0) good += status == 0;
    return good;
}

int main(int count, char **words)
{
    unsigned mine = signature();
    setvbuf(stdout, NULL, _IONBF, 0);
    if (count > 2 && !strcmp(words[1], "compare")) return mine != strtoul(words[2], NULL, 16);
    if (count > 2 && !strcmp(words[1], "chain")) {
        char less[16];
        int left = atoi(words[2]);
        if (!left) return printf("chain %08x\n", mine) < 0;
        snprintf(less, sizeof less, "%d", left - 1);
        again("chain", less);
    }
    if (count > 2 && !strcmp(words[1], "orphan")) { /* whoever started it has ended */
        usleep(300000);
        return printf("orphan %08x\n", signature()) < 0;
    }
    if (count > 2) return printf("%s %08x\n", words[1], mine) < 0;

    pid_t pid = fork();
    if (!pid) again("fork", "0");
    await(pid);
    if (!(pid = vfork())) {
        execl(self, "children", "vfork", "0", NULL);
        _exit(99);
    }
    await(pid);
    char *spawned[] = { "children", "spawn", "0", NULL };
    if (!posix_spawn(&pid, self, NULL, NULL, spawned, environ)) await(pid);
    if (!(pid = (pid_t)clone3())) again("clone3", "0");
    await(pid);
    if (!(pid = fork())) again("chain", "20");
    await(pid);
    printf("many %d\n", many(mine));
    if (!(pid = fork())) _exit(ptrace(PTRACE_TRACEME, 0, 0, 0) ? errno : 0);
    int status;
    waitpid(pid, &status, 0);
    printf("ptrace %s\n", status ? strerror(WEXITSTATUS(status)) : "works");
    if (!(pid = fork())) {
        if (fork() == 0) again("orphan", "0");
        _exit(0);
    }
    await(pid);
    return 5;
}
