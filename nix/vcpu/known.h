/* The sites of every file that was met, so that none is searched twice. */
#ifndef VCPU_KNOWN_H
#define VCPU_KNOWN_H

#include <stddef.h>
#include <stdio.h>

#include "sites.h"

struct known;

struct known *known_new(void);

/* Reads what `known_write` wrote. 0, or the number of the bad line. */
int known_read(struct known *known, FILE *stream);

/* Takes a file to have no sites. */
void known_none(struct known *known, const char *path);

/* One file's sites as text. */
void known_write(FILE *stream, const char *path, const struct sites *sites);

/* The sites of a file; searched now where they are not known, or where another file has its name by now.
 *
 * path: its name in the list. file: by which to open it, which may be another. NULL where it can't be read. */
const struct sites *known_sites(struct known *known, const char *path, const char *file);

#endif
