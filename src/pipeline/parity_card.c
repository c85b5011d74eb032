/* parity_card.c: a ring of buckets for each group. */
#include "pipeline/parity_card.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1
#define EMPTY INT64_MIN
#define INDEX_MAX ((INT64_C(1) << 53) / AX_PARITY_BUCKET_MS)

struct bucket {
    int64_t index; /* of time; EMPTY */
    uint32_t units, alarms, abnormal, found;
    double error, actual;
};

struct group {
    char *name;
    struct bucket ring[AX_PARITY_BUCKETS];
};

struct ax_parity_card {
    struct ax_str label;
    struct ax_cell *dropped;
    uint32_t n, max;
    struct group groups[];
};

struct ax_parity_card *ax_parity_card_new(struct ax_str label, uint32_t groups_max, struct ax_cell *dropped)
{
    AX_ASSERT(groups_max <= AX_PARITY_GROUPS_MAX);
    struct ax_parity_card *c = calloc(1, sizeof *c + groups_max * sizeof *c->groups);
    if (!c)
        return NULL;
    c->label = label;
    c->max = groups_max;
    c->dropped = dropped;
    return c;
}

void ax_parity_card_free(struct ax_parity_card *c)
{
    for (uint32_t i = 0; c && i < c->n; i++)
        free(c->groups[i].name);
    free(c);
}

static uint16_t find(const struct ax_parity_card *c, struct ax_str name)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (ax_str_eq(ax_str(c->groups[i].name), name))
            return (uint16_t)i;
    return AX_PARITY_NO_GROUP;
}

/* Make a group; false without room or memory for it. */
static bool add(struct ax_parity_card *c, struct ax_str name)
{
    struct group *g = c->n < c->max ? &c->groups[c->n] : NULL;
    if (!g || !(g->name = strndup(name.p, name.n)))
        return false;
    for (uint32_t i = 0; i < AX_PARITY_BUCKETS; i++)
        g->ring[i] = (struct bucket){.index = EMPTY};
    c->n++;
    return true;
}

uint16_t ax_parity_card_group(struct ax_parity_card *c, const struct ax_labels *labels)
{
    const struct ax_str name = ax_labels_get(labels, c->label);
    const uint16_t known = name.n ? find(c, name) : AX_PARITY_NO_GROUP;
    if (name.n == 0 || known != AX_PARITY_NO_GROUP)
        return known;
    if (add(c, name))
        return (uint16_t)(c->n - 1);
    ax_metric_add(c->dropped, 1);
    return AX_PARITY_NO_GROUP;
}

void ax_parity_card_forget(struct ax_parity_card *c, const bool *keep)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        if (keep[i])
            c->groups[n++] = c->groups[i];
        else
            free(c->groups[i].name);
    }
    c->n = n;
}

/* Which bucket of time; floored, also before the epoch. */
static int64_t index_of(int64_t t_ms)
{
    return t_ms / AX_PARITY_BUCKET_MS - (t_ms % AX_PARITY_BUCKET_MS < 0);
}

static uint32_t place_of(int64_t index)
{
    const int64_t m = index % AX_PARITY_BUCKETS;
    return (uint32_t)(m < 0 ? m + AX_PARITY_BUCKETS : m);
}

/* The bucket of a time, begun anew when it holds an older one; NULL when it holds a newer one, or there is no
 * group. */
static struct bucket *bucket_of(struct ax_parity_card *c, int64_t t_ms, uint16_t group)
{
    if (group >= c->n)
        return NULL;
    const int64_t index = index_of(t_ms);
    struct bucket *b = &c->groups[group].ring[place_of(index)];
    if (b->index < index)
        *b = (struct bucket){.index = index};
    return b->index == index ? b : NULL;
}

void ax_parity_card_error(struct ax_parity_card *c, int64_t t_ms, uint16_t group, double error, double actual)
{
    struct bucket *b = bucket_of(c, t_ms, group);
    if (!b || !isfinite(error) || !isfinite(actual))
        return;
    b->error += fabs(error);
    b->actual += fabs(actual);
}

void ax_parity_card_unit(struct ax_parity_card *c, int64_t t_ms, uint16_t group, bool alarm)
{
    struct bucket *b = bucket_of(c, t_ms, group);
    if (!b)
        return;
    b->units++;
    b->alarms += alarm;
}

void ax_parity_card_abnormal(struct ax_parity_card *c, int64_t t_ms, uint16_t group, bool found)
{
    if (group >= c->n)
        return;
    struct bucket *b = &c->groups[group].ring[place_of(index_of(t_ms))];
    if (b->index != index_of(t_ms) || b->abnormal == b->units || (found && b->found == b->alarms))
        return;
    b->abnormal++;
    b->found += found;
}

uint32_t ax_parity_card_n(const struct ax_parity_card *c)
{
    return c->n;
}

void ax_parity_card_read(const struct ax_parity_card *c, int64_t t_ms, struct ax_parity_group *out)
{
    const int64_t newest = index_of(t_ms);
    for (uint32_t g = 0; g < c->n; g++) {
        struct ax_parity_group *o = &out[g];
        uint32_t settled = 0;
        *o = (struct ax_parity_group){.name = ax_str(c->groups[g].name)};
        for (int64_t index = newest - AX_PARITY_BUCKETS + 1; index <= newest;
             index++) { /* in order of time */
            const struct bucket *b = &c->groups[g].ring[place_of(index)];
            if (b->index != index)
                continue;
            o->points += b->units;
            o->alarms += b->alarms;
            o->labelled += b->units;
            o->abnormal += b->abnormal;
            o->true_positive += b->found;
            o->false_positive += b->alarms - b->found;
            o->error += b->error;
            o->actual += b->actual;
            settled += b->actual > 0;
        }
        if (settled < AX_PARITY_SETTLED)
            o->error = o->actual = 0;
    }
}

void ax_parity_card_save(const struct ax_parity_card *c, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, c->n);
    for (uint32_t g = 0; g < c->n; g++) {
        ax_put_str(out, ax_str(c->groups[g].name));
        for (uint32_t i = 0; i < AX_PARITY_BUCKETS; i++) {
            const struct bucket *b = &c->groups[g].ring[i];
            ax_put_u8(out, b->index != EMPTY);
            if (b->index == EMPTY)
                continue;
            ax_put_svarint(out, b->index);
            ax_put_varint(out, b->units);
            ax_put_varint(out, b->alarms);
            ax_put_varint(out, b->abnormal);
            ax_put_varint(out, b->found);
            ax_put_f64(out, b->error);
            ax_put_f64(out, b->actual);
        }
    }
}

static void bucket_load(struct bucket *b, uint32_t place, struct ax_bytes *in)
{
    if (!ax_get_bool(in))
        return;
    b->index = ax_get_svarint(in);
    b->units = ax_get_count(in, UINT32_MAX);
    b->alarms = ax_get_count(in, b->units);
    b->abnormal = ax_get_count(in, b->units);
    b->found = ax_get_count(in, b->abnormal < b->alarms ? b->abnormal : b->alarms);
    b->error = ax_get_f64_in(in, 0, INFINITY);
    b->actual = ax_get_f64_in(in, 0, INFINITY);
    if (b->index > INDEX_MAX || b->index < -INDEX_MAX || place_of(b->index) != place)
        (void)ax_bytes_fail(in);
}

enum ax_err ax_parity_card_load(struct ax_parity_card *c, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    const uint32_t n = ax_get_count(in, c->max);
    for (uint32_t g = 0; g < n && in->err == AX_OK; g++) {
        const struct ax_str name = ax_get_str(in);
        if (in->err != AX_OK || name.n == 0 || memchr(name.p, 0, name.n) ||
            find(c, name) != AX_PARITY_NO_GROUP)
            return ax_bytes_fail(in);
        if (!add(c, name))
            return AX_NOMEM;
        for (uint32_t i = 0; i < AX_PARITY_BUCKETS && in->err == AX_OK; i++)
            bucket_load(&c->groups[g].ring[i], i, in);
    }
    return in->err;
}
