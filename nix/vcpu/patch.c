/* Stubs: small pieces of code that a site jumps to, and that jump back behind it.
 *
 * A CPUID is answered from the table by a routine of ours, without leaving the program.
 * RSQRT and RCP are approximations whose bits each maker of CPUs chooses for itself; a stub computes the
 * square root and the quotient instead, which IEEE 754 defines to the last bit. */
#include "patch.h"

#include <stdbool.h>
#include <string.h>

#include "decode.h"

enum { ONES = 0, DOUBLES = 64, ANSWER = 128, STUB = 96 };

/* The routine, position-independent; the table follows it. Between the labels, copied as bytes. */
extern const uint8_t answer_first[], answer_table[], answer_end_of_table[], answer_last[];
__asm__(
    ".pushsection .rodata\n"
    "answer_first:\n"
    "  pushfq\n"
    "  cmp $0xd, %eax\n" /* the XSAVE layout stays the real one: glibc sizes its save area by it */
    "  je 4f\n"
    "  push %rsi\n"
    "  push %rdi\n"
    "  lea answer_last(%rip), %rsi\n"
    "  .byte 0x48, 0x8d, 0x3d\n" /* lea END(%rip), %rdi */
    "answer_end_of_table: .long 0\n"
    "answer_table:\n"
    "1: cmp %rdi, %rsi\n"
    "  jae 3f\n"
    "  cmp %eax, (%rsi)\n"
    "  jne 2f\n"
    "  cmpl $-1, 4(%rsi)\n"
    "  je 5f\n"
    "  cmp %ecx, 4(%rsi)\n"
    "  je 5f\n"
    "2: add $24, %rsi\n"
    "  jmp 1b\n"
    "3: xor %eax, %eax\n"
    "  xor %ebx, %ebx\n"
    "  xor %ecx, %ecx\n"
    "  xor %edx, %edx\n"
    "  jmp 6f\n"
    "5: mov 8(%rsi), %eax\n"
    "  mov 12(%rsi), %ebx\n"
    "  mov 16(%rsi), %ecx\n"
    "  mov 20(%rsi), %edx\n"
    "6: pop %rdi\n"
    "  pop %rsi\n"
    "  popfq\n"
    "  ret\n"
    "4: cpuid\n"
    "  popfq\n"
    "  ret\n"
    "  .p2align 3\n"
    "answer_last:\n"
    ".popsection\n");

static size_t head_size(const struct table *table)
{
    return ANSWER + (size_t)(answer_last - answer_first) + table->count * sizeof(struct leaf);
}

size_t region_size(const struct sites *sites, const struct table *table)
{
    return (head_size(table) + sites->count * STUB + 4095) & ~(size_t)4095;
}

static void put(struct region *region, const void *bytes, size_t count)
{
    memcpy(region->bytes + region->used, bytes, count);
    region->used += count;
}

static void byte(struct region *region, unsigned value)
{
    region->bytes[region->used++] = (uint8_t)value;
}

/* A signed 32-bit distance from behind itself to an address in the program. */
static void distance(struct region *region, uint64_t target)
{
    int32_t value = (int32_t)(int64_t)(target - (region->address + region->used + 4));
    put(region, &value, 4);
}

void region_head(struct region *region, const struct table *table)
{
    const float one = 1;
    const double other = 1;
    for (int i = 0; i < 16; i++) put(region, &one, 4);
    for (int i = 0; i < 8; i++) put(region, &other, 8);
    put(region, answer_first, (size_t)(answer_last - answer_first));
    int32_t length = (int32_t)((answer_last - answer_table) + (ptrdiff_t)(table->count * sizeof(struct leaf)));
    memcpy(region->bytes + ANSWER + (answer_end_of_table - answer_first), &length, 4);
    put(region, table->leaves, table->count * sizeof(struct leaf));
}

static void lower(struct region *region, int32_t by) /* lea by(%rsp), %rsp: the flags stay */
{
    put(region, "\x48\x8d\xa4\x24", 4);
    put(region, &by, 4);
}

enum { ROOM = 256 }; /* the 128 bytes below the stack that a function may use, and ours */

static void answer(struct region *region)
{
    lower(region, -ROOM);
    byte(region, 0xe8);
    distance(region, region->address + ANSWER);
    lower(region, ROOM);
}

/* What stands in its place first: a square root for RSQRT, a plain move for RCP, with the same operands. */
static uint8_t exactly(const struct instruction *one)
{
    return one->opcode == 0x152 ? 0x51 : 0x10;
}

/* ModRM and SIB of (%rsp), or of a constant of the region. */
static void on_stack(struct region *region, unsigned reg)
{
    byte(region, (reg & 7) << 3 | 4);
    byte(region, 0x24);
}

static void constant(struct region *region, unsigned reg, unsigned which)
{
    byte(region, (reg & 7) << 3 | 5);
    distance(region, region->address + which);
}

static void vex(struct region *region, unsigned about, unsigned reg, unsigned source, unsigned opcode)
{
    byte(region, 0xc5);
    byte(region, (reg & 8 ? 0 : 0x80) | (~source & 15) << 3 | about);
    byte(region, opcode);
}

enum { PACKED = 0, SCALAR = 2 }; /* how a VEX prefix says PS and SS; its next bit is the length */

static void with_vex(struct region *region, const struct instruction *one, const uint8_t *self, unsigned reg)
{
    unsigned packed = one->vector << 2 | PACKED;
    put(region, self, one->length);
    region->bytes[region->used - one->length + one->at] = exactly(one);
    lower(region, -ROOM);
    vex(region, packed, reg, 0, 0x11); /* vmovups reg, (%rsp) */
    on_stack(region, reg);
    vex(region, packed, reg, 0, 0x10); /* vmovups ones, reg */
    constant(region, reg, ONES);
    vex(region, one->prefix ? SCALAR : packed, reg, reg, 0x5e); /* vdivps, vdivss (%rsp), reg, reg */
    on_stack(region, reg);
    if (one->prefix) { /* the other elements are as they were */
        vex(region, SCALAR, reg, 0, 0x11); /* vmovss reg, (%rsp) */
        on_stack(region, reg);
        vex(region, packed, reg, 0, 0x10);
        on_stack(region, reg);
    }
    lower(region, ROOM);
}

static void legacy(struct region *region, unsigned reg, unsigned opcode)
{
    if (reg & 8) byte(region, 0x44);
    byte(region, 0x0f);
    byte(region, opcode);
}

static void with_sse_scalar(struct region *region, const struct instruction *one, const uint8_t *self, unsigned reg)
{
    put(region, self, one->length);
    region->bytes[region->used - one->length + one->at] = exactly(one);
    lower(region, -ROOM);
    legacy(region, reg, 0x11); /* movups reg, (%rsp) */
    on_stack(region, reg);
    legacy(region, reg, 0x10); /* movups ones, reg */
    constant(region, reg, ONES);
    byte(region, 0xf3);
    legacy(region, reg, 0x5e); /* divss (%rsp), reg */
    on_stack(region, reg);
    byte(region, 0xf3);
    legacy(region, reg, 0x11); /* movss reg, (%rsp) */
    on_stack(region, reg);
    legacy(region, reg, 0x10);
    on_stack(region, reg);
    lower(region, ROOM);
}

static void with_sse(struct region *region, const struct instruction *one, const uint8_t *self, unsigned reg)
{
    unsigned other = reg == 0; /* any register but that one; kept on the stack meanwhile */
    put(region, self, one->length);
    region->bytes[region->used - one->length + one->at] = exactly(one);
    lower(region, -ROOM);
    put(region, (uint8_t[]){ 0x0f, 0x11, (uint8_t)(0x44 | other << 3), 0x24, 16 }, 5); /* movups other, 16(%rsp) */
    legacy(region, reg, 0x11); /* movups reg, (%rsp) */
    on_stack(region, reg);
    put(region, (uint8_t[]){ 0x0f, 0x10, (uint8_t)(0x04 | other << 3), 0x24 }, 4); /* movups (%rsp), other */
    legacy(region, reg, 0x10); /* movups ones, reg */
    constant(region, reg, ONES);
    if (reg & 8) byte(region, 0x44);
    put(region, (uint8_t[]){ 0x0f, 0x5e, (uint8_t)(0xc0 | (reg & 7) << 3 | other) }, 3); /* divps other, reg */
    put(region, (uint8_t[]){ 0x0f, 0x10, (uint8_t)(0x44 | other << 3), 0x24, 16 }, 5); /* movups 16(%rsp), other */
    lower(region, ROOM);
}

/* An EVEX prefix for `reg` with a memory operand in the stack or the region; masked as the original is, merging. */
static void evex(struct region *region, const uint8_t *self, unsigned reg, unsigned source, unsigned opcode)
{
    bool wide = self[2] & 0x80;
    byte(region, 0x62);
    byte(region, (reg & 8 ? 0 : 0x80) | 0x60 | (reg & 16 ? 0 : 0x10) | 1);
    byte(region, (wide ? 0x80 : 0) | (~source & 15) << 3 | 4 | wide);
    byte(region, (self[3] & 0x67) | (source & 16 ? 0 : 8));
    byte(region, opcode);
}

static void with_evex(struct region *region, const struct instruction *one, const uint8_t *self, unsigned reg)
{
    bool wide = self[2] & 0x80;
    size_t start = region->used;
    put(region, self, one->length);
    uint8_t *copy = region->bytes + start;
    copy[1] = (uint8_t)((copy[1] & ~7) | 1);                     /* from map 0F 38 to map 0F */
    copy[2] = (uint8_t)((copy[2] & ~3) | wide);                  /* PS has no prefix, PD has 66 */
    copy[4] = (one->opcode & 0xff) == 0x4e ? 0x51 : 0x10;        /* VSQRT, VMOVU */
    lower(region, -ROOM);
    evex(region, self, reg, 0, 0x11);
    region->bytes[region->used - 2] &= 0x68;                     /* store all of it, unmasked */
    on_stack(region, reg);
    evex(region, self, reg, 0, 0x10);
    constant(region, reg, wide ? DOUBLES : ONES);
    evex(region, self, reg, reg, 0x5e);
    on_stack(region, reg);
    lower(region, ROOM);
}

/* The register that an instruction writes. */
static unsigned destination(const struct instruction *one, const uint8_t *self)
{
    unsigned reg = self[one->at + 1] >> 3 & 7;
    if (one->encoding == 1) return reg | (self[1] & 0x80 ? 0 : 8); /* both VEX prefixes have R there */
    if (one->encoding == 2) return reg | (self[1] & 0x80 ? 0 : 8) | (self[1] & 0x10 ? 0 : 16);
    for (unsigned i = 0; i < one->at; i++)
        if ((self[i] & 0xf4) == 0x44) reg |= 8;
    return reg;
}

static bool replaceable(const struct instruction *one, const uint8_t *self)
{
    unsigned op = one->opcode & 0xff;
    if (one->kind == CPUID) return true;
    if (one->kind != APPROXIMATE || one->relative) return false;
    bool memory = self[one->at + 1] >> 6 != 3;
    /* A scalar move from memory clears what a scalar RCP leaves. */
    if (one->encoding < 2) return !(one->prefix == 0xf3 && op == 0x53 && memory);
    return one->opcode >> 8 == 2 && (op == 0x4c || op == 0x4e) && !memory && !(self[3] & 0x10);
}

int replace(struct region *region, const struct site *site, uint64_t address, uint8_t *code)
{
    const uint8_t *self = code + site->before;
    struct instruction one = decode(self, site->size);
    if (site->length < 5 || !replaceable(&one, self)) return -1;
    uint64_t stub = region->address + region->used;
    int64_t there = (int64_t)(stub - (address + 5));
    if (there != (int32_t)there || region->used + STUB > region->size) return -1;
    put(region, code, site->before);
    unsigned reg = one.kind == APPROXIMATE ? destination(&one, self) : 0;
    if (one.kind == CPUID) answer(region);
    else if (one.encoding == 1) with_vex(region, &one, self, reg);
    else if (one.encoding == 2) with_evex(region, &one, self, reg);
    else if (one.prefix) with_sse_scalar(region, &one, self, reg);
    else with_sse(region, &one, self, reg);
    put(region, self + site->size, (size_t)(site->length - site->before - site->size));
    byte(region, 0xe9);
    distance(region, address + site->length);
    int32_t jump = (int32_t)there;
    code[0] = 0xe9;
    memcpy(code + 1, &jump, 4);
    memset(code + 5, 0x90, site->length - 5u);
    return 0;
}
