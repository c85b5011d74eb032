/* theta.c: the theta model, and the member that uses it.
 *
 * The member takes the season out by difference where there is one, bounds what a single value may do, and
 * chooses alpha and theta for each lead by the absolute errors of the past, as "optimised" as a grid is.
 * Between refits the slope is that of the last one. */
#include "forecast/theta.h"

#include "forecast/adjust.h"

#include <math.h>
#include <string.h>

#define FIT_MIN 24  /* errors from which parameters are chosen */
#define FIT_MAX 720 /* newest values that are looked at for it */
#define LINE_MIN 12 /* values that make a line */
#define REACH 64    /* newest values that make the level */
#define OUTLIER 6.0 /* times the usual change, the most that counts of one */
#define LEADS_MAX 64

void ax_theta_step(struct ax_theta *s, double alpha, double y)
{
    double t = ++s->n, before = s->mean;
    if (s->n == 1) {
        s->level = y;
        s->decay = 1;
    }
    s->level += alpha * (y - s->level);
    s->decay *= 1 - alpha;
    s->mean += (y - s->mean) / t;
    s->slope = s->n == 1 ? 0 : ((t - 2) * s->slope + 6 * (y - before) / t) / (t + 1);
}

double ax_theta_drift(const struct ax_theta *s, double alpha, uint32_t lead)
{
    double start = s->mean - s->slope * (s->n + 1.0) / 2;
    return s->decay * start + (1 - s->decay * (1 - alpha)) / alpha * s->slope + s->slope * (lead - 1.0);
}

double ax_theta_forecast(const struct ax_theta *s, double alpha, double theta, uint32_t lead)
{
    return s->level + (1 - 1 / theta) * ax_theta_drift(s, alpha, lead);
}

static const double alphas[] = {0.1, 0.2, 0.35, 0.5, 0.7, 0.9};
static const double thetas[] = {1.25, 2, 4, 16};
#define ALPHAS (sizeof alphas / sizeof *alphas)
#define THETAS (sizeof thetas / sizeof *thetas)

struct lead_state {
    uint8_t fitted, alpha, theta;
};

/* The slope, then the choices. */
struct state {
    float slope;
    struct lead_state leads[];
};

static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t state_bytes(const struct ax_model_params *params)
{
    return sizeof(struct state) + params->leads_n * sizeof(struct lead_state);
}

static void init(const struct ax_model_params *params, void *state)
{
    memset(state, 0, state_bytes(params));
}

/* Sums of |error| of every theta at every lead, for one alpha. */
struct trial {
    double sum[LEADS_MAX][THETAS];
    uint32_t count[LEADS_MAX];
};

static void try_alpha(const struct ax_model_params *params, double alpha, const double *z, uint32_t n,
                      struct trial *out)
{
    struct ax_theta s = {0};
    memset(out, 0, sizeof *out);
    for (uint32_t i = 0; i < n; i++) {
        ax_theta_step(&s, alpha, z[i]);
        for (uint32_t k = 0; k < params->leads_n && k < LEADS_MAX && s.n >= LINE_MIN; k++) {
            uint32_t at = i + params->leads[k];
            if (at >= n)
                break;
            double drift = ax_theta_drift(&s, alpha, params->leads[k]);
            for (uint32_t j = 0; j < THETAS; j++)
                out->sum[k][j] += fabs(z[at] - s.level - (1 - 1 / thetas[j]) * drift);
            out->count[k]++;
        }
    }
}

static bool choose(const struct ax_model_params *params, const double *z, uint32_t n, struct state *state)
{
    double best[LEADS_MAX];
    struct trial t;
    bool fitted = false;
    for (uint32_t k = 0; k < LEADS_MAX; k++)
        best[k] = INFINITY;
    for (uint32_t a = 0; a < ALPHAS; a++) {
        try_alpha(params, alphas[a], z, n, &t);
        for (uint32_t k = 0; k < params->leads_n && k < LEADS_MAX; k++)
            for (uint32_t j = 0; j < THETAS && t.count[k] >= FIT_MIN; j++)
                if (t.sum[k][j] < best[k]) {
                    best[k] = t.sum[k][j];
                    state->leads[k] = (struct lead_state){1, (uint8_t)a, (uint8_t)j};
                    fitted = true;
                }
    }
    return fitted;
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
        struct state *state = states[e];
        struct ax_theta line = {0};
        uint32_t most = p.fine.n < FIT_MAX ? p.fine.n : FIT_MAX,
                 n = ax_adjust_bridged(&p, params->season_steps, most, z);
        double *from = z + most - n;
        init(params, state);
        ax_adjust_hold(from, n, OUTLIER, work);
        for (uint32_t i = 0; i < n; i++)
            ax_theta_step(&line, 1, from[i]);
        state->slope = (float)line.slope;
        if (choose(params, from, n, state))
            err = AX_OK;
    }
    return err;
}

/* Leads that share an alpha share a level. */
static void run_one(const struct ax_model_params *params, const void *of, const struct ax_past *p,
                    double *path)
{
    const struct state *state = of;
    double z[REACH], work[REACH], levels[ALPHAS];
    uint32_t most = p->fine.n < REACH ? p->fine.n : REACH,
             n = ax_adjust_bridged(p, params->season_steps, most, z);
    double *from = z + most - n;
    for (uint32_t a = 0; a < ALPHAS; a++)
        levels[a] = NAN;
    ax_adjust_hold(from, n, OUTLIER, work);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        const struct lead_state *s = &state->leads[k];
        path[k] = NAN;
        if (!s->fitted || n == 0)
            continue;
        double alpha = alphas[s->alpha], slope = (double)state->slope;
        if (isnan(levels[s->alpha])) {
            levels[s->alpha] = from[0];
            for (uint32_t i = 1; i < n; i++)
                levels[s->alpha] += alpha * (from[i] - levels[s->alpha]);
        }
        double drift = slope * (1 / alpha + params->leads[k] - 1);
        path[k] = ax_adjust_back(p, params->season_steps ? AX_ADJUST_DIFFERENCE : AX_ADJUST_NONE,
                                 params->season_steps, params->leads[k],
                                 levels[s->alpha] + (1 - 1 / thetas[s->theta]) * drift);
    }
}

AX_MEMBER_RUN(run_one)

static void save(const struct ax_model_params *params, const void *state, struct ax_buf *out)
{
    const struct state *s = state;
    ax_put_f32(out, s->slope);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        ax_put_u8(out, s->leads[k].fitted);
        ax_put_u8(out, s->leads[k].alpha);
        ax_put_u8(out, s->leads[k].theta);
    }
}

static void load(const struct ax_model_params *params, void *state, struct ax_bytes *in)
{
    struct state *s = state;
    s->slope = ax_get_f32_in(in, -INFINITY, INFINITY);
    for (uint32_t k = 0; k < params->leads_n; k++) {
        struct lead_state *lead = &s->leads[k];
        lead->fitted = ax_get_bool(in);
        lead->alpha = ax_get_u8(in);
        lead->theta = ax_get_u8(in);
        if (lead->alpha >= ALPHAS || lead->theta >= THETAS) {
            (void)ax_bytes_fail(in);
            *lead = (struct lead_state){0};
        }
    }
}

const struct ax_model_ops ax_model_theta = {.name = "theta",
                                            .task = AX_TASK_FORECAST,
                                            .tensors = tensors,
                                            .state_bytes = state_bytes,
                                            .init = init,
                                            .fit = fit,
                                            .run = run,
                                            .save = save,
                                            .load = load};
