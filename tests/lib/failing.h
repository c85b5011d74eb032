/* failing.h: system calls and allocations that fail when a test says so.
 *
 * A test named tests/unit/<folder>/<name>_failing_test.c is linked so that these calls of all of Auspex and
 * of the test itself (not those inside libraries) come by here, and work as ever until a plan is set:
 *
 *     for (uint32_t nth = 1, failed = 1; failed; nth++) {
 *         ... set up ...
 *         failing_begin(&(struct failing){.kinds = FAILING_IO, .nth = nth, .error = ENOSPC});
 *         enum ax_err err = operation(...);
 *         failed = failing_end();
 *         ... when failed: err is right, the state is what the contract says; else: err is AX_OK ...
 *     }
 *
 * runs an operation with its 1st, 2nd, ... call failing, until it makes no more calls than that. One plan at
 * a time; calls of all threads count. Sanitizers work as ever: what is real is their own. */
#ifndef AX_TEST_FAILING_H
#define AX_TEST_FAILING_H

#include <stdbool.h>
#include <stdint.h>

/* What can fail; to be joined by |. */
enum failing_kind {
    FAILING_OPEN = 1 << 0,     /* open, openat, opendir, fdopendir */
    FAILING_READ = 1 << 1,     /* read, pread, fstat, readdir */
    FAILING_WRITE = 1 << 2,    /* write, writev, pwrite, pwritev */
    FAILING_SYNC = 1 << 3,     /* fsync, fdatasync */
    FAILING_TRUNCATE = 1 << 4, /* ftruncate */
    FAILING_NAME = 1 << 5,     /* rename, renameat, mkdir */
    FAILING_REMOVE = 1 << 6,   /* unlink, unlinkat */
    FAILING_MAP = 1 << 7,      /* mmap */
    FAILING_MEMORY =
        1 << 8,            /* malloc, calloc, realloc, aligned_alloc, strdup, strndup, asprintf, vasprintf */
    FAILING_LOCK = 1 << 9, /* flock */
    FAILING_THREAD = 1 << 10,                                    /* pthread_create, with EAGAIN */
    FAILING_IO = 0xff,                                           /* all but memory, locks and threads */
    FAILING_SPACE = FAILING_WRITE | FAILING_SYNC | FAILING_NAME, /* what a full disk refuses */
};

/* What is to fail, and how. */
struct failing {
    unsigned kinds; /* which calls count and fail */
    uint32_t nth;   /* from 1: the first call that fails */
    uint32_t times; /* this many of them, from the nth on; 0: one; UINT32_MAX: all */
    int error;      /* errno; memory fails with ENOMEM whatever this is */
    bool partial;   /* if the nth call is a write it writes half and says so; those behind it fail */
};

/* Calls of this thread neither count nor fail: it plays the other side. (spared.c: apart, so that what sets
 * it needs no wrapped calls.) */
extern _Thread_local bool failing_spared;

/* Set a plan; it is copied. */
void failing_begin(const struct failing *plan);

/* Back to normal. Returns how many calls failed, partial ones among them; so does a second call. */
uint32_t failing_end(void);

/* How many calls of the plan's kinds were made since failing_begin(), failed or not. */
uint32_t failing_calls(void);

#endif
