/* rw_refs.h: the labels of a 2.0 series: references into the symbols of its request, and how they are spelled
 * as a key; for the decoder's files alone. */
#ifndef AX_PROM_RW_REFS_H
#define AX_PROM_RW_REFS_H

#include "prom/rw_decode.h"
#include "prom/wire.h"

/* Why reading references ended. */
enum ax_rw_refs_end {
    AX_RW_REFS_READ,
    AX_RW_REFS_MALFORMED,
    AX_RW_REFS_NOMEM,
    AX_RW_REFS_RANGE, /* one is no symbol: *out_bad */
    AX_RW_REFS_MANY,  /* more than labels_max pairs */
};

/* Read a field of labels_refs, packed or not, behind the *n references of the series in d->refs. All of it is
 * well-formed unless it is AX_RW_REFS_MALFORMED; from the first bad reference on nothing is kept. */
enum ax_rw_refs_end ax_rw_refs_read(struct ax_rw_decoder *d, uint32_t labels_max, struct ax_wire *c,
                                    uint32_t type, uint32_t *n, uint32_t *out_bad);

/* Bytes of n references, spelled, and of the longest text among them. O(n). */
size_t ax_rw_refs_size(const struct ax_rw_decoder *d, const uint32_t *refs, uint32_t n, size_t *out_longest);

#endif
