/* arima_member.c: the member "arima": ARIMA of low order of the series, without its season where there is
 * one.
 *
 * Fitted to the newest values, bounded; forecast by the filter's steady state, which for an invertible model
 * is reached within the values that are looked at. An error beyond several standard deviations is taken for
 * an outlier, and the value for what was expected, unless several in a row say that the series is somewhere
 * else now. */
#include "forecast/adjust.h"
#include "forecast/arima.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define FIT_MAX 360   /* newest values that a fit looks at, */
#define REACH 64      /* and a forecast */
#define STEPS_MAX 256 /* a recursion goes no further: by then it is flat */
#define CHANGE 7.5    /* times the usual change, the most that counts of one in a fit */
#define OUTLIER 5.0   /* standard deviations */
#define SHIFT 3       /* outliers on one side in a row that are none */
#define FOLLOW 4      /* fits that keep an order and follow its parameters, before it is chosen again */

struct state {
    float phi[AX_ARIMA_MAX], theta[AX_ARIMA_MAX], mean, deviation;
    bool d, fitted; /* d: of differences */
    uint8_t p, q;
    uint8_t followed; /* fits since its order was chosen */
};

static_assert(AX_ARIMA_MAX == 2, "go_on() knows of two");

static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t state_bytes(const struct ax_model_params *params)
{
    (void)params;
    return sizeof(struct state);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

/* The model as it is, in other words. */
static struct ax_arima model_of(const struct state *s)
{
    struct ax_arima a = {.p = s->p, .d = s->d, .q = s->q};
    for (uint32_t i = 0; i < AX_ARIMA_MAX; i++) {
        a.phi[i] = (double)s->phi[i];
        a.theta[i] = (double)s->theta[i];
    }
    return a;
}

static enum ax_err fit_one(uint32_t season, struct state *state, const struct ax_past *p, double *z,
                           double *work, struct ax_arena *scratch)
{
    uint32_t most = p->fine.n < FIT_MAX ? p->fine.n : FIT_MAX, n = ax_adjust_bridged(p, season, most, z);
    struct ax_arima a, before = model_of(state);
    bool follow = state->fitted && state->followed < FOLLOW;
    uint8_t followed = follow ? state->followed + 1 : 0;
    double mean;
    state->fitted = false;
    ax_adjust_hold(z + most - n, n, CHANGE, work);
    enum ax_err err = ax_arima_fit(z + most - n, n, follow ? &before : NULL, scratch, &a, &mean);
    if (err)
        return err;
    *state = (struct state){.mean = (float)mean,
                            .deviation = (float)sqrt(a.variance),
                            .d = a.d > 0,
                            .fitted = true,
                            .p = (uint8_t)a.p,
                            .q = (uint8_t)a.q,
                            .followed = a.p == before.p && a.d == before.d && a.q == before.q ? followed : 0};
    for (uint32_t i = 0; i < AX_ARIMA_MAX; i++) {
        state->phi[i] = i < a.p ? (float)a.phi[i] : 0;
        state->theta[i] = i < a.q ? (float)a.theta[i] : 0;
    }
    return AX_OK;
}

static enum ax_err fit(const struct ax_model_params *params, void *const *states, const struct ax_batch *past,
                       struct ax_arena *scratch)
{
    double *z = ax_arena_array(scratch, FIT_MAX, sizeof *z),
           *work = ax_arena_array(scratch, FIT_MAX, sizeof *z);
    enum ax_err err = AX_NOTREADY;
    if (!z || !work)
        return AX_NOMEM;
    for (uint32_t e = 0; e < past->entities_n; e++) {
        struct ax_past p = ax_past_of(past, e);
        enum ax_err fitted = fit_one(params->season_steps, states[e], &p, z, work, scratch);
        if (fitted == AX_NOMEM)
            return AX_NOMEM;
        err = fitted == AX_OK ? AX_OK : err;
    }
    return err;
}

/* The newest values of the process, its newest errors, and where it stands: [0] is the newest. */
struct stand {
    double z[AX_ARIMA_MAX], e[AX_ARIMA_MAX], value;
    int beyond; /* outliers in a row, negative for those below */
};

static double expected(const struct state *s, const struct stand *at)
{
    double v = 0;
    for (uint32_t i = 0; i < AX_ARIMA_MAX; i++)
        v += (double)s->phi[i] * at->z[i] + (double)s->theta[i] * at->e[i];
    return v;
}

static void move(struct stand *at, double z, double e)
{
    for (uint32_t i = AX_ARIMA_MAX - 1; i > 0; i--) {
        at->z[i] = at->z[i - 1];
        at->e[i] = at->e[i - 1];
    }
    at->z[0] = z;
    at->e[0] = e;
}

static void take(const struct state *s, struct stand *at, double y)
{
    double from = s->d ? at->value : (double)s->mean, z = expected(s, at), e = y - from - z;
    double bound = OUTLIER * (double)s->deviation;
    int side = e > 0 ? 1 : -1;
    at->beyond = fabs(e) <= bound ? 0 : at->beyond * side > 0 ? at->beyond + side : side;
    if (at->beyond * side >= SHIFT) { /* it is somewhere else now, as if it had always been */
        for (uint32_t i = 0; i < AX_ARIMA_MAX; i++)
            move(at, s->d ? 0 : y - from, 0);
        at->value = y;
        return;
    }
    e = at->beyond ? 0 : e;
    move(at, z + e, e);
    at->value = from + z + e;
}

/* What is expected of the next steps: errors are in it for as many as the model remembers. */
static void go_on(const struct state *s, struct stand *at, uint32_t steps, double *path)
{
    double value = at->value;
    uint32_t i = 0;
    for (; i < steps && i < AX_ARIMA_MAX; i++) {
        const double v = expected(s, at);
        move(at, v, 0);
        path[i] = value += s->d ? v : (double)s->mean + v - value;
    }
    const double a = (double)s->phi[0], b = (double)s->phi[1], mean = (double)s->mean;
    double newest = at->z[0], older = at->z[1];
    for (; i < steps; i++) {
        const double v = a * newest + b * older;
        older = newest;
        newest = v;
        path[i] = value += s->d ? v : mean + v - value;
    }
}

static void run_one(const struct ax_model_params *params, const void *state, const struct ax_past *p,
                    double *out)
{
    const struct state *s = state;
    double z[REACH], path[STEPS_MAX] = {0};
    uint32_t most = p->fine.n < REACH ? p->fine.n : REACH, season = params->season_steps, steps = 0;
    for (uint32_t k = 0; k < params->leads_n; k++) {
        out[k] = NAN;
        steps = params->leads[k] > steps ? params->leads[k] : steps;
    }
    steps = steps < STEPS_MAX ? steps : STEPS_MAX;
    uint32_t n = s->fitted ? ax_adjust_bridged(p, season, most, z) : 0;
    if (n < 2 * AX_ARIMA_MAX)
        return;
    struct stand at = {.value = z[most - n]};
    double low = at.value, high = at.value; /* of what was; the path goes no further out than that is wide */
    for (uint32_t i = most - n + 1; i < most; i++) {
        take(s, &at, z[i]);
        low = fmin(low, z[i]);
        high = fmax(high, z[i]);
    }
    go_on(s, &at, steps, path);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        const uint32_t lead = params->leads[k];
        const double v = path[(lead < steps ? lead : steps) - 1],
                     held = fmin(fmax(v, 2 * low - high), 2 * high - low);
        out[k] = ax_adjust_back(p, season ? AX_ADJUST_DIFFERENCE : AX_ADJUST_NONE, season, lead, held);
    }
}

AX_MEMBER_RUN(run_one)

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    (void)params;
    const struct state *s = state;
    ax_put_u8(out, s->fitted);
    ax_put_u8(out, s->d);
    ax_put_u8(out, s->p);
    ax_put_u8(out, s->q);
    ax_put_u8(out, s->followed);
    ax_put_f32(out, s->mean);
    ax_put_f32(out, s->deviation);
    ax_put_f32s(out, s->phi, AX_ARIMA_MAX);
    ax_put_f32s(out, s->theta, AX_ARIMA_MAX);
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    (void)params;
    struct state *s = state;
    s->fitted = ax_get_bool(in);
    s->d = ax_get_bool(in);
    s->p = (uint8_t)ax_get_count(in, AX_ARIMA_MAX);
    s->q = (uint8_t)ax_get_count(in, AX_ARIMA_MAX);
    s->followed = (uint8_t)ax_get_count(in, FOLLOW);
    s->mean = ax_get_f32_in(in, -INFINITY, INFINITY);
    s->deviation = ax_get_f32_in(in, 0, INFINITY);
    ax_get_f32s_in(in, s->phi, AX_ARIMA_MAX, -2, 2, false);
    ax_get_f32s_in(in, s->theta, AX_ARIMA_MAX, -2, 2, false);
}

const struct ax_model_ops ax_model_arima = {.name = "arima",
                                            .task = AX_TASK_FORECAST,
                                            .tensors = tensors,
                                            .state_bytes = state_bytes,
                                            .init = init,
                                            .fit = fit,
                                            .run = run,
                                            .save = save,
                                            .load = load};
