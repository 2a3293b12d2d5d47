/* The tracer: a process beside the program, not its parent, so that the program's status, signals, terminal and
 * job control stay between it and whoever started it.
 *
 * It stops the program at each exec and, where code is rewritten, behind each mmap of code; never in between.
 * Source: ptrace(2), seccomp(2), arch_prctl(2). */
#define _GNU_SOURCE
#include "trace.h"

#include <asm/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "decode.h"
#include "patch.h"

/* Newer than the oldest glibc that this is built with. */
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

enum { LONG_MODE = 0x33 }; /* the code segment of 64-bit programs, on every x86-64 Linux */

/* NOP with a LOCK prefix, which is no instruction: stands where a CPUID was and a jump has no room. UD2 would not do, since
 * programs have that for an end of their own. */
static const uint16_t trap = 0x90f0;

struct mapping {
    uint64_t start, end, offset;
    bool code;
    char path[4097];
};

int announce_code(void)
{
    enum { TELL = SECCOMP_RET_TRACE, PASS = SECCOMP_RET_ALLOW };
#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (n))
    struct sock_filter filter[] = {
        FIELD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 9),
        FIELD(nr),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pkey_mprotect, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 5),
        ARGUMENT(3),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 3, 0),
        ARGUMENT(2),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, TELL),
        BPF_STMT(BPF_RET | BPF_K, PASS),
    };
    struct sock_fprog program = { sizeof filter / sizeof *filter, filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* The memory of a stopped process, also where it may not write itself. */
static int memory(pid_t pid)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/mem", pid);
    return open(name, O_RDWR | O_CLOEXEC);
}

static bool next_mapping(FILE *maps, struct mapping *one)
{
    char line[4352], rights[8];
    if (!fgets(line, sizeof line, maps)) return false;
    one->path[0] = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*u %4096[^\n]", &one->start, &one->end, rights, &one->offset, one->path) < 4) return false;
    one->code = rights[2] == 'x';
    return true;
}

static FILE *mappings(pid_t pid)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/maps", pid);
    return fopen(name, "re");
}

/* One instruction of the stopped program, and no signal lost meanwhile. False where it was killed. */
static bool step(pid_t pid)
{
    uint64_t mask, all = ~0ull;
    int status, stopped = 0;
    bool done = false;
    if (ptrace(PTRACE_GETSIGMASK, pid, sizeof mask, &mask) || ptrace(PTRACE_SETSIGMASK, pid, sizeof all, &all)) return false;
    while (!done && !ptrace(PTRACE_SINGLESTEP, pid, 0, 0) && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status)) {
        done = WSTOPSIG(status) == SIGTRAP && !(status >> 16);
        if (!done && WSTOPSIG(status) != SIGTRAP) stopped = WSTOPSIG(status); /* SIGSTOP can't be held back */
    }
    if (done) ptrace(PTRACE_SETSIGMASK, pid, sizeof mask, &mask);
    if (done && stopped) syscall(SYS_tkill, pid, stopped);
    return done;
}

/* The stopped program makes a system call for us, with a SYSCALL instruction at `place`. */
static long inject(pid_t pid, uint64_t place, long number, const uint64_t arguments[6])
{
    struct user_regs_struct kept, regs;
    if (ptrace(PTRACE_GETREGS, pid, 0, &kept)) return -1;
    regs = kept;
    regs.rip = place;
    regs.rax = (unsigned long long)number;
    regs.orig_rax = (unsigned long long)-1; /* else the kernel takes it for one to be restarted */
    regs.rdi = arguments[0], regs.rsi = arguments[1], regs.rdx = arguments[2];
    regs.r10 = arguments[3], regs.r8 = arguments[4], regs.r9 = arguments[5];
    if (ptrace(PTRACE_SETREGS, pid, 0, &regs) || !step(pid) || ptrace(PTRACE_GETREGS, pid, 0, &regs)) return -1;
    ptrace(PTRACE_SETREGS, pid, 0, &kept);
    return (long)regs.rax;
}

/* A free place for `size` bytes that a jump from [low, high) reaches; below it where there is one, since the heap grows above. */
static uint64_t near(pid_t pid, uint64_t low, uint64_t high, uint64_t size)
{
    const uint64_t reach = 0x7fff0000;
    struct mapping one;
    uint64_t end = 0x10000, best = 0;
    FILE *maps = mappings(pid);
    if (!maps) return 0;
    while (next_mapping(maps, &one)) {
        if (one.start > end && one.start - end >= size) {
            uint64_t below = one.start - size;
            if (below < low && high - below < reach) best = below; /* the last gap below it */
            if (!best && end >= high && end + size - low < reach) { best = end; break; }
        }
        if (one.end > end) end = one.end;
        if (one.start > high && best) break;
    }
    fclose(maps);
    return best;
}

/* The sites of code that the program made itself, as a compiler at run time does; valid until the next call. */
static const struct sites *made(pid_t pid, const struct mapping *map)
{
    static struct sites sites;
    uint64_t size = map->end - map->start;
    uint8_t *bytes = malloc(size);
    int mem = memory(pid);
    free(sites.found);
    sites = (struct sites){ 0 };
    if (bytes && mem >= 0 && pread(mem, bytes, size, (off_t)map->start) == (ssize_t)size) sites_of_code(bytes, size, &sites);
    if (mem >= 0) close(mem);
    free(bytes);
    return &sites;
}

/* The sites of a mapped file, as the program sees it, which may have another root; NULL where nobody can open it any more. */
static const struct sites *of_file(pid_t pid, const struct plan *plan, const char *path)
{
    char file[sizeof "/proc//root" + 16 + 4096];
    if (path[0] != '/') return NULL;
    snprintf(file, sizeof file, "/proc/%d/root%s", (int)pid, path);
    const struct sites *sites = known_sites(plan->known, path, file);
    return sites ? sites : known_sites(plan->known, path, path);
}

/* Rewrites the code that a mapping brought. `place`: a SYSCALL instruction of the program. False where that failed. */
static bool rewrite(pid_t pid, const struct plan *plan, const struct mapping *one, uint64_t place)
{
    struct mapping here = *one, *map = &here;
    const struct sites *sites = of_file(pid, plan, one->path);
    if (!sites) { /* its own code, or a file that is deleted or has no name */
        sites = made(pid, map);
        map->offset = 0;
    }
    if (!sites->count) return true;
    struct region region = { .size = region_size(sites, plan->table) };
    region.address = near(pid, map->start, map->end, region.size);
    const uint64_t arguments[6] = { region.address, region.size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, (uint64_t)-1, 0 };
    int mem = memory(pid);
    region.bytes = calloc(1, region.size);
    bool done = mem >= 0 && region.bytes;
    /* Where no place is near enough, a CPUID traps. */
    bool stubs = region.address && (uint64_t)inject(pid, place, SYS_mmap, arguments) == region.address;
    if (done) region_head(&region, plan->table);
    for (size_t i = 0; i < sites->count && done; i++) {
        const struct site *site = &sites->found[i];
        uint8_t code[64];
        if (site->offset < map->offset || site->offset + site->length > map->offset + (map->end - map->start)) continue;
        if (site->kind == APPROXIMATE && !plan->exact) continue;
        if (site->kind == CPUID && plan->way != REWRITE) continue;
        off_t at = (off_t)(map->start + (site->offset - map->offset));
        if (site->length > sizeof code || pread(mem, code, site->length, at) != site->length) { done = false; break; }
        if (decode(code + site->before, site->size).kind != site->kind) continue; /* rewritten before */
        if (!stubs || replace(&region, site, (uint64_t)at, code)) {
            if (!stubs && site->kind == APPROXIMATE) done = false; /* better no result than one that is not exact */
            if (site->kind != CPUID) continue;
            memcpy(code + site->before, &trap, sizeof trap); /* it is answered then */
        }
        done = pwrite(mem, code, site->length, at) == site->length;
    }
    if (done && stubs) done = pwrite(mem, region.bytes, region.used, (off_t)region.address) == (ssize_t)region.used;
    free(region.bytes);
    if (mem >= 0) close(mem);
    return done;
}

/* A new program: its own code and the loader's are there, and nothing has run. False where it can't be prepared. */
static bool entered(pid_t pid, const struct plan *plan)
{
    struct user_regs_struct regs;
    uint16_t kept, call = 0x050f; /* SYSCALL */
    int mem;
    /* A step first: else the value that exec returns overwrites what is set here. */
    if (!step(pid)) return false;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs) || (mem = memory(pid)) < 0) return false;
    if (regs.cs != LONG_MODE) {
        close(mem);
        return false;
    }
    bool done = pread(mem, &kept, 2, (off_t)regs.rip) == 2 && pwrite(mem, &call, 2, (off_t)regs.rip) == 2;
    if (done && plan->way == FAULT) {
        const uint64_t arguments[6] = { ARCH_SET_CPUID, 0 };
        done = inject(pid, regs.rip, SYS_arch_prctl, arguments) == 0;
    }
    if (done && (plan->way == REWRITE || plan->exact)) {
        struct mapping *all = NULL, one;
        size_t count = 0;
        FILE *maps = mappings(pid);
        done = maps;
        while (maps && next_mapping(maps, &one)) {
            if (!one.code || one.path[0] != '/') continue;
            struct mapping *more = realloc(all, (count + 1) * sizeof one);
            if (!more) { done = false; break; }
            all = more;
            all[count++] = one;
        }
        if (maps) fclose(maps);
        for (size_t i = 0; i < count && done; i++) done = rewrite(pid, plan, &all[i], regs.rip);
        free(all);
    }
    if (pwrite(mem, &kept, 2, (off_t)regs.rip) != 2) done = false;
    close(mem);
    return done;
}

/* Behind a call that made memory code: an mmap, with the address in rax, or an mprotect, with the address in rdi. */
static bool mapped(pid_t pid, const struct plan *plan)
{
    struct user_regs_struct regs;
    struct mapping one;
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs) || regs.rax > -4096ull) return true;
    uint64_t start = regs.orig_rax == SYS_mmap ? regs.rax : regs.rdi;
    bool found = false;
    FILE *maps = mappings(pid);
    while (maps && !found && next_mapping(maps, &one)) found = one.start <= start && start < one.end;
    if (maps) fclose(maps);
    if (!found || !one.code) return true;
    if (one.path[0] != '/') { /* only what was asked for: the rest has been rewritten, or is not code yet */
        one.path[0] = 0;
        one.offset = 0;
        one.start = start;
        if (start + regs.rsi < one.end) one.end = start + regs.rsi;
    }
    return rewrite(pid, plan, &one, regs.rip - 2);
}

/* Whether a signal is a CPUID that the program executed; answers it then. */
static bool answered(pid_t pid, int signal, const struct plan *plan)
{
    siginfo_t about;
    struct user_regs_struct regs;
    uint16_t code = 0;
    if (signal != (plan->way == FAULT ? SIGSEGV : SIGILL)) return false;
    if (ptrace(PTRACE_GETSIGINFO, pid, 0, &about) || about.si_code <= 0) return false; /* sent by a process */
    if (ptrace(PTRACE_GETREGS, pid, 0, &regs)) return false;
    int mem = memory(pid);
    if (mem < 0) return false;
    bool ours = pread(mem, &code, 2, (off_t)regs.rip) == 2 && code == (plan->way == FAULT ? 0xa20f : trap);
    close(mem);
    if (!ours) return false;
    struct leaf leaf = table_answer(plan->table, (uint32_t)regs.rax, (uint32_t)regs.rcx);
    regs.rax = leaf.eax, regs.rbx = leaf.ebx, regs.rcx = leaf.ecx, regs.rdx = leaf.edx;
    regs.rip += 2;
    return ptrace(PTRACE_SETREGS, pid, 0, &regs) == 0;
}

/* What the program says its errors to, since the tracer holds nothing open that is the program's; -1 where that can't be had. */
static int errors_of(pid_t pid)
{
    char name[64];
    int handle = -1, process = (int)syscall(SYS_pidfd_open, pid, 0);
    if (process >= 0) {
        handle = (int)syscall(SYS_pidfd_getfd, process, 2, 0);
        close(process);
    }
    snprintf(name, sizeof name, "/proc/%d/fd/2", (int)pid);
    if (handle < 0) handle = open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_APPEND); /* Linux before 5.6, or a thread */
    return handle;
}

/* Says something without waiting: at a full pipe that nobody reads all programs would stand still. */
static void say(int handle, const char *text, size_t size)
{
    char name[64];
    struct stat about;
    struct pollfd room = { .fd = handle, .events = POLLOUT };
    snprintf(name, sizeof name, "/proc/self/fd/%d", handle);
    /* Opened anew, since the flags of what is open are the program's too. */
    bool waits = !fstat(handle, &about) && !S_ISREG(about.st_mode);
    int anew = waits ? open(name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
    if ((anew >= 0 || poll(&room, 1, 0) == 1) && write(anew >= 0 ? anew : handle, text, size) < 0) errno = 0;
    if (anew >= 0) close(anew);
}

/* Better no result than one of the real CPU. Killed first: what there is to say must not hold that up. */
static void end(pid_t pid, const struct user_regs_struct *regs)
{
    char text[128];
    int handle = errors_of(pid), size;
    kill(pid, SIGKILL);
    if (handle < 0) return;
    if (regs->cs == LONG_MODE) size = snprintf(text, sizeof text, "vcpu: can't rewrite the code of process %d: it is killed\n", (int)pid);
    else size = snprintf(text, sizeof text, "vcpu: process %d is a 32-bit program, whose code nobody reads here: it is killed\n", (int)pid);
    say(handle, text, (size_t)size);
    close(handle);
}

/* Lets go of all but one of the files that the program has open, and of its folder: whoever waits for their end waits for the
 * program and for nobody else. */
static void let_go(int keep)
{
    const unsigned last = ~0u;
    if (keep > 0) syscall(SYS_close_range, 0u, (unsigned)keep - 1, 0);
    if (syscall(SYS_close_range, (unsigned)keep + 1, last, 0))
        for (int handle = 0; handle < 1024; handle++) /* Linux before 5.9 */
            if (handle != keep) close(handle);
    if (chdir("/")) return;
}

int trace(pid_t program, int ready, const struct plan *plan)
{
    const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE
        | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP;
    int status;
    let_go(ready);
    signal(SIGPIPE, SIG_IGN); /* its end would be that of all that it traces */
    char answer = ptrace(PTRACE_SEIZE, program, 0, options) ? (char)errno : 0;
    if (write(ready, &answer, 1) != 1 || answer) return 1;
    close(ready);
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid < 0 || !WIFSTOPPED(status)) continue;
        int signal = WSTOPSIG(status), event = status >> 16;
        if (event == PTRACE_EVENT_STOP && (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU)) {
            ptrace(PTRACE_LISTEN, pid, 0, 0); /* stopped by its shell: stays so until SIGCONT */
            continue;
        }
        if (event == PTRACE_EVENT_SECCOMP) {
            ptrace(PTRACE_SYSCALL, pid, 0, 0); /* on to the end of that mmap */
            continue;
        }
        if ((event == PTRACE_EVENT_EXEC && !entered(pid, plan)) || (signal == (SIGTRAP | 0x80) && !mapped(pid, plan))) {
            struct user_regs_struct regs;
            if (ptrace(PTRACE_GETREGS, pid, 0, &regs)) continue; /* somebody killed it */
            end(pid, &regs);
        }
        bool ours = event || signal == (SIGTRAP | 0x80) || answered(pid, signal, plan);
        ptrace(PTRACE_CONT, pid, 0, ours ? 0 : signal);
    }
    return 0;
}
