/* rw_decode.h: walks a decompressed remote-write request in place, versions 1.0 and 2.0.
 *
 * No object per label or sample: each TimeSeries is handed to the visitor as the key of its labels
 * (prom/labels.h) and a run of samples in scratch memory that the decoder reuses. A 2.0 request's
 * labels are spelled into a key from its symbols. Unknown fields are skipped, packed and unpacked
 * repeated fields read alike, absent fields are zero. Source: remote-write 1.0 and 2.0-rc.4
 * specifications; types.proto and io.prometheus.write.v2 in proto/. */
#ifndef AX_PROM_RW_DECODE_H
#define AX_PROM_RW_DECODE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "prom/histogram.h"
#include "prom/plain_series.h"

/* One TimeSeries, borrowed: valid during the visit only. Its labels are as sent: order and emptiness are not
 * checked. */
struct ax_rw_series {
    struct ax_str key;               /* 1.0: the labels, in wire form; in 2.0 ax_rw_spell() makes it */
    const uint32_t *refs;            /* 2.0: the labels, names and values in turn, as places in the decoder's
                                        symbols; of a series with a fault those before it */
    const struct ax_sample *samples; /* in the order sent */
    const int64_t *starts; /* 2.0: when the counter of each sample began, 0: not known; NULL: of none */
    const struct ax_histogram_sample *histograms; /* their messages lie in the request */
    uint32_t refs_n, samples_n, histograms_n, exemplars_n;
    bool has_metadata; /* 2.0: a non-empty Metadata message */
    uint64_t number;   /* of the series in its request, from 1 */
};

/* What a request held, counted as the walk passes it. */
struct ax_rw_stats {
    uint64_t series, samples, histograms, exemplars, metadata;
};

/* What is wrong with one series alone, so that the rest of the request can be kept. */
struct ax_rw_fault {
    const char *reason; /* "refs", "limit" or "histogram": a word for a counter */
    const char *text;   /* for the sender; valid during the visit */
};

/* Called for each TimeSeries in turn. fault is NULL, or says that this series breaks a ceiling, has a
 * native histogram that is wrong, or (2.0) odd or out-of-range references; what the series then has must not
 * be kept. Returns AX_OK to go on; anything else ends the walk with it. */
typedef enum ax_err ax_rw_visit(void *ctx, const struct ax_rw_series *series,
                                const struct ax_rw_fault *fault);

/* Called for runs of 1 to AX_PLAIN_RUN plain series, where they stand among the others: takes those that it
 * knows by their labels, and gives in *unread, bit by bit, those that it does not: they are read and visited
 * then. A 2.0 series is taken only if all its references are symbols of the decoder. An error ends the walk.
 */
typedef enum ax_err ax_rw_take_plain(void *ctx, const struct ax_plain_series *v, uint32_t n,
                                     uint32_t *unread);

/* Ceilings. Above symbols_max the walk ends with AX_LIMIT; above the others the series has a fault.
 * spelled_max is there because a few bytes of references can stand for kilobytes of labels. */
struct ax_rw_limits {
    uint32_t labels_max;      /* pairs in one series */
    uint32_t label_bytes_max; /* bytes of one name or value */
    uint32_t key_bytes_max;   /* bytes of all labels of one series, as a key */
    uint32_t symbols_max;     /* 2.0 */
    uint32_t samples_max;     /* in one series; the same of native histograms */
    uint64_t spelled_max;     /* 2.0: bytes of all keys that ax_rw_spell() makes for a request */
};

/* Samples that grow; for struct ax_rw_decoder alone. */
struct ax_rw_samples {
    struct ax_sample *v;
    uint32_t cap;
};

/* Native histograms that grow; for struct ax_rw_decoder alone. */
struct ax_rw_histograms {
    struct ax_histogram_sample *v;
    uint32_t cap;
};

/* Start timestamps that grow; for struct ax_rw_decoder alone. */
struct ax_rw_starts {
    int64_t *v;
    uint32_t cap;
};

/* Scratch that lives from request to request (one per thread); zero-initialise. */
struct ax_rw_decoder {
    struct ax_rw_samples samples;
    struct ax_rw_histograms histograms;
    struct ax_rw_starts starts;
    struct ax_str *symbols; /* 2.0: those of the request, until the next one */
    uint32_t symbols_n, symbols_cap;
    size_t symbols_any; /* their lengths, or'ed */
    uint32_t *refs;
    uint32_t refs_cap;
    uint64_t spelled, spelled_max;
    ax_rw_take_plain *take_plain; /* set by the owner; NULL: each series is read and visited */
    struct ax_plain_series plain[AX_PLAIN_RUN];
    struct ax_buf key;
    char fault[160], histogram_fault[AX_HISTOGRAM_FAULT_MAX];
};

/* Walk a request of version 1 or 2. AX_INVALID with a text when the bytes are no such message (series
 * visited before that point stay visited, and plain ones in the same run behind it were taken: the caller
 * decides; nothing of the decoder's state leaks into the next request), or are plainly one of the other
 * version. The inside of a 1.0 label is not looked at: ax_labels_key_parse() does that for keys not seen
 * before. AX_NOMEM. Cost: one pass, two over the outermost fields of 2.0 (symbols may stand behind the
 * series). */
AX_MUST_USE enum ax_err ax_rw_decode(struct ax_rw_decoder *d, int version, struct ax_str body,
                                     const struct ax_rw_limits *limits, ax_rw_visit *visit, void *ctx,
                                     struct ax_rw_stats *out_stats, struct ax_diag *diag);

/* The key of a 2.0 series from its references, which may be a copy, while the request is at hand: in the
 * decoder's scratch, valid until the next key or request. AX_LIMIT with a text above spelled_max, AX_NOMEM.
 */
AX_MUST_USE enum ax_err ax_rw_spell(struct ax_rw_decoder *d, const uint32_t *refs, uint32_t refs_n,
                                    struct ax_str *out, struct ax_diag *diag);

/* Free the scratch. */
void ax_rw_decoder_done(struct ax_rw_decoder *d);

#endif
