/* rw_encode.h: makes remote-write requests, versions 1.0 and 2.0, snappy-compressed, from runs of samples.
 *
 * A run is one series: its key (labels in 1.0 wire form, see prom/labels.h) and its samples. 2.0 spells the
 * labels as references into a table of distinct symbols whose first is the empty one. Zero fields are
 * left out as proto3 does (a negative zero is no zero). Source: remote-write 1.0 and 2.0-rc.4
 * specifications. */
#ifndef AX_PROM_RW_ENCODE_H
#define AX_PROM_RW_ENCODE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "prom/sample.h"

/* One TimeSeries to send; borrowed during the call. samples are in time order; the receiver wants it so. */
struct ax_rw_run {
    struct ax_str key;
    const struct ax_sample *samples;
    uint32_t samples_n;
};

/* The three headers that tell a receiver what the body is, byte for byte as the specifications have them. */
struct ax_rw_headers {
    const char *content_type, *content_encoding, *version;
};

struct ax_rw_symbol; /* one distinct text of the request being encoded */

/* Scratch that lives from request to request (one per thread); start with ax_rw_encoder_init(). */
struct ax_rw_encoder {
    struct ax_buf body, series, refs;
    struct ax_rw_symbol *symbols;
    uint32_t symbols_n, symbols_cap;
    uint32_t *slots; /* open addressing by hash; index + 1 */
    uint32_t slots_n;
};

/* Headers of version 1 or 2. */
struct ax_rw_headers ax_rw_headers(int version);

/* An encoder whose uncompressed request is at most bytes_max (receivers refuse 32 MiB). */
void ax_rw_encoder_init(struct ax_rw_encoder *e, size_t bytes_max);

/* Encode n runs as version 1 or 2 and append the snappy block to out. AX_INVALID when a key is no key,
 * AX_LIMIT when the request or out would pass its ceiling, AX_NOMEM; out is then as before. The encoder
 * may be used again after any of them. Cost: one pass, one hash for each label text in 2.0. */
AX_MUST_USE enum ax_err ax_rw_encode(struct ax_rw_encoder *e, int version, const struct ax_rw_run *runs,
                                     uint32_t n, struct ax_buf *out);

/* Free the scratch. */
void ax_rw_encoder_done(struct ax_rw_encoder *e);

#endif
