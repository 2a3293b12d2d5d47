/* vcpu: runs a command on a CPU described by a table.
 *
 * Which instructions a library uses, and in which order it adds, it decides by what CPUID answers. vcpu makes every CPUID of
 * a program and its children answer from a table, in one of two ways: its places in the code are rewritten as the code is
 * mapped (`rewrite`), or the kernel makes the instruction fault, where the CPU can (`fault`). */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "known.h"
#include "table.h"
#include "trace.h"

enum { CANNOT = 1, USAGE = 2, NOT_FOUND = 127, NOT_EXECUTABLE = 126, UNABLE = 125 };

static int usage(FILE *to)
{
    fputs("usage: vcpu (--cpu NAME | --table FILE) [--exact] [--sites FILE] [--way fault|rewrite] -- COMMAND...\n"
          "       vcpu --can (--cpu NAME | --table FILE) [--way fault|rewrite]    whether programs may be traced here: 0, or 1 and why not\n"
          "       vcpu --show            this machine's table\n"
          "       vcpu --find PATH...    where files, and those in folders, hold CPUID, RSQRT and RCP\n", to);
    return USAGE;
}

static int failed(const char *what)
{
    fprintf(stderr, "vcpu: %s: %s\n", what, strerror(errno));
    return UNABLE;
}

static int unknown(const char *cpu)
{
    struct dirent **names;
    int count = scandir(CPUS, &names, NULL, alphasort);
    fprintf(stderr, "vcpu: no CPU is called %s; there are", cpu);
    for (int i = 0; i < count; i++) {
        char *end = strstr(names[i]->d_name, ".cpu");
        if (end) fprintf(stderr, " %.*s", (int)(end - names[i]->d_name), names[i]->d_name);
    }
    fputc('\n', stderr);
    return UNABLE;
}

static int read_table(const char *file, struct table *table)
{
    FILE *stream = fopen(file, "re");
    int line;
    if (!stream) return failed(file);
    if ((line = table_read(stream, table))) fprintf(stderr, "vcpu: %s: line %d is not a line of a CPU's table\n", file, line);
    fclose(stream);
    return line;
}

static struct known *found;

static int visit(const char *path, const struct stat *about, int type, struct FTW *place)
{
    (void)place;
    if (type != FTW_F || !S_ISREG(about->st_mode)) return 0;
    const struct sites *sites = known_sites(found, path, path);
    if (sites && sites->code) known_write(stdout, path, sites);
    return 0;
}

static int find(char **paths)
{
    found = known_new();
    for (; *paths; paths++) {
        if (!nftw(*paths, visit, 64, FTW_PHYS)) continue;
        return failed(*paths);
    }
    return fflush(stdout) ? UNABLE : 0;
}

static bool faults(void)
{
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) return false;
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    return true;
}

/* Starts the tracer beside this process; returns when it watches. */
static int watched(const struct plan *plan)
{
    int ready[2];
    char said;
    pid_t self = getpid();
    if (pipe2(ready, O_CLOEXEC)) return errno;
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* where Yama lets only parents trace */
    pid_t between = fork();
    if (between == 0) {
        setsid(); /* no signal of the terminal is for it */
        pid_t tracer = fork();
        if (tracer == 0) _exit(trace(self, ready[1], plan));
        if (tracer < 0) {
            said = (char)errno;
            if (write(ready[1], &said, 1) != 1) _exit(1);
        }
        _exit(0);
    }
    close(ready[1]);
    if (between < 0) return errno;
    waitpid(between, NULL, 0);
    ssize_t got = read(ready[0], &said, 1);
    close(ready[0]);
    prctl(PR_SET_PTRACER, 0, 0, 0, 0);
    return got == 1 ? said : ECHILD;
}

/* A line's number from a file of /proc, or -1. */
static long told(const char *file, const char *format)
{
    char line[256];
    long value = -1;
    FILE *stream = fopen(file, "re");
    while (stream && value < 0 && fgets(line, sizeof line, stream))
        if (sscanf(line, format, &value) != 1) value = -1;
    if (stream) fclose(stream);
    return value;
}

/* Why nothing may be traced here, as the end of a sentence. */
static const char *reason(int error)
{
    static char text[256];
    char name[64], comm[64] = "";
    long tracer = told("/proc/self/status", "TracerPid: %ld");
    if (tracer >= 0 && error == EPERM) { /* 0: one that is not in this container */
        snprintf(name, sizeof name, "/proc/%ld/comm", tracer);
        FILE *stream = tracer ? fopen(name, "re") : NULL;
        if (stream && fgets(comm, sizeof comm, stream)) comm[strcspn(comm, "\n")] = 0;
        if (stream) fclose(stream);
    }
    if (*comm) snprintf(text, sizeof text, "another program traces this one already: %s", comm);
    else if (error == EPERM && told("/proc/sys/kernel/yama/ptrace_scope", "%ld") > 1) snprintf(text, sizeof text, "kernel.yama.ptrace_scope forbids it");
    else if (error == ECHILD) snprintf(text, sizeof text, "the tracer was ended, as a filter of system calls may do");
    else snprintf(text, sizeof text, "%s", strerror(error));
    return text;
}

/* Puts a tracer beside this process, which is to become the program. NULL, or the sentence that says why it can't be. */
static const char *followed(const struct plan *plan)
{
    static char text[320];
    int error = watched(plan);
    if (error) snprintf(text, sizeof text, "can't trace a process here: %s", reason(error));
    else if ((plan->way == REWRITE || plan->exact) && announce_code()) snprintf(text, sizeof text, "no seccomp here: %s", strerror(errno));
    else return NULL;
    return text;
}

/* Does with a child all that a run does; the child becomes this program again. */
static int can(const struct plan *plan)
{
    int said[2], status = 0;
    char text[320] = "", self[4096] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) > 0) known_none(plan->known, self); /* it only says its usage */
    if (pipe2(said, O_CLOEXEC)) return failed("pipe");
    pid_t child = fork();
    if (child < 0) return failed("fork");
    if (child == 0) {
        const char *why = followed(plan);
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (why && write(said[1], why, strlen(why)) < 0) _exit(CANNOT);
        if (why || nothing < 0 || dup2(nothing, 1) < 0 || dup2(nothing, 2) < 0) _exit(CANNOT);
        execl("/proc/self/exe", "vcpu", "--help", (char *)NULL);
        _exit(CANNOT);
    }
    close(said[1]);
    ssize_t got = read(said[0], text, sizeof text - 1);
    if (waitpid(child, &status, 0) == child && status == 0) return 0;
    puts(got > 0 ? text : "can't trace a process here: a program that is traced does not run");
    return CANNOT;
}

int main(int count, char **words)
{
    static const struct option options[] = {
        { "cpu", required_argument, NULL, 'c' }, { "table", required_argument, NULL, 't' }, { "sites", required_argument, NULL, 's' }, { "way", required_argument, NULL, 'w' },
        { "exact", no_argument, NULL, 'e' }, { "can", no_argument, NULL, 'C' }, { "show", no_argument, NULL, 'S' }, { "find", no_argument, NULL, 'F' }, { "help", no_argument, NULL, 'h' }, { 0 },
    };
    struct table table = { 0 };
    struct plan plan = { .table = &table, .known = known_new(), .way = REWRITE };
    int option, line;
    bool ask = false;
    char name[4096];
    FILE *stream;
    while ((option = getopt_long(count, words, "+h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            if (strchr(optarg, '/') || snprintf(name, sizeof name, CPUS "/%s.cpu", optarg) >= (int)sizeof name || access(name, R_OK)) return unknown(optarg);
            if (read_table(name, &table)) return UNABLE;
            break;
        case 't':
            if (read_table(optarg, &table)) return UNABLE;
            break;
        case 's':
            if (!(stream = fopen(optarg, "re"))) return failed(optarg);
            if ((line = known_read(plan.known, stream))) {
                fprintf(stderr, "vcpu: %s: line %d is not a line of a list of sites\n", optarg, line);
                return UNABLE;
            }
            fclose(stream);
            break;
        case 'w':
            if (strcmp(optarg, "fault") && strcmp(optarg, "rewrite")) return usage(stderr);
            plan.way = strcmp(optarg, "fault") ? REWRITE : FAULT;
            break;
        case 'e': plan.exact = 1; break;
        case 'C': ask = true; break;
        case 'S': table_write(stdout); return 0;
        case 'F': return find(words + optind);
        case 'h': usage(stdout); return 0;
        default: return usage(stderr);
        }
    }
    if (!table.count || (optind == count) != ask) return usage(stderr);
    const char *lacking[128];
    size_t lacks = table_lacking(&table, lacking, 128);
    if (lacks) {
        fputs("vcpu: this CPU lacks what the table promises:", stderr);
        for (size_t i = 0; i < lacks; i++) fprintf(stderr, " %s", lacking[i]);
        fputc('\n', stderr);
        return UNABLE;
    }
    if (plan.way == FAULT && !faults()) { fputs("vcpu: this machine can't make CPUID fault\n", stderr); return UNABLE; }
    if (ask) return can(&plan);
    const char *why = followed(&plan);
    if (why) { fprintf(stderr, "vcpu: %s\n", why); return UNABLE; }
    execvp(words[optind], words + optind);
    fprintf(stderr, "vcpu: %s: %s\n", words[optind], strerror(errno));
    return errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}
