/* join.h: the labels by which series of two expressions belong together. Pure. */
#ifndef AX_PIPELINE_JOIN_H
#define AX_PIPELINE_JOIN_H

#include "prom/labels.h"

#define AX_JOIN_LABELS_MAX 64

/* These labels; without any, all but the metric's name. */
struct ax_join {
    const struct ax_str *by;
    uint32_t by_n;
};

/* Those of ls that join, in their sorted order, in the caller's room of AX_JOIN_LABELS_MAX; views. More than
 * fit there are left out. */
struct ax_labels ax_join_labels(const struct ax_join *j, const struct ax_labels *ls, struct ax_label *room);

#endif
