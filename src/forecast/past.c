/* past.c: how members look at a series' past. */
#include "base/assert.h"
#include "forecast/member.h"

#include <math.h>
#include <string.h>

#define DAY_MS 86400000LL
#define DENSE_POINTS 96 /* of a cycle */

struct ax_past ax_past_of(const struct ax_batch *b, uint32_t e)
{
    struct ax_past p = {.t_ms = b->t_ms, .clocks = b->clocks, .holidays = b->holidays, .notes = b->notes};
    const struct ax_tensor *fine = ax_batch_tensor(b, "fine"), *coarse = ax_batch_tensor(b, "coarse");
    if (fine)
        p.fine = (struct ax_view){fine->v + (size_t)e * fine->cols, fine->cols, b->t_ms, b->step_ms};
    if (coarse)
        p.coarse = (struct ax_view){coarse->v + (size_t)e * coarse->cols, coarse->cols,
                                    b->t_ms - b->t_ms % b->coarse_ms, b->coarse_ms};
    return p;
}

enum ax_err ax_member_run(ax_member_say *say, const struct ax_model_params *params, void *const *states,
                          const struct ax_batch *now, const struct ax_model_out *out)
{
    enum ax_err err = AX_NOTREADY;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        double *path = out->path + (size_t)e * params->leads_n;
        say(params, states[e], &p, path);
        for (uint32_t k = 0; k < params->leads_n; k++)
            err = isnan(path[k]) ? err : AX_OK;
    }
    return err;
}

static void drop_newest(struct ax_view *v, int64_t until_ms)
{
    if (v->n == 0 || v->end_ms <= until_ms)
        return;
    int64_t drop = (v->end_ms - until_ms + v->step_ms - 1) / v->step_ms;
    v->n = drop < v->n ? v->n - (uint32_t)drop : 0;
    v->end_ms -= drop * v->step_ms;
}

struct ax_past ax_past_before(const struct ax_past *p, uint32_t steps)
{
    struct ax_past q = *p;
    q.notes = NULL;
    q.t_ms -= (int64_t)steps * p->fine.step_ms;
    drop_newest(&q.fine, q.t_ms);
    drop_newest(&q.coarse, q.t_ms);
    return q;
}

double ax_past_last(const struct ax_past *p, uint32_t max_age)
{
    for (uint32_t i = p->fine.n, age = 0; i-- > 0 && age <= max_age; age++)
        if (!isnan(p->fine.v[i]))
            return (double)p->fine.v[i];
    return NAN;
}

double ax_past_volatility(const struct ax_past *p, uint32_t steps)
{
    const float *v = p->fine.v;
    uint32_t n = p->fine.n, pairs = 0;
    double sum = 0, before = NAN, first = 0, second = 0;
    for (uint32_t i = n > steps + 1 ? n - steps - 1 : 0; i < n; i++) {
        if (isnan(v[i]))
            continue;
        double d = fabs((double)v[i] - before);
        before = (double)v[i];
        if (isnan(d))
            continue;
        sum += d;
        pairs++;
        if (d > second) {
            second = d > first ? first : d;
            first = d > first ? d : first;
        }
    }
    return ax_mean_but_two(sum, first, second, pairs);
}

double ax_mean_but_two(double sum, double first, double second, uint32_t n)
{
    const uint32_t enough = 16;
    if (n < enough)
        return n ? sum / n : (double)NAN;
    double rest = fmax(sum - first - second, 0) / (n - 2);
    return rest > 0 ? rest : sum / n;
}

struct ax_batch ax_past_batch(const struct ax_past *p, struct ax_tensor *tensors)
{
    static const uint64_t ids[1] = {0};
    tensors[0] = (struct ax_tensor){"fine", p->fine.v, 1, p->fine.n};
    tensors[1] = (struct ax_tensor){"coarse", p->coarse.v, 1, p->coarse.n};
    return (struct ax_batch){.t_ms = p->t_ms,
                             .clocks = p->clocks,
                             .holidays = p->holidays,
                             .notes = p->notes,
                             .step_ms = p->fine.step_ms,
                             .coarse_ms = p->coarse.step_ms,
                             .entities_n = 1,
                             .entity_ids = ids,
                             .tensors = tensors,
                             .tensors_n = 2};
}

/* Linear between the middles of the coarse spans around t_ms. */
static double coarse_at(const struct ax_view *c, int64_t t_ms)
{
    if (c->n == 0)
        return NAN;
    int64_t first_middle = c->end_ms - (int64_t)(c->n - 1) * c->step_ms - c->step_ms / 2;
    double at = (double)(t_ms - first_middle) / (double)c->step_ms;
    if (c->n == 1 || at <= 0)
        return at < -0.5 ? (double)NAN : (double)c->v[0];
    uint32_t i = (uint32_t)at;
    if (i >= c->n - 1)
        return at > (double)c->n ? (double)NAN : (double)c->v[c->n - 1];
    double a = (double)c->v[i], b = (double)c->v[i + 1], w = at - i;
    return isnan(a) ? b : isnan(b) ? a : a + w * (b - a);
}

/* The value `ago` steps before t_ms. */
static inline double value_ago(const struct ax_past *p, int64_t ago)
{
    if (ago < p->fine.n)
        return (double)p->fine.v[p->fine.n - 1 - (uint32_t)ago];
    return coarse_at(&p->coarse, p->t_ms - ago * p->fine.step_ms);
}

/* The same without a spike of one step. */
static double calm_ago(const struct ax_past *p, int64_t ago)
{
    double v = value_ago(p, ago);
    return ago < 1 ? v : ax_median_of_3(value_ago(p, ago - 1), v, value_ago(p, ago + 1));
}

int64_t ax_past_clock_shift(const struct ax_local_time *clocks, int64_t then_ms, int64_t season_ms)
{
    if (!clocks || clocks->n == 0 || season_ms <= 0 || season_ms % DAY_MS != 0)
        return 0;
    return ax_local_offset_ms(clocks, then_ms) - ax_local_offset_ms(clocks, then_ms - season_ms);
}

/* Steps before t_ms of the moment k seasons before the one `ago` steps before it (or after it, below 0). */
static int64_t cycle_ago(const struct ax_past *p, int64_t ago, uint32_t season_steps, uint32_t k)
{
    int64_t step_ms = p->fine.step_ms, back = (int64_t)k * season_steps;
    if (!p->clocks || p->clocks->n == 0 || (season_steps * step_ms) % DAY_MS != 0)
        return ago + back;
    return ago + back - ax_past_clock_shift(p->clocks, p->t_ms - ago * step_ms, back * step_ms) / step_ms;
}

double ax_season_dense(int64_t point_ms)
{
    return DENSE_POINTS * point_ms <= DAY_MS ? DENSE_POINTS : (double)INFINITY;
}

/* Mean over the cycles from the first-th one back. One cycle is what it was; in a mean of several a spike has
 * no part, where steps are dense. */
static double cycles_mean(const struct ax_past *p, int64_t ago, uint32_t first, uint32_t season_steps,
                          uint32_t cycles)
{
    double sum = 0;
    uint32_t n = 0;
    bool calm = cycles > 1 && season_steps >= ax_season_dense(p->fine.step_ms);
    if (cycle_ago(p, ago, season_steps, first) < 0) /* clocks are put forward: that is still to come */
        first++;
    for (uint32_t k = first; k < first + cycles; k++) {
        int64_t at = cycle_ago(p, ago, season_steps, k);
        double v = calm ? calm_ago(p, at) : value_ago(p, at);
        if (isnan(v))
            continue;
        sum += v;
        n++;
    }
    return n ? sum / n : (double)NAN;
}

/* Where a season's means are noted; NULL: nowhere. */
static struct ax_season_note *note_of(const struct ax_past *p, uint32_t season_steps, uint32_t cycles)
{
    if (!p->notes || cycles != AX_PAST_CYCLES)
        return NULL;
    for (uint32_t i = 0; i < AX_NOTED_SEASONS; i++) {
        struct ax_season_note *note = &p->notes->v[i];
        if (note->season_steps == 0)
            note->season_steps = season_steps;
        if (note->season_steps == season_steps)
            return note;
    }
    return NULL;
}

double ax_past_season(const struct ax_past *p, uint32_t season_steps, uint32_t lead, uint32_t cycles)
{
    if (season_steps == 0)
        return NAN;
    struct ax_season_note *note = note_of(p, season_steps, cycles);
    for (uint32_t i = 0; note && i < note->leads_n; i++)
        if (note->leads[i] == lead)
            return note->at[i];
    uint32_t back = (lead + season_steps - 1) / season_steps;
    const double mean = cycles_mean(p, -(int64_t)lead, back ? back : 1, season_steps, cycles);
    if (note && note->leads_n < AX_NOTED_LEADS) {
        note->leads[note->leads_n] = lead;
        note->at[note->leads_n++] = mean;
    }
    return mean;
}

double ax_past_season_ago(const struct ax_past *p, uint32_t season_steps, uint32_t ago, uint32_t cycles)
{
    return season_steps ? cycles_mean(p, ago, 1, season_steps, cycles) : (double)NAN;
}

/* Between then and now? */
static bool clocks_change(const struct ax_past *p, int64_t from_ms)
{
    bool any = false;
    for (uint32_t i = 0; p->clocks && i < p->clocks->n; i++)
        any = any || (p->clocks->change_ms[i] >= from_ms && p->clocks->change_ms[i] <= p->t_ms);
    return any;
}

/* The values from `back` steps before t_ms, n of them, oldest first. */
static void values_ago(const struct ax_past *p, int64_t back, uint32_t n, double *out)
{
    if (back >= 0 && back + n <= p->fine.n) {
        const float *v = p->fine.v + p->fine.n - back - n;
        for (uint32_t i = 0; i < n; i++)
            out[i] = (double)v[i];
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        out[i] = value_ago(p, back + n - 1 - i);
}

/* Every value of a cycle is looked up once, though it is its neighbours' neighbour. */
static void add_cycle(const struct ax_past *p, int64_t back, uint32_t n, bool calm, double *sum,
                      uint8_t *seen)
{
    double v[AX_PAST_SPAN + 2] = {0};
    values_ago(p, back - 1, n + 2, v);
    for (uint32_t i = 0; i < n; i++) {
        const double x = calm ? ax_median_of_3(v[i + 2], v[i + 1], v[i]) : v[i + 1];
        const bool known = !isnan(x);
        sum[i] += known ? x : 0;
        seen[i] += known;
    }
}

/* Those of n steps, the newest of which is `skip` steps ago. */
static void season_span(const struct ax_past *p, uint32_t season_steps, uint32_t skip, uint32_t n,
                        uint32_t cycles, double *out)
{
    uint8_t seen[AX_PAST_SPAN] = {0};
    int64_t reach_ms = ((int64_t)cycles * season_steps + skip + n + 1) * p->fine.step_ms;
    bool moves = season_steps * p->fine.step_ms % DAY_MS == 0 && clocks_change(p, p->t_ms - reach_ms);
    if (moves || season_steps < 2) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = ax_past_season_ago(p, season_steps, skip + n - 1 - i, cycles);
        return;
    }
    bool calm = cycles > 1 && season_steps >= ax_season_dense(p->fine.step_ms);
    memset(out, 0, n * sizeof *out);
    for (uint32_t k = 1; k <= cycles; k++)
        add_cycle(p, (int64_t)k * season_steps + skip, n, calm, out, seen);
    for (uint32_t i = 0; i < n; i++)
        out[i] = seen[i] ? out[i] / seen[i] : (double)NAN;
}

void ax_past_season_span(const struct ax_past *p, uint32_t season_steps, uint32_t n, uint32_t cycles,
                         double *out)
{
    AX_ASSERT(n <= AX_PAST_SPAN);
    struct ax_season_note *note = n <= AX_NOTED_SPAN ? note_of(p, season_steps, cycles) : NULL;
    if (!note) {
        season_span(p, season_steps, 0, n, cycles, out);
        return;
    }
    if (n > note->span_n) {
        season_span(p, season_steps, note->span_n, n - note->span_n, cycles, note->span + AX_NOTED_SPAN - n);
        note->span_n = n;
    }
    memcpy(out, note->span + AX_NOTED_SPAN - n, n * sizeof *out);
}
