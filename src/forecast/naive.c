/* naive.c: the members that learn nothing: the last value, and ways of repeating the last
 * seasons. */
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

static enum ax_err naive(uint32_t season, const struct ax_model_params *params, const struct ax_batch *now,
                         const struct ax_model_out *out)
{
    if (season == 0)
        return AX_NOTREADY;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        for (uint32_t k = 0; k < params->leads_n; k++)
            out->path[(size_t)e * params->leads_n + k] = ax_past_season(&p, season, params->leads[k], 1);
    }
    return AX_OK;
}

static enum ax_err run_seasonal_naive(const struct ax_model_params *params, void *const *states,
                                      const struct ax_batch *now, struct ax_arena *scratch,
                                      const struct ax_model_out *out)
{
    (void)states;
    (void)scratch;
    return naive(params->season_steps, params, now, out);
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
    const uint32_t cycles = AX_PAST_CYCLES, season = params->season_steps;
    if (season == 0)
        return AX_NOTREADY;
    for (uint32_t e = 0; e < now->entities_n; e++) {
        struct ax_past p = ax_past_of(now, e);
        double above = ax_past_last(&p, AX_BRIDGE_MAX) - ax_past_season(&p, season, 0, cycles);
        for (uint32_t k = 0; k < params->leads_n; k++)
            out->path[(size_t)e * params->leads_n + k] =
                above + ax_past_season(&p, season, params->leads[k], cycles);
    }
    return AX_OK;
}

const struct ax_model_ops ax_model_seasonal_level = {.name = "seasonal_level",
                                                     .task = AX_TASK_FORECAST,
                                                     .tensors = tensors,
                                                     .state_bytes = no_state,
                                                     .run = run_seasonal_level};

static enum ax_err run_weekly_naive(const struct ax_model_params *params, void *const *states,
                                    const struct ax_batch *now, struct ax_arena *scratch,
                                    const struct ax_model_out *out)
{
    (void)states;
    (void)scratch;
    return naive(params->long_season_steps, params, now, out);
}

const struct ax_model_ops ax_model_weekly_naive = {.name = "weekly_naive",
                                                   .task = AX_TASK_FORECAST,
                                                   .tensors = tensors,
                                                   .state_bytes = no_state,
                                                   .run = run_weekly_naive};
