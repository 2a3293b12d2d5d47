/* Lengths of x86-64 instructions, and what must be known to move one. */
#ifndef VCPU_DECODE_H
#define VCPU_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum kind {
    PLAIN,    /* can be moved as it is */
    RELATIVE, /* reads or writes memory relative to its own address */
    BRANCH,   /* jumps or calls relative to its own address; see target */
    LEAVES,   /* never goes on to the next instruction, or can't be moved for another reason */
    CPUID,
    APPROXIMATE, /* RSQRTPS, RCPPS and their kin: see family */
};

struct instruction {
    unsigned length;    /* bytes; 0 where these bytes are no instruction */
    enum kind kind;
    int64_t target;     /* BRANCH: where it goes, relative to its own first byte */
    unsigned opcode;    /* map << 8 | opcode byte */
    unsigned prefix;    /* mandatory one: 0, 0x66, 0xf3, 0xf2 */
    unsigned encoding;  /* 0 legacy, 1 VEX, 2 EVEX */
    unsigned vector;    /* VEX, EVEX: 0, 1, 2 for 128, 256, 512 bits */
    unsigned at;        /* where its opcode byte is */
    int relative;       /* its memory operand is relative to its own address */
};

struct instruction decode(const uint8_t *code, size_t size);

#endif
