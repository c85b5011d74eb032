/* naive.c: the members that learn nothing: the last value, a short exponential mean, and two ways of
 * repeating the last seasons. */
#include "forecast/member.h"

#include <math.h>

static const char *const tensors[] = {"fine", "coarse", NULL};

static size_t no_state(const struct ax_model_params *params)
{
    (void)params;
    return 0;
}

static enum ax_err run_last_value(const struct ax_model_params *params, void *const *states,
                                  const struct ax_batch *now, struct ax_arena *scratch,
                                  const struct ax_model_out *out)
{
    (void)states;
    (void)scratch;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        double last = ax_past_last(&p, AX_BRIDGE_MAX);
        for (uint32_t k = 0; k < params->leads_n; k++)
            out->path[(size_t)e * params->leads_n + k] = last;
    }
    return AX_OK;
}

const struct ax_model_ops ax_model_last_value = {.name = "last_value",
                                                 .task = AX_TASK_FORECAST,
                                                 .tensors = tensors,
                                                 .state_bytes = no_state,
                                                 .run = run_last_value};

/* Simple exponential smoothing (Brown 1956) over the newest values, gaps skipped. */
static double local_mean(const struct ax_past *p)
{
    const double alpha = 0.3;
    const uint32_t reach = 24; /* 0.7^24 is below 0.1 % */
    double sum = 0, weight = 0, w = 1;
    for (uint32_t i = p->fine.n, k = 0; i-- > 0 && k < reach; k++) {
        double v = (double)p->fine.v[i];
        if (!isnan(v)) {
            sum += w * v;
            weight += w;
        }
        w *= 1 - alpha;
    }
    return weight > 0 ? sum / weight : (double)NAN;
}

static enum ax_err run_local_mean(const struct ax_model_params *params, void *const *states,
                                  const struct ax_batch *now, struct ax_arena *scratch,
                                  const struct ax_model_out *out)
{
    (void)states;
    (void)scratch;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        double mean = local_mean(&p);
        for (uint32_t k = 0; k < params->leads_n; k++)
            out->path[(size_t)e * params->leads_n + k] = mean;
    }
    return AX_OK;
}

const struct ax_model_ops ax_model_local_mean = {.name = "local_mean",
                                                 .task = AX_TASK_FORECAST,
                                                 .tensors = tensors,
                                                 .state_bytes = no_state,
                                                 .run = run_local_mean};

static enum ax_err run_seasonal_naive(const struct ax_model_params *params, void *const *states,
                                      const struct ax_batch *now, struct ax_arena *scratch,
                                      const struct ax_model_out *out)
{
    (void)states;
    (void)scratch;
    if (params->season_steps == 0)
        return AX_NOTREADY;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        for (uint32_t k = 0; k < params->leads_n; k++)
            out->path[(size_t)e * params->leads_n + k] =
                ax_past_season(&p, params->season_steps, params->leads[k], 1);
    }
    return AX_OK;
}

const struct ax_model_ops ax_model_seasonal_naive = {.name = "seasonal_naive",
                                                     .task = AX_TASK_FORECAST,
                                                     .tensors = tensors,
                                                     .state_bytes = no_state,
                                                     .run = run_seasonal_naive};

static enum ax_err run_seasonal_level(const struct ax_model_params *params, void *const *states,
                                      const struct ax_batch *now, struct ax_arena *scratch,
                                      const struct ax_model_out *out)
{
    (void)states;
    (void)scratch;
    if (params->season_steps == 0)
        return AX_NOTREADY;
    const uint32_t cycles = 3;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        double level = ax_past_last(&p, AX_BRIDGE_MAX) - ax_past_season(&p, params->season_steps, 0, cycles);
        for (uint32_t k = 0; k < params->leads_n; k++)
            out->path[(size_t)e * params->leads_n + k] =
                level + ax_past_season(&p, params->season_steps, params->leads[k], cycles);
    }
    return AX_OK;
}

const struct ax_model_ops ax_model_seasonal_level = {.name = "seasonal_level",
                                                     .task = AX_TASK_FORECAST,
                                                     .tensors = tensors,
                                                     .state_bytes = no_state,
                                                     .run = run_seasonal_level};
