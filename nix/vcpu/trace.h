/* Follows a program and every process that it starts, and puts the virtual CPU into each. */
#ifndef VCPU_TRACE_H
#define VCPU_TRACE_H

#include <sys/types.h>

#include "known.h"
#include "table.h"

enum way { FAULT, REWRITE };

struct plan {
    const struct table *table;
    struct known *known;
    enum way way;
    int exact; /* replace RSQRT and RCP too */
};

/* Becomes the tracer of `program`, which waits to be let go by a byte in `ready`; returns when all its processes have ended. */
int trace(pid_t program, int ready, const struct plan *plan);

/* In the program, before it becomes another: asks the kernel to tell its tracer of new code. */
int announce_code(void);

#endif
