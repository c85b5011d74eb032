/* read_writer.h: makes the answer to a remote-read, in both forms, from runs of samples.
 *
 * A run is one series: its key (prom/labels.h) and its samples in time order. Within a query, series come in
 * the order of their labels, each once. SAMPLES is to be compressed as a snappy block afterwards; frames are
 * sent as they are. Source: as in read_response.h. One writer for one answer; one thread. */
#ifndef AX_PROM_READ_WRITER_H
#define AX_PROM_READ_WRITER_H

#include "prom/read_request.h"
#include "prom/sample.h"

/* See ax_read_writer_init(). */
struct ax_read_writer {
    enum ax_read_form form;
    struct ax_buf *out;
    struct ax_buf part; /* the result of a query; or the frame that is being filled */
    struct ax_buf chunk;
    uint32_t queries; /* begun so far */
};

/* An answer of that form at the end of out, whose ceiling is that of the answer. */
void ax_read_writer_init(struct ax_read_writer *w, enum ax_read_form form, struct ax_buf *out);

/* Begin the answer to the next query; every query has one. */
void ax_read_writer_query(struct ax_read_writer *w);

/* Add a series with n samples, at least one. */
void ax_read_writer_series(struct ax_read_writer *w, struct ax_str key, const struct ax_sample *samples,
                           uint32_t n);

/* Finish and free what the writer holds. AX_LIMIT when out reached its ceiling, AX_NOMEM; what out holds is
 * then no answer. */
AX_MUST_USE enum ax_err ax_read_writer_end(struct ax_read_writer *w);

#endif
