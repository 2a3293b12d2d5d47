/* Where an ELF file holds the instructions that tell one CPU from another. */
#ifndef VCPU_SITES_H
#define VCPU_SITES_H

#include <stddef.h>
#include <stdint.h>

/* What is replaced: `length` bytes at a file offset, at least 5 for a jump, or 2 for a CPUID. */
struct site {
    uint64_t offset;  /* in the file, of the first byte that is replaced */
    uint8_t before;   /* bytes moved that come before the instruction itself */
    uint8_t size;     /* of the instruction itself */
    uint8_t length;   /* of all that is replaced */
    uint8_t kind;     /* CPUID or APPROXIMATE of decode.h */
};

struct sites {
    struct site *found;
    size_t count;
    int code;         /* whether it is a file of code for x86-64 at all */
    size_t doubtful;  /* byte patterns that no instruction starts at: data, or the middle of one */
    size_t unmovable; /* approximate instructions with no room for a jump */
};

/* 0, or -1 where the file is no ELF file of x86-64. */
int sites_of(const uint8_t *bytes, size_t size, struct sites *sites);

/* The same of bare code, whose first byte is an instruction's. Offsets are from there. */
int sites_of_code(const uint8_t *bytes, size_t size, struct sites *sites);

#endif
