/* join.c: a choice of labels. */
#include "pipeline/join.h"

static bool joins(const struct ax_join *j, struct ax_str name)
{
    for (uint32_t i = 0; i < j->by_n; i++)
        if (ax_str_eq(name, j->by[i]))
            return true;
    return j->by_n == 0 && !ax_str_eq(name, ax_str(AX_METRIC_NAME));
}

struct ax_labels ax_join_labels(const struct ax_join *j, const struct ax_labels *ls, struct ax_label *room)
{
    struct ax_labels out = {0, room};
    for (uint32_t i = 0; i < ls->n && out.n < AX_JOIN_LABELS_MAX; i++)
        if (joins(j, ls->v[i].name))
            room[out.n++] = ls->v[i];
    return out;
}
