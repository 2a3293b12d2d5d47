/* Code that comes late, from a compiler at run time or a library, and a handler for faults, on a stack of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* push %rbx; mov $1, %eax; xor %ecx, %ecx; cpuid; pop %rbx; ret */
static const uint8_t made[] = { 0x53, 0xb8, 1, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x5b, 0xc3 };
/* The same, where no jump has room: a loop leads back to the instruction behind the CPUID. */
static const uint8_t tight[] = { 0x53, 0xb8, 1, 0, 0, 0, 0x31, 0xc9, 0xeb, 0x02, 0xeb, 0x04, 0x0f, 0xa2, 0xeb, 0xfa, 0x5b, 0xc3 };
static volatile int faults;
static uint8_t *forbidden;

static unsigned run(const uint8_t *code, size_t size, int first)
{
    uint8_t *place = mmap(NULL, 4096, first, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) return 0;
    memcpy(place, code, size);
    mprotect(place, 4096, PROT_READ | PROT_EXEC);
    unsigned (*function)(void) = (unsigned (*)(void))(uintptr_t)place;
    return function();
}

static void handle(int signal, siginfo_t *about, void *context)
{
    char here;
    stack_t stack;
    (void)context;
    sigaltstack(NULL, &stack);
    char *base = stack.ss_sp;
    if (signal != SIGSEGV || about->si_addr != forbidden || &here < base || &here >= base + stack.ss_size) _exit(9);
    faults++;
    mprotect(forbidden, 4096, PROT_READ | PROT_WRITE);
}

int main(int count, char **words)
{
    static uint8_t room[65536];
    stack_t stack = { .ss_sp = room, .ss_size = sizeof room };
    struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigaltstack(&stack, NULL);
    sigaction(SIGSEGV, &action, NULL);
    forbidden = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *forbidden = 1; /* faults, is made possible, and goes on */
    setvbuf(stdout, NULL, _IONBF, 0);
    printf("faults %d\n", faults);
    printf("made %08x\n", run(made, sizeof made, PROT_READ | PROT_WRITE));
    printf("tight %08x\n", run(tight, sizeof tight, PROT_READ | PROT_WRITE));
    void *library = count > 1 ? dlopen(words[1], RTLD_NOW) : NULL;
    unsigned (*late)(void) = library ? (unsigned (*)(void))dlsym(library, "late") : NULL;
    printf("library %08x\n", late ? late() : 0);
    return 0;
}
