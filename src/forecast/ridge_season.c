/* ridge_season.c: ridge regression over the coarse window: what the same time of the last days and weeks was,
 * where these days stood now, and what became of it since; one solution for each lead.
 *
 * Rows are points of the coarse window. Now, where steps are finer than that, is described by the mean over
 * as many steps as a coarse point has, so that training and use see the same kind of number. Features and
 * target are differences from that point in units of the mean |difference| of the last cycle. The penalty is
 * a share of each column's own energy, chosen for each lead by the newest fifth of the rows; the solution is
 * robust.h's. */
#include "forecast/member.h"
#include "forecast/robust.h"

#include <math.h>
#include <string.h>

#define CYCLES 3 /* days and weeks that are averaged */
#define LAGS 3
#define ROWS_MIN 60
#define ROWS_MAX 1200
#define CYCLE_MIN 4     /* points; a shorter season is for the lags of others */
#define SCALE_POINTS 48 /* that the local scale looks back */
#define SMOOTH_SHARE 48 /* a season is smoothed over so small a part of it on either side */
#define FEATURE_CLIP 60.0
#define LAG_CLIP 12.0 /* of the newest points */
#define TARGET_QUANTILE 0.98
#define HELD_OUT 5 /* one row in so many, the newest, chooses the penalty */

static const uint32_t mean_points[] = {4, 12, 36};
static const double penalties[] = {0.003, 0.03, 0.3};
#define MEANS 3
#define REACH 36 /* the longest of them */
#define PENALTIES (sizeof penalties / sizeof penalties[0])

/* Columns: of the season and of the long one the last, the mean and a smoothed mean at the target's time, and
 * the last and the mean at this time; the mean of the last cycle; the newest points. */
enum { AT_ONE, AT_MEAN, AT_SMOOTH, NOW_ONE, NOW_MEAN, SEASONAL };
enum { LONG = SEASONAL, CYCLE_LEVEL = 2 * SEASONAL, LOCAL, WIDTH = LOCAL + LAGS + MEANS };

static const char *const tensors[] = {"fine", "coarse", NULL};

struct lead_state {
    float w[WIDTH];
    float clip; /* bound on |answer| in local scales; 0: not fitted */
};

static size_t state_bytes(const struct ax_model_params *params)
{
    return params->leads_n * sizeof(struct lead_state);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

static double clipped(double x, double bound)
{
    return x > bound ? bound : x < -bound ? -bound : x;
}

/* Sums of the first points, how many of them are no gaps, and every point without a spike of one. */
struct sums {
    double *sum;
    uint32_t *seen;
    float *calm;
};

/* The coarse past as seen from one moment. */
struct now {
    const float *v; /* complete points, oldest first */
    uint32_t n;
    double phase;  /* points between the end of the newest one and now; 0 in training */
    double newest; /* mean of the steps that make a point, up to now */
    double scale;
    int64_t t_ms, point_ms;
    double dense; /* points of a cycle from which spikes are taken out of it */
    const struct ax_local_time *clocks;
    const struct sums *sums; /* NULL: to be counted one by one */
};

/* The seasons in points, 0 for none, and how many steps a point is. */
struct frame {
    double cycle, long_cycle;
    uint32_t ratio;
};

/* The value `back` points before now, interpolated; NaN where nothing is known. */
static double at(const struct now *w, double back)
{
    double x = back - w->phase;
    if (x < 0)
        return w->phase > 0 ? w->newest + back / w->phase * ((double)w->v[w->n - 1] - w->newest) : w->newest;
    uint32_t i = (uint32_t)x;
    if (i >= w->n)
        return NAN;
    double a = (double)w->v[w->n - 1 - i], share = x - i;
    if (share <= 0 || i + 1 >= w->n)
        return a;
    double b = (double)w->v[w->n - 2 - i];
    return isnan(a) ? b : isnan(b) ? a : a + share * (b - a);
}

/* The same, without a spike of one point, where points are so dense that the season's own shape survives
 * that; the newest point is what it is. */
static double calm(const struct now *w, double back, double cycle)
{
    if (back < 1 || cycle < w->dense)
        return at(w, back);
    uint32_t whole = (uint32_t)back;
    if (w->sums && whole == back && whole < w->n)
        return (double)w->sums->calm[w->n - 1 - whole];
    return ax_median_of_3(at(w, back - 1), at(w, back), at(w, back + 1));
}

/* Points before now of the moment k cycles before the one `ahead` points after it. */
static double cycle_back(const struct now *w, double ahead, double cycle, uint32_t k)
{
    if (!w->clocks || w->clocks->n == 0)
        return k * cycle - ahead;
    int64_t then_ms = w->t_ms + llround(ahead * (double)w->point_ms),
            season_ms = llround(k * cycle * (double)w->point_ms);
    return k * cycle - ahead -
           (double)ax_past_clock_shift(w->clocks, then_ms, season_ms) / (double)w->point_ms;
}

/* A sum of what is known. */
struct total {
    double sum;
    uint32_t n;
};

static void add(struct total *t, double v)
{
    if (isnan(v))
        return;
    t->sum += v;
    t->n++;
}

static double mean_of(const struct total *t)
{
    return t->n ? t->sum / t->n : (double)NAN;
}

/* The values of cycles at the same time as `ahead` points from now, never nearer than now: that of the
 * first-th one back, the mean over up to CYCLES from there, and that smoothed by `reach` points on either
 * side. */
struct cycles {
    double one, mean, smooth;
};

static struct cycles cycles_at(const struct now *w, double ahead, uint32_t first, double cycle, double reach)
{
    struct cycles c;
    struct total mean = {0, 0}, smooth = {0, 0};
    for (uint32_t k = first; k < first + CYCLES; k++) {
        const double back = cycle_back(w, ahead, cycle, k),
                     middle = back < 0 ? (double)NAN : calm(w, back, cycle);
        if (k == first)
            c.one = back < 0 ? calm(w, back, cycle) : middle;
        add(&mean, middle);
        for (int side = -2; side <= 2 && reach > 0; side++) {
            const double b = back + side * reach / 2;
            add(&smooth, side == 0 ? middle : b < 0 ? (double)NAN : calm(w, b, cycle));
        }
    }
    c.mean = mean_of(&mean);
    c.smooth = reach > 0 ? mean_of(&smooth) : c.mean;
    return c;
}

static double relative(const struct now *w, double v)
{
    return isnan(v) ? 0 : clipped((v - w->newest) / w->scale, FEATURE_CLIP);
}

/* What cycles were at this time, from the first-th one back; 0 for not looked up. */
struct stood {
    uint32_t first;
    struct cycles at;
};

/* Features of one season for a target `ahead` points from now. */
static void seasonal(const struct now *w, double cycle, double ahead, struct stood *stood, double *x)
{
    for (int k = 0; k < SEASONAL; k++)
        x[k] = 0;
    if (cycle <= 0)
        return;
    uint32_t whole = (uint32_t)ceil(ahead / cycle);
    if (cycle_back(w, ahead, cycle, whole) < 0) /* clocks are put forward: that is still to come */
        whole++;
    const struct cycles then = cycles_at(w, ahead, whole, cycle, floor(cycle / SMOOTH_SHARE));
    if (stood->first != whole)
        *stood = (struct stood){whole, cycles_at(w, 0, whole, cycle, 0)};
    x[AT_ONE] = relative(w, then.one);
    x[AT_MEAN] = relative(w, then.mean);
    x[AT_SMOOTH] = relative(w, then.smooth);
    x[NOW_ONE] = relative(w, stood->at.one);
    x[NOW_MEAN] = relative(w, stood->at.mean);
}

static void local_features(const struct now *w, const struct frame *f, double *x)
{
    double sum = 0;
    uint32_t seen = 0, next = 0, cycle = (uint32_t)f->cycle;
    x[CYCLE_LEVEL] = 0;
    for (uint32_t i = 0; i < REACH || (i < cycle && !w->sums); i++) {
        double v = i == 0      ? w->newest
                   : i < REACH ? calm(w, i, f->cycle > 0 ? f->cycle : (double)INFINITY)
                               : at(w, i);
        if (i >= 1 && i <= LAGS)
            x[LOCAL + i - 1] = clipped(relative(w, at(w, i)), LAG_CLIP);
        if (!isnan(v)) {
            sum += v;
            seen++;
        }
        if (next < MEANS && i + 1 == mean_points[next])
            x[LOCAL + LAGS + next++] = relative(w, sum / seen);
        if (i + 1 == cycle)
            x[CYCLE_LEVEL] = relative(w, sum / seen);
    }
    if (!w->sums || cycle <= REACH)
        return;
    uint32_t until = w->n - REACH, from = w->n > cycle ? w->n - cycle : 0;
    if (w->n > REACH) {
        sum += w->sums->sum[until] - w->sums->sum[from];
        seen += w->sums->seen[until] - w->sums->seen[from];
    }
    x[CYCLE_LEVEL] = relative(w, sum / seen);
}

/* What differences are measured in; false when there is nothing to go by. */
static bool measure(struct now *w)
{
    double sum = 0, first = 0, second = 0;
    uint32_t pairs = 0;
    for (uint32_t i = 0; i < SCALE_POINTS && i + 1 < w->n; i++) {
        double d = fabs((double)w->v[w->n - 1 - i] - (double)w->v[w->n - 2 - i]);
        if (isnan(d))
            continue;
        sum += d;
        pairs++;
        if (d > second) {
            second = d > first ? first : d;
            first = d > first ? d : first;
        }
    }
    w->scale = pairs ? ax_mean_but_two(sum, first, second, pairs) + 1e-6 * fabs(w->newest) : 0;
    return isfinite(w->newest) && isfinite(w->scale) && w->scale > 0;
}

static struct frame frame_of(const struct ax_model_params *params, const struct ax_past *p)
{
    struct frame f = {.ratio = (uint32_t)(params->coarse_ms / params->step_ms)};
    if (f.ratio == 0)
        return f;
    double cycle = (double)params->season_steps / f.ratio,
           longer = (double)params->long_season_steps / f.ratio;
    f.cycle = cycle >= CYCLE_MIN && p->coarse.n >= cycle + ROWS_MIN ? cycle : 0;
    f.long_cycle = f.cycle > 0 && p->coarse.n >= longer + 2 * cycle ? longer : 0;
    return f;
}

/* A lead in points: from the middle of the steps that end now to the middle of those around the target. 0:
 * too near for points to say anything. */
static double points_ahead(const struct frame *f, uint32_t lead)
{
    return f->ratio == 1 ? lead : lead < f->ratio ? 0 : (lead + (f->ratio - 1) / 2.0) / f->ratio;
}

/* Rows whose target is known, oldest first. */
static void gather(struct ax_robust *d, const struct frame *f, const struct sums *sums,
                   const struct ax_past *p, double ahead)
{
    const struct ax_view *c = &p->coarse;
    uint32_t next = (uint32_t)lround(ahead), first = REACH;
    double longest = f->long_cycle > 0 ? f->long_cycle : f->cycle;
    if (longest > 0)
        first = (uint32_t)(ceil(next / longest) * longest);
    d->rows = 0;
    if (c->n < first + next + ROWS_MIN)
        return;
    uint32_t stride = (c->n - first - next - 1) / ROWS_MAX + 1;
    for (uint32_t i = c->n - 1 - next - (c->n - 1 - next - first) / stride * stride; i + next < c->n;
         i += stride) {
        struct now w = {.v = c->v,
                        .n = i + 1,
                        .newest = (double)c->v[i],
                        .t_ms = c->end_ms - (int64_t)(c->n - 1 - i) * c->step_ms,
                        .point_ms = c->step_ms,
                        .dense = ax_season_dense(c->step_ms),
                        .clocks = p->clocks,
                        .sums = sums};
        double target = (double)c->v[i + next];
        if (isnan(target) || !measure(&w))
            continue;
        double *x = d->x + (size_t)d->rows * WIDTH;
        struct stood stood[2] = {{0}, {0}};
        seasonal(&w, f->cycle, next, &stood[0], x);
        seasonal(&w, f->long_cycle, next, &stood[1], x + LONG);
        local_features(&w, f, x);
        d->y[d->rows++] = (target - w.newest) / w.scale;
    }
}

/* A share of each column's own energy, and a little of all. */
static struct ax_robust_penalty penalty_of(double share)
{
    return (struct ax_robust_penalty){.own = share, .all = 0.01 * share};
}

/* The penalty that does best on the newest rows, which its solution has not seen. */
static double choose_penalty(struct ax_robust *d)
{
    uint32_t n = d->rows - d->rows / HELD_OUT;
    double best = penalties[1], least = INFINITY;
    for (uint32_t a = 0; a < PENALTIES; a++) {
        if (!ax_robust_solve(d, n, penalty_of(penalties[a]), false))
            continue;
        double error = 0;
        for (uint32_t i = n; i < d->rows; i++)
            error += fabs(d->y[i] - ax_robust_answer(d, d->x + (size_t)i * WIDTH));
        if (error < least) {
            least = error;
            best = penalties[a];
        }
    }
    return best;
}

static bool fit_lead(struct ax_robust *d, const struct frame *f, const struct sums *sums,
                     const struct ax_past *p, double ahead, struct lead_state *out)
{
    gather(d, f, sums, p, ahead);
    if (d->rows < ROWS_MIN)
        return false;
    double bound = ax_robust_winsorise(d, TARGET_QUANTILE);
    if (bound <= 0)
        return false;
    const struct ax_robust_penalty penalty = penalty_of(choose_penalty(d));
    if (!ax_robust_solve(d, d->rows, penalty, false) || !ax_robust_solve(d, d->rows, penalty, true))
        return false;
    for (uint32_t k = 0; k < WIDTH; k++)
        out->w[k] = (float)d->w[k];
    out->clip = (float)bound;
    return true;
}

static bool sum_up(const struct ax_view *c, struct sums *out, struct ax_arena *scratch)
{
    out->sum = ax_arena_array(scratch, c->n + 1, sizeof *out->sum);
    out->seen = ax_arena_array(scratch, c->n + 1, sizeof *out->seen);
    out->calm = ax_arena_array(scratch, c->n, sizeof *out->calm);
    if (!out->sum || !out->seen || !out->calm)
        return false;
    out->sum[0] = out->seen[0] = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        bool seen = !isnan(c->v[i]);
        out->sum[i + 1] = out->sum[i] + (seen ? (double)c->v[i] : 0);
        out->seen[i + 1] = out->seen[i] + seen;
        out->calm[i] = i == 0 || i + 1 == c->n
                           ? c->v[i]
                           : (float)ax_median_of_3((double)c->v[i - 1], (double)c->v[i], (double)c->v[i + 1]);
    }
    return true;
}

static enum ax_err fit(const struct ax_model_params *params, void *const *states, const struct ax_batch *past,
                       struct ax_arena *scratch)
{
    enum ax_err err = AX_NOTREADY;
    struct ax_robust d;
    if (!ax_robust_alloc(&d, ROWS_MAX, WIDTH, scratch))
        return AX_NOMEM;
    for (uint32_t e = 0; e < past->entities_n; e++) {
        struct ax_past p = ax_past_of(past, e);
        struct lead_state *state = states[e];
        const struct frame f = frame_of(params, &p);
        struct sums sums;
        if (!sum_up(&p.coarse, &sums, scratch))
            return AX_NOMEM;
        for (uint32_t k = 0; k < params->leads_n && f.ratio; k++) {
            double ahead = points_ahead(&f, params->leads[k]);
            if (ahead > 0 && fit_lead(&d, &f, &sums, &p, ahead, &state[k]))
                err = AX_OK;
        }
    }
    return err;
}

/* Now, in steps finer than points. */
static bool now_of(const struct ax_past *p, const struct frame *f, struct now *w)
{
    *w = (struct now){.v = p->coarse.v,
                      .n = p->coarse.n,
                      .t_ms = p->t_ms,
                      .point_ms = p->coarse.step_ms,
                      .dense = ax_season_dense(p->coarse.step_ms),
                      .clocks = p->clocks};
    if (f->ratio == 0 || p->coarse.n == 0)
        return false;
    w->phase = (double)(p->t_ms - p->coarse.end_ms) / (double)p->coarse.step_ms;
    double sum = 0;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < f->ratio && i < p->fine.n; i++)
        if (!isnan(p->fine.v[p->fine.n - 1 - i])) {
            sum += (double)p->fine.v[p->fine.n - 1 - i];
            seen++;
        }
    w->newest = seen ? sum / seen : (double)w->v[w->n - 1];
    return measure(w);
}

static void run_one(const struct ax_model_params *params, const void *of, const struct ax_past *p,
                    double *path)
{
    const struct lead_state *state = of;
    const struct frame f = frame_of(params, p);
    struct now w;
    struct stood stood[2] = {{0}, {0}};
    double x[WIDTH];
    bool ready = now_of(p, &f, &w);
    if (ready)
        local_features(&w, &f, x);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        path[k] = NAN;
        if (!ready || state[k].clip <= 0)
            continue;
        double ahead = points_ahead(&f, params->leads[k]);
        seasonal(&w, f.cycle, ahead, &stood[0], x);
        seasonal(&w, f.long_cycle, ahead, &stood[1], x + LONG);
        path[k] = w.newest + w.scale * ax_robust_held(state[k].w, x, WIDTH, (double)state[k].clip);
    }
}

AX_MEMBER_RUN(run_one)

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    const struct lead_state *leads = state;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        ax_put_f32s(out, leads[k].w, WIDTH);
        ax_put_f32(out, leads[k].clip);
    }
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    struct lead_state *leads = state;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        ax_get_f32s_in(in, leads[k].w, WIDTH, -INFINITY, INFINITY, false);
        leads[k].clip = ax_get_f32_in(in, 0, INFINITY);
    }
}

const struct ax_model_ops ax_model_ridge_season = {.name = "ridge_season",
                                                   .task = AX_TASK_FORECAST,
                                                   .tensors = tensors,
                                                   .state_bytes = state_bytes,
                                                   .init = init,
                                                   .fit = fit,
                                                   .run = run,
                                                   .save = save,
                                                   .load = load};
