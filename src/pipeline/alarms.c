/* alarms.c: cases, counted. */
#include "pipeline/alarms.h"

#include <math.h>
#include <string.h>

static void drop(struct ax_alarms *a, uint32_t i)
{
    memmove(&a->v[i], &a->v[i + 1], (--a->n - i) * sizeof *a->v);
}

void ax_alarms_add(struct ax_alarms *a, const struct ax_alarm_case *c)
{
    if (a->n == AX_ALARMS_MAX)
        drop(a, 0);
    a->v[a->n++] = *c;
}

void ax_alarms_forget(struct ax_alarms *a, uint64_t id)
{
    for (uint32_t i = 0; i < a->n; i++)
        if (a->v[i].id == id) {
            drop(a, i);
            return;
        }
}

static double share(uint32_t part, uint32_t whole)
{
    return whole ? (double)part / whole : (double)NAN;
}

struct ax_alarm_score ax_alarms_score(const struct ax_alarms *a, int64_t since_ms)
{
    uint32_t hits = 0, wrong = 0, missed = 0;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct ax_alarm_case *c = &a->v[i];
        if (c->to_ms <= since_ms)
            continue;
        hits += c->abnormal && c->alarmed;
        missed += c->abnormal && !c->alarmed;
        wrong += !c->abnormal && c->alarmed;
    }
    if (hits + wrong + missed < AX_ALARMS_LEAST)
        return (struct ax_alarm_score){(double)NAN, (double)NAN, (double)NAN};
    return (struct ax_alarm_score){.precision = share(hits, hits + wrong),
                                   .recall = share(hits, hits + missed),
                                   .accuracy = share(2 * hits, 2 * hits + wrong + missed)};
}

void ax_alarms_save(const struct ax_alarms *a, struct ax_buf *out)
{
    ax_put_varint(out, a->n);
    for (uint32_t i = 0; i < a->n; i++) {
        ax_put_u64(out, a->v[i].id);
        ax_put_i64(out, a->v[i].to_ms);
        ax_put_u8(out, a->v[i].abnormal);
        ax_put_u8(out, a->v[i].alarmed);
    }
}

void ax_alarms_load(struct ax_alarms *a, struct ax_bytes *in)
{
    const uint32_t n = ax_get_count(in, AX_ALARMS_MAX);
    for (a->n = 0; a->n < n && in->err == AX_OK; a->n++) {
        const uint64_t id = ax_get_u64(in);
        const int64_t to_ms = ax_get_ms(in);
        const bool abnormal = ax_get_bool(in), alarmed = ax_get_bool(in);
        a->v[a->n] = (struct ax_alarm_case){id, to_ms, abnormal, alarmed};
    }
}
