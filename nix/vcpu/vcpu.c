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

enum { USAGE = 2, NOT_FOUND = 127, NOT_EXECUTABLE = 126, UNABLE = 125 };

static int usage(FILE *to)
{
    fputs("usage: vcpu (--cpu NAME | --table FILE) [--exact] [--sites FILE] [--way fault|rewrite] -- COMMAND...\n"
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
    const struct sites *sites = known_sites(found, path);
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
        if (fork() == 0) {
            close(ready[0]);
            _exit(trace(self, ready[1], plan));
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

int main(int count, char **words)
{
    static const struct option options[] = {
        { "cpu", required_argument, NULL, 'c' }, { "table", required_argument, NULL, 't' }, { "sites", required_argument, NULL, 's' }, { "way", required_argument, NULL, 'w' },
        { "exact", no_argument, NULL, 'e' }, { "show", no_argument, NULL, 'S' }, { "find", no_argument, NULL, 'F' }, { "help", no_argument, NULL, 'h' }, { 0 },
    };
    struct table table = { 0 };
    struct plan plan = { .table = &table, .known = known_new(), .way = REWRITE };
    int option, line;
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
        case 'S': table_write(stdout); return 0;
        case 'F': return find(words + optind);
        case 'h': usage(stdout); return 0;
        default: return usage(stderr);
        }
    }
    if (!table.count || optind == count) return usage(stderr);
    const char *lacking[64];
    size_t lacks = table_lacking(&table, lacking, 64);
    if (lacks) {
        fputs("vcpu: this CPU lacks what the table promises:", stderr);
        for (size_t i = 0; i < lacks; i++) fprintf(stderr, " %s", lacking[i]);
        fputc('\n', stderr);
        return UNABLE;
    }
    if (plan.way == FAULT && !faults()) { fputs("vcpu: this machine can't make CPUID fault\n", stderr); return UNABLE; }
    int error = watched(&plan);
    if (error) {
        fprintf(stderr, "vcpu: can't trace a process here: %s\n", strerror(error));
        return UNABLE;
    }
    if ((plan.way == REWRITE || plan.exact) && announce_code()) { fprintf(stderr, "vcpu: no seccomp here: %s\n", strerror(errno)); return UNABLE; }
    execvp(words[optind], words + optind);
    fprintf(stderr, "vcpu: %s: %s\n", words[optind], strerror(errno));
    return errno == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}
