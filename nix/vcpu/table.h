/* CPUs as tables of what CPUID answers. */
#ifndef VCPU_TABLE_H
#define VCPU_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ANY = -1 };

struct leaf {
    uint32_t leaf;
    int32_t subleaf; /* ANY: the same for all */
    uint32_t eax, ebx, ecx, edx;
};

struct table {
    struct leaf *leaves;
    size_t count;
};

/* Reads lines of six numbers: leaf, subleaf or *, eax, ebx, ecx, edx, in hexadecimal. 0, or the number of the bad line. */
int table_read(FILE *stream, struct table *table);

/* What the CPU answers, or the table: zeros for what it lacks. */
struct leaf table_answer(const struct table *table, uint32_t leaf, uint32_t subleaf);

/* Writes this machine's table. */
void table_write(FILE *stream);

/* The features that a table promises and this machine hasn't, by name; empty where there are none.
 *
 * Those too whose registers the operating system does not keep: programs would not use them. */
size_t table_lacking(const struct table *table, const char **names, size_t room);

#endif
