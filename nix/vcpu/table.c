/* Tables of CPUID: read, write, ask, and compare with the real CPU. */
#define _GNU_SOURCE
#include "table.h"

#include <cpuid.h>
#include <inttypes.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Instructions that a program may use when its bit is set, by register and bit.
 *
 * Source: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E. Names as in /proc/cpuinfo, and in KVM where that has none. */
static const struct feature { uint32_t leaf, subleaf; char reg; unsigned bit; const char *name; } features[] = {
    { 1, 0, 'd', 15, "cmov" }, { 1, 0, 'd', 25, "sse" }, { 1, 0, 'd', 26, "sse2" },
    { 1, 0, 'c', 0, "pni" }, { 1, 0, 'c', 1, "pclmulqdq" }, { 1, 0, 'c', 9, "ssse3" }, { 1, 0, 'c', 12, "fma" },
    { 1, 0, 'c', 13, "cx16" }, { 1, 0, 'c', 19, "sse4_1" }, { 1, 0, 'c', 20, "sse4_2" }, { 1, 0, 'c', 22, "movbe" },
    { 1, 0, 'c', 23, "popcnt" }, { 1, 0, 'c', 25, "aes" }, { 1, 0, 'c', 26, "xsave" }, { 1, 0, 'c', 27, "osxsave" },
    { 1, 0, 'c', 28, "avx" }, { 1, 0, 'c', 29, "f16c" }, { 1, 0, 'c', 30, "rdrand" },
    { 7, 0, 'b', 0, "fsgsbase" }, { 7, 0, 'b', 3, "bmi1" }, { 7, 0, 'b', 4, "hle" }, { 7, 0, 'b', 5, "avx2" },
    { 7, 0, 'b', 8, "bmi2" }, { 7, 0, 'b', 11, "rtm" }, { 7, 0, 'b', 16, "avx512f" }, { 7, 0, 'b', 17, "avx512dq" },
    { 7, 0, 'b', 18, "rdseed" }, { 7, 0, 'b', 19, "adx" }, { 7, 0, 'b', 21, "avx512ifma" }, { 7, 0, 'b', 23, "clflushopt" },
    { 7, 0, 'b', 24, "clwb" }, { 7, 0, 'b', 26, "avx512pf" }, { 7, 0, 'b', 27, "avx512er" }, { 7, 0, 'b', 28, "avx512cd" },
    { 7, 0, 'b', 29, "sha_ni" }, { 7, 0, 'b', 30, "avx512bw" }, { 7, 0, 'b', 31, "avx512vl" },
    { 7, 0, 'c', 1, "avx512vbmi" }, { 7, 0, 'c', 5, "waitpkg" }, { 7, 0, 'c', 6, "avx512_vbmi2" }, { 7, 0, 'c', 8, "gfni" },
    { 7, 0, 'c', 9, "vaes" }, { 7, 0, 'c', 10, "vpclmulqdq" }, { 7, 0, 'c', 11, "avx512_vnni" }, { 7, 0, 'c', 12, "avx512_bitalg" },
    { 7, 0, 'c', 14, "avx512_vpopcntdq" }, { 7, 0, 'c', 22, "rdpid" }, { 7, 0, 'c', 27, "movdiri" }, { 7, 0, 'c', 28, "movdir64b" },
    { 7, 0, 'd', 2, "avx512_4vnniw" }, { 7, 0, 'd', 3, "avx512_4fmaps" }, { 7, 0, 'd', 8, "avx512_vp2intersect" },
    { 7, 0, 'd', 14, "serialize" }, { 7, 0, 'd', 16, "tsxldtrk" }, { 7, 0, 'd', 22, "amx_bf16" }, { 7, 0, 'd', 23, "avx512_fp16" },
    { 7, 0, 'd', 24, "amx_tile" }, { 7, 0, 'd', 25, "amx_int8" },
    { 7, 1, 'a', 0, "sha512" }, { 7, 1, 'a', 1, "sm3" }, { 7, 1, 'a', 2, "sm4" }, { 7, 1, 'a', 4, "avx_vnni" },
    { 7, 1, 'a', 5, "avx512_bf16" }, { 7, 1, 'a', 7, "cmpccxadd" }, { 7, 1, 'a', 21, "amx_fp16" }, { 7, 1, 'a', 23, "avx_ifma" },
    { 7, 1, 'd', 4, "avx_vnni_int8" }, { 7, 1, 'd', 5, "avx_ne_convert" }, { 7, 1, 'd', 8, "amx_complex" },
    { 7, 1, 'd', 10, "avx_vnni_int16" }, { 7, 1, 'd', 19, "avx10" }, { 7, 1, 'd', 21, "apx_f" },
    { 0x80000001, 0, 'c', 0, "lahf_lm" }, { 0x80000001, 0, 'c', 5, "abm" }, { 0x80000001, 0, 'c', 6, "sse4a" },
    { 0x80000001, 0, 'c', 8, "3dnowprefetch" }, { 0x80000001, 0, 'c', 11, "xop" }, { 0x80000001, 0, 'c', 16, "fma4" },
    { 0x80000001, 0, 'c', 21, "tbm" }, { 0x80000001, 0, 'c', 29, "mwaitx" }, { 0x80000001, 0, 'd', 27, "rdtscp" },
    { 0x80000001, 0, 'd', 30, "3dnowext" }, { 0x80000001, 0, 'd', 31, "3dnow" }, { 0x80000008, 0, 'b', 0, "clzero" },
};

int table_read(FILE *stream, struct table *table)
{
    char line[256];
    size_t room = 0;
    for (int at = 1; fgets(line, sizeof line, stream); at++) {
        struct leaf one;
        char subleaf[16], *end;
        if (!strchr(line, '\n')) /* a long comment: no part of it is a line of its own */
            for (int c; (c = getc(stream)) != EOF && c != '\n';);
        line[strcspn(line, "#\n")] = 0;
        if (!line[strspn(line, " \t")]) continue;
        if (sscanf(line, "%" SCNx32 " %15s %" SCNx32 " %" SCNx32 " %" SCNx32 " %" SCNx32, &one.leaf, subleaf, &one.eax, &one.ebx, &one.ecx, &one.edx) != 6) return at;
        one.subleaf = strcmp(subleaf, "*") ? (int32_t)strtol(subleaf, &end, 16) : ANY;
        if (one.subleaf != ANY && *end) return at;
        if (table->count == room) {
            room = room ? room * 2 : 64;
            struct leaf *more = realloc(table->leaves, room * sizeof *more);
            if (!more) return at;
            table->leaves = more;
        }
        table->leaves[table->count++] = one;
    }
    return table->count ? 0 : 1;
}

static struct leaf real(uint32_t leaf, uint32_t subleaf)
{
    struct leaf one = { .leaf = leaf, .subleaf = (int32_t)subleaf };
    __cpuid_count(leaf, subleaf, one.eax, one.ebx, one.ecx, one.edx);
    return one;
}

struct leaf table_answer(const struct table *table, uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0xd) return real(leaf, subleaf); /* the XSAVE layout stays the real one */
    for (size_t i = 0; i < table->count; i++) {
        const struct leaf *one = &table->leaves[i];
        if (one->leaf == leaf && (one->subleaf == ANY || one->subleaf == (int32_t)subleaf)) return *one;
    }
    return (struct leaf){ .leaf = leaf, .subleaf = (int32_t)subleaf };
}

static void line(FILE *stream, struct leaf one)
{
    if (one.leaf == 1) one.ebx &= 0x00ffffff; /* without the number of the core this ran on */
    if (one.leaf == 0xb || one.leaf == 0x1f || one.leaf == 0x80000026) one.edx = 0;
    if (one.leaf == 0x8000001e) one.eax = 0, one.ebx &= ~0xffu, one.ecx &= ~0xffu; /* its unit and its node too */
    fprintf(stream, one.subleaf == ANY ? "%08x  * %08x %08x %08x %08x\n" : "%08x %2x %08x %08x %08x %08x\n",
            one.leaf, one.subleaf == ANY ? one.eax : (uint32_t)one.subleaf, one.subleaf == ANY ? one.ebx : one.eax,
            one.subleaf == ANY ? one.ecx : one.ebx, one.subleaf == ANY ? one.edx : one.ecx, one.edx);
}

/* Stays on the lowest core that may be used, since cores of one machine may answer otherwise. False where that can't be. */
static bool pin(cpu_set_t *usable)
{
    cpu_set_t one;
    int core = 0;
    if (sched_getaffinity(0, sizeof *usable, usable)) return false;
    while (core < CPU_SETSIZE && !CPU_ISSET(core, usable)) core++;
    if (core == CPU_SETSIZE) return false;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return !sched_setaffinity(0, sizeof one, &one);
}

void table_write(FILE *stream)
{
    static const uint32_t bases[] = { 0, 0x40000000, 0x80000000 };
    cpu_set_t usable;
    bool pinned = pin(&usable);
    for (size_t b = 0; b < 3; b++) {
        uint32_t last = real(bases[b], 0).eax;
        if (last < bases[b] || last > bases[b] + 0xff) continue;
        if (b == 1 && !(real(1, 0).ecx & 1u << 31)) continue; /* a hypervisor's own leaves */
        if (b == 1) last = bases[b]; /* its name: some of Xen's others are numbers of the one core */
        for (uint32_t leaf = bases[b]; leaf <= last; leaf++) {
            uint32_t many = leaf == 4 || leaf == 0x8000001d ? 16 : leaf == 7 ? real(7, 0).eax + 1 : leaf == 0xb || leaf == 0x1f ? 4 : leaf == 0x12 || leaf == 0x14 || leaf == 0x17 || leaf == 0x18 || leaf == 0x1d || leaf == 0x80000026 ? 4 : 0;
            if (leaf == 0xd) continue;
            if (!many) {
                struct leaf one = real(leaf, 0);
                one.subleaf = ANY;
                line(stream, one);
            }
            for (uint32_t i = 0; i < many; i++) {
                struct leaf one = real(leaf, i);
                line(stream, one);
                if ((leaf == 4 || leaf == 0x8000001d) && !(one.eax & 31)) break;
            }
        }
    }
    if (pinned) sched_setaffinity(0, sizeof usable, &usable);
}

/* What of a feature's registers the operating system keeps (XCR0): one that it does not is none. */
static bool kept(const char *name)
{
    uint32_t low = 0, high, needs = 0;
    if (!strncmp(name, "avx512", 6)) needs = 0xe6;
    else if (!strncmp(name, "avx", 3) || !strcmp(name, "fma") || !strcmp(name, "f16c")) needs = 0x06;
    else if (!strncmp(name, "amx", 3)) needs = 0x60000;
    if (!needs) return true;
    if (!(real(1, 0).ecx & 1u << 27)) return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & needs) == needs;
}

size_t table_lacking(const struct table *table, const char **names, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        const struct feature *f = &features[i];
        struct leaf wanted = table_answer(table, f->leaf, f->subleaf), have = { 0 };
        if (real(f->leaf & 0x80000000, 0).eax >= f->leaf) have = real(f->leaf, f->subleaf);
        if (f->leaf == 7 && f->subleaf > real(7, 0).eax) have = (struct leaf){ 0 };
        uint32_t want = f->reg == 'a' ? wanted.eax : f->reg == 'b' ? wanted.ebx : f->reg == 'c' ? wanted.ecx : wanted.edx;
        uint32_t got = f->reg == 'a' ? have.eax : f->reg == 'b' ? have.ebx : f->reg == 'c' ? have.ecx : have.edx;
        bool lacks = (want & ~got) >> f->bit & 1 || (want >> f->bit & 1 && !kept(f->name));
        if (lacks && count < room) names[count++] = f->name;
    }
    return count;
}
