/* Code that takes the place of CPUID, RSQRT and RCP. */
#ifndef VCPU_PATCH_H
#define VCPU_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "sites.h"
#include "table.h"

/* Where the code of one file goes: its head first, then one stub after another. */
struct region {
    uint8_t *bytes;
    size_t size, used;
    uint64_t address; /* in the program */
};

/* Bytes to put aside for a file's stubs. */
size_t region_size(const struct sites *sites, const struct table *table);

/* Writes what all stubs share: constants, and the routine that answers a CPUID. */
void region_head(struct region *region, const struct table *table);

/* Writes the stub of one site and the jump to it.
 *
 * code: the site's bytes, site->length of them, as they are in the program at `address`; the jump is put there.
 * 0, or -1 where this form can't be replaced: nothing is changed then. */
int replace(struct region *region, const struct site *site, uint64_t address, uint8_t *code);

#endif
