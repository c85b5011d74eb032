/* labels.h: label sets: sorted by name (byte-wise), names unique, no empty name or value.
 *
 * The metric's name is the label __name__. Two spellings exist beside this struct: the exposition
 * text (`node_load1{instance="a"}`; names that are no classic identifiers are quoted as Prometheus 3
 * does: `{"if.rx|kbps",instance="a"}`), and the *key*: the labels as they stand in a remote-write 1.0
 * TimeSeries (repeated field 1), which is how series travel inside Auspex before anybody parses them. */
#ifndef AX_PROM_LABELS_H
#define AX_PROM_LABELS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AX_METRIC_NAME "__name__"

/* One pair; views. */
struct ax_label {
    struct ax_str name, value;
};

/* A set; v and its bytes belong to whoever made it (an arena, or the one block of ax_labels_dup). */
struct ax_labels {
    uint32_t n;
    const struct ax_label *v;
};

/* Value of a label; {NULL, 0} when absent. O(n). */
struct ax_str ax_labels_get(const struct ax_labels *ls, struct ax_str name);

/* Equal sets? */
bool ax_labels_eq(const struct ax_labels *a, const struct ax_labels *b);

/* Total order: by the pairs in turn, shorter first. */
int ax_labels_cmp(const struct ax_labels *a, const struct ax_labels *b);

/* Seeded hash over names and values with separators; equal sets hash alike. */
uint64_t ax_labels_hash(const struct ax_labels *ls, uint64_t seed);

/* Deep copy in one malloc block, which free() gives back; NULL when out of memory. */
struct ax_labels *ax_labels_dup(const struct ax_labels *ls);

/* Deep copy into an arena; false when there is no room, and *out is not set. */
bool ax_labels_copy(struct ax_arena *arena, const struct ax_labels *ls, struct ax_labels *out);

/* Bring pairs in any order into canonical form: sorts v in place, drops pairs with empty values.
 * AX_INVALID with a text for an empty name, a repeated name or invalid UTF-8. *n is updated. */
AX_MUST_USE enum ax_err ax_labels_canonical(struct ax_label *v, uint32_t *n, struct ax_diag *diag);

/* A changed copy in the arena: the base without the names in drop, with the pairs of add set (each
 * overwrites; an empty value removes). add need not be sorted. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_labels_with(const struct ax_labels *base, const struct ax_str *drop,
                                       uint32_t drop_n, const struct ax_label *add, uint32_t add_n,
                                       struct ax_arena *arena, struct ax_labels *out);

/* Append in exposition text, escaped so that ax_labels_parse() reads the same set. */
void ax_labels_write(const struct ax_labels *ls, struct ax_buf *out);

/* Read exposition text (whole) into the arena. AX_INVALID with the column in the text. */
AX_MUST_USE enum ax_err ax_labels_parse(struct ax_str text, struct ax_arena *arena, struct ax_labels *out,
                                        struct ax_diag *diag);

/* Append the key: each pair as `0a len (0a len name 12 len value)`. */
void ax_labels_key_write(const struct ax_labels *ls, struct ax_buf *out);

/* Read a key into canonical labels in the arena (views point into key). AX_INVALID with a text as for
 * ax_labels_canonical(), and when the bytes are no key. */
AX_MUST_USE enum ax_err ax_labels_key_parse(struct ax_str key, struct ax_arena *arena, struct ax_labels *out,
                                            struct ax_diag *diag);

/* Is it a classic metric name ([a-zA-Z_:][a-zA-Z0-9_:]*)? */
bool ax_name_is_metric(struct ax_str s);

/* Is it a classic label name ([a-zA-Z_][a-zA-Z0-9_]*)? */
bool ax_name_is_label(struct ax_str s);

#endif
