/* Keeps the sites of files by path: read from a list, or searched when first asked for.
 *
 * A list has a line `file COUNT PATH` for each file, and behind it so many lines of a letter (c: CPUID, a: RSQRT or
 * RCP), the offset in the file, the bytes moved before it, its size and the length of all that is replaced. */
#include "known.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode.h"

struct entry {
    char *path;
    struct sites sites;
    struct stat about; /* of the file that was searched */
    bool listed;
    struct entry *next;
};

enum { BUCKETS = 1024 };

struct known { struct entry *buckets[BUCKETS]; };

struct known *known_new(void) { return calloc(1, sizeof(struct known)); }

static struct entry **place(struct known *known, const char *path)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *c = path; *c; c++) hash = (hash ^ (uint8_t)*c) * 16777619u;
    struct entry **at = &known->buckets[hash % BUCKETS];
    while (*at && strcmp((*at)->path, path)) at = &(*at)->next;
    return at;
}

static struct entry *insert(struct known *known, const char *path)
{
    struct entry **at = place(known, path);
    if (!*at && (*at = calloc(1, sizeof **at))) (*at)->path = strdup(path);
    return *at;
}

int known_read(struct known *known, FILE *stream)
{
    char line[4352], path[4097];
    struct entry *entry = NULL;
    size_t count = 0;
    for (int at = 1; fgets(line, sizeof line, stream); at++) {
        uint64_t offset;
        unsigned before, size, length;
        char kind;
        if (sscanf(line, "file %zu %4096[^\n]", &count, path) == 2) {
            entry = insert(known, path);
            if (!entry || entry->sites.found) return at;
            entry->sites.found = calloc(count + 1, sizeof(struct site));
            entry->listed = true;
        } else if (entry && entry->sites.count < count
                   && sscanf(line, "%c %" SCNx64 " %u %u %u", &kind, &offset, &before, &size, &length) == 5) {
            entry->sites.found[entry->sites.count++] = (struct site){ offset, (uint8_t)before, (uint8_t)size, (uint8_t)length, kind == 'c' ? CPUID : APPROXIMATE };
        } else {
            return at;
        }
    }
    return 0;
}

void known_none(struct known *known, const char *path)
{
    struct entry *entry = insert(known, path);
    if (entry) entry->listed = true;
}

void known_write(FILE *stream, const char *path, const struct sites *sites)
{
    fprintf(stream, "file %zu %s\n", sites->count, path);
    for (size_t i = 0; i < sites->count; i++) {
        const struct site *one = &sites->found[i];
        fprintf(stream, "%c %" PRIx64 " %u %u %u\n", one->kind == CPUID ? 'c' : 'a', one->offset, one->before, one->size, one->length);
    }
}

/* Whether nobody wrote the file anew since; a program may compile one and load it, again and again. */
static bool alike(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size
        && one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

const struct sites *known_sites(struct known *known, const char *path, const char *file)
{
    struct entry *entry = *place(known, path);
    struct stat about;
    if (entry && (entry->listed || (!stat(file, &about) && alike(&about, &entry->about)))) return &entry->sites;
    int handle = open(file, O_RDONLY | O_CLOEXEC);
    if (handle < 0) return NULL;
    if (fstat(handle, &about) || !S_ISREG(about.st_mode) || !(entry = insert(known, path))) {
        close(handle);
        return NULL;
    }
    free(entry->sites.found);
    entry->sites = (struct sites){ 0 };
    entry->about = about;
    void *bytes = about.st_size ? mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, handle, 0) : MAP_FAILED;
    close(handle);
    if (bytes == MAP_FAILED) return &entry->sites;
    sites_of(bytes, (size_t)about.st_size, &entry->sites);
    munmap(bytes, (size_t)about.st_size);
    return &entry->sites;
}
