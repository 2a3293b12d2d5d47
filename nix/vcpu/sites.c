/* Finds CPUID, RSQRT and RCP in an ELF file: by their bytes first, then by reading the function around them
 * from its first byte on, for the same bytes may stand in the middle of another instruction.
 *
 * Where functions start is in .eh_frame_hdr, which stripped files keep (Linux Standard Base, "Exception Frames"). */
#include "sites.h"

#include <elf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

enum { JUMP = 5, FARTHEST = 1 << 20 };
static const uint64_t NOWHERE = UINT64_MAX;

struct segment { uint64_t address, offset, size; };

struct file {
    const uint8_t *bytes;
    size_t size;
    struct segment code[16];
    size_t codes;
    uint64_t header;       /* address of .eh_frame_hdr */
    const uint8_t *table;  /* its pairs of two signed 32-bit numbers, relative to `header` */
    size_t functions;
};

static int32_t number(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, 4);
    return value;
}

static int read_headers(struct file *file)
{
    const Elf64_Ehdr *head = (const void *)file->bytes;
    if (file->size < sizeof *head || memcmp(head->e_ident, ELFMAG, SELFMAG) || head->e_machine != EM_X86_64) return -1;
    if (head->e_phoff > file->size || head->e_phnum * sizeof(Elf64_Phdr) > file->size - head->e_phoff) return -1;
    const Elf64_Phdr *all = (const void *)(file->bytes + head->e_phoff);
    for (unsigned i = 0; i < head->e_phnum; i++) {
        const Elf64_Phdr *one = &all[i];
        if (one->p_offset > file->size || one->p_filesz > file->size - one->p_offset) return -1;
        if (one->p_type == PT_LOAD && (one->p_flags & PF_X) && file->codes < 16)
            file->code[file->codes++] = (struct segment){ one->p_vaddr, one->p_offset, one->p_filesz };
        if (one->p_type != PT_GNU_EH_FRAME || one->p_filesz < 12) continue;
        const uint8_t *at = file->bytes + one->p_offset;
        /* version 1, frame pointer of 4 bytes, count as 4 bytes, table sorted, relative to its own start */
        if (at[0] != 1 || (at[1] & 0x0f) != 0x0b || at[2] != 0x03 || at[3] != 0x3b) continue;
        file->header = one->p_vaddr;
        file->functions = (uint32_t)number(at + 8);
        file->table = at + 12;
        if (file->functions > (one->p_filesz - 12) / 8) file->functions = (one->p_filesz - 12) / 8;
    }
    return 0;
}

/* Address where function number i starts. */
static uint64_t start_of(const struct file *file, size_t i)
{
    return file->header + (uint64_t)(int64_t)number(file->table + 8 * i);
}

/* The function that an address is in: where it starts, and where the next one does. */
static bool around(const struct file *file, const struct segment *code, uint64_t address, uint64_t *first, uint64_t *next)
{
    size_t low = 0, high = file->functions;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (start_of(file, middle) <= address) low = middle + 1;
        else high = middle;
    }
    *first = low ? start_of(file, low - 1) : code->address;
    *next = low < file->functions ? start_of(file, low) : code->address + code->size;
    if (*first < code->address) *first = code->address;
    if (*next > code->address + code->size) *next = code->address + code->size;
    return address - *first < FARTHEST;
}

/* Whether some jump of the function lands on (low, high): then these bytes must stay. */
static bool jumped_into(const uint8_t *code, uint64_t first, uint64_t next, uint64_t low, uint64_t high)
{
    for (uint64_t at = first; at < next;) {
        struct instruction one = decode(code + (at - first), next - at);
        if (!one.length) { at++; continue; }
        if (one.kind == BRANCH) {
            uint64_t target = at + (uint64_t)one.target;
            if (target > low && target < high) return true;
        }
        at += one.length;
    }
    return false;
}

static bool movable(const struct instruction *one)
{
    return one->length && (one->kind == PLAIN || one->kind == APPROXIMATE);
}

/* Finds room for a jump: the instruction with the ones after it, else the one before it too. */
static bool make_room(const uint8_t *code, uint64_t first, uint64_t next, uint64_t before, uint64_t address, struct site *site)
{
    struct instruction self = decode(code + (address - first), next - address);
    uint64_t starts[2] = { address, before };
    for (int i = 0; i < 2; i++) {
        uint64_t low = starts[i], high = address + self.length;
        if (low == NOWHERE) continue;
        if (i == 1) {
            struct instruction one = decode(code + (low - first), next - low);
            if (!movable(&one) || one.kind == APPROXIMATE) continue;
        }
        while (high - low < JUMP && high < next) {
            struct instruction one = decode(code + (high - first), next - high);
            if (!movable(&one) || one.kind == APPROXIMATE) break;
            high += one.length;
        }
        if (high - low < JUMP || jumped_into(code, first, next, low, high)) continue;
        site->before = (uint8_t)(address - low);
        site->size = (uint8_t)self.length;
        site->length = (uint8_t)(high - low);
        return true;
    }
    return false;
}

static int add(struct sites *sites, struct site site)
{
    if ((sites->count & (sites->count - 1)) == 0) {
        size_t room = sites->count ? sites->count * 2 : 1;
        struct site *more = realloc(sites->found, room * sizeof *more);
        if (!more) return -1;
        sites->found = more;
    }
    sites->found[sites->count++] = site;
    return 0;
}

/* Looks at the bytes before a pattern for where its instruction would start; at most this many prefix bytes. */
enum { PREFIXES = 6 };

static int look(const struct file *file, const struct segment *code, uint64_t place, struct sites *sites, uint64_t *done)
{
    uint64_t first, next, before = NOWHERE;
    if (!around(file, code, place, &first, &next)) { sites->doubtful++; return 0; }
    const uint8_t *bytes = file->bytes + code->offset + (first - code->address);
    for (uint64_t at = first; at <= place && at < next;) {
        struct instruction one = decode(bytes + (at - first), next - at);
        if (!one.length) { at++; before = NOWHERE; continue; } /* data, or padding: begin anew behind it */
        if (at + one.length > place && (one.kind == CPUID || one.kind == APPROXIMATE)) {
            if (at == *done) return 0;
            *done = at;
            struct site site = { .kind = one.kind, .size = (uint8_t)one.length, .length = (uint8_t)one.length };
            if (one.kind == CPUID && one.length != 2) { sites->doubtful++; return 0; }
            /* A CPUID without room traps instead; an approximate instruction without room stays, and is counted. */
            if (!make_room(bytes, first, next, before, at, &site) && one.kind == APPROXIMATE) { sites->unmovable++; return 0; }
            site.offset = code->offset + (at - code->address) - site.before;
            return add(sites, site);
        }
        before = at;
        at += one.length;
    }
    sites->doubtful++;
    return 0;
}

static int search(const struct file *file, struct sites *sites)
{
    for (size_t i = 0; i < file->codes; i++) {
        const struct segment *code = &file->code[i];
        const uint8_t *at = file->bytes + code->offset, *end = at + code->size;
        uint64_t done = NOWHERE;
        /* CPUID is 0F A2. RSQRT and RCP are opcodes 52 and 53 behind 0F or the last byte of a VEX prefix;
         * the EVEX forms 4C to 4F. Few bytes pass the first look; the function around them decides. */
        for (const uint8_t *p = at + 1; p < end; p++) {
            bool legacy = p[-1] == 0x0f && (p[0] == 0xa2 || p[0] == 0x52 || p[0] == 0x53);
            bool vex = (p[0] == 0x52 || p[0] == 0x53) && ((p - at >= 2 && p[-2] == 0xc5) || (p - at >= 3 && p[-3] == 0xc4));
            bool evex = p[0] >= 0x4c && p[0] <= 0x4f && p - at >= 4 && p[-4] == 0x62;
            if ((legacy || vex || evex) && look(file, code, code->address + (uint64_t)(p - at), sites, &done)) return -1;
        }
    }
    return 0;
}

int sites_of(const uint8_t *bytes, size_t size, struct sites *sites)
{
    struct file file = { .bytes = bytes, .size = size };
    sites->code = !read_headers(&file);
    return sites->code ? search(&file, sites) : -1;
}

int sites_of_code(const uint8_t *bytes, size_t size, struct sites *sites)
{
    struct file file = { .bytes = bytes, .size = size, .code = { { 0, 0, size } }, .codes = 1 };
    return search(&file, sites);
}
