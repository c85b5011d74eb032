/* runs.h: a visitor of remote-read answers that writes down all it is shown: one line for each sample,
 * `QUERY {labels} MILLISECONDS BITS`, or `... MILLISECONDS histogram BYTES`. */
#ifndef AX_TEST_RUNS_H
#define AX_TEST_RUNS_H

#include "prom/read_response.h"

/* Zero-initialise. */
struct runs {
    struct ax_buf text;
    uint32_t visits;
    enum ax_err answer; /* what the visitor returns */
};

/* The visitor; ctx is a struct runs. */
ax_read_visit runs_visit;

/* What was written down, terminated. */
const char *runs_text(struct runs *r);

/* Free, and empty it. */
void runs_done(struct runs *r);

/* The whole of a file of tests/; fails the test when it cannot be read. The caller frees the buffer. */
struct ax_buf runs_file(const char *name);

#endif
