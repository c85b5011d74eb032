/* portfolio.c: the table of the members, and what is done to all of them. */
#include "forecast/portfolio.h"

#include "forecast/forecast.h"

#include <assert.h>
#include <math.h>
#include <stdalign.h>

const struct ax_member ax_portfolio[AX_MEMBERS] = {
    [AX_MEMBER_last_value] = {"last_value", &ax_model_last_value, false, AX_NO_SEASON},
    [AX_MEMBER_seasonal_naive] = {"seasonal_naive", &ax_model_seasonal_naive, false, AX_SEASON},
    [AX_MEMBER_seasonal_level] = {"seasonal_level", &ax_model_seasonal_level, false, AX_SEASON},
    [AX_MEMBER_weekly_naive] = {"weekly_naive", &ax_model_weekly_naive, false, AX_LONG_SEASON},
    [AX_MEMBER_ets] = {"ets", &ax_model_ets, true, AX_NO_SEASON},
    [AX_MEMBER_ets_season] = {"ets_season", &ax_model_ets_season, true, AX_SEASON},
    [AX_MEMBER_ets_week] = {"ets_week", &ax_model_ets_week, true, AX_LONG_SEASON},
    [AX_MEMBER_ar] = {"ar", &ax_model_ar, true, AX_NO_SEASON},
    [AX_MEMBER_ar_season] = {"ar_season", &ax_model_ar_season, true, AX_SEASON},
    [AX_MEMBER_theta] = {"theta", &ax_model_theta, true, AX_NO_SEASON},
    [AX_MEMBER_arima] = {"arima", &ax_model_arima, true, AX_NO_SEASON},
    [AX_MEMBER_fourier] = {"fourier", &ax_model_fourier, true, AX_NO_SEASON},
    [AX_MEMBER_ridge_lags] = {"ridge_lags", &ax_model_ridge_lags, true, AX_NO_SEASON},
    [AX_MEMBER_ridge_season] = {"ridge_season", &ax_model_ridge_season, true, AX_NO_SEASON},
    [AX_MEMBER_ridge_pooled] = {"ridge_pooled", &ax_model_ridge_pooled, true, AX_NO_SEASON},
    [AX_MEMBER_lstm] = {"lstm", NULL, true, AX_NO_SEASON},
    [AX_MEMBER_trees] = {"trees", NULL, true, AX_NO_SEASON},
};
static_assert(AX_MEMBERS - AX_MEMBER_GIVEN == AX_GIVEN_N, "all of the given are told of");

uint32_t ax_portfolio_members(const struct ax_str *names, uint32_t n)
{
    static const bool asked[AX_MEMBERS] = {
#define AX_FORECAST_MEMBER(name, is_asked) [AX_MEMBER_##name] = (is_asked),
#include "config/forecast_members.def"
#undef AX_FORECAST_MEMBER
    };
    uint32_t set = 1U << AX_MEMBER_LAST_VALUE;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        bool in = n == 0 && asked[m];
        for (uint32_t i = 0; i < n; i++)
            in = in || ax_str_eq(names[i], ax_str(ax_portfolio[m].name));
        set |= in ? 1U << m : 0;
    }
    return set & AX_MEMBERS_ALL;
}

static size_t state_bytes(const struct ax_model_ops *ops, const struct ax_model_params *params)
{
    size_t n = ops ? ops->state_bytes(params) : 0, align = alignof(max_align_t);
    return (n + align - 1) / align * align;
}

size_t ax_portfolio_bytes(const struct ax_model_params *params)
{
    size_t n = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        n += state_bytes(ax_portfolio[m].ops, params);
    return n;
}

void ax_portfolio_init(const struct ax_model_params *params, void *states)
{
    char *state = states;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        const struct ax_model_ops *ops = ax_portfolio[m].ops;
        if (ops && ops->init)
            ops->init(params, state);
        state += state_bytes(ops, params);
    }
}

enum ax_err ax_portfolio_fit(const struct ax_model_params *params, void *states, uint32_t wanted,
                             const struct ax_past *p, struct ax_arena *scratch)
{
    struct ax_tensor tensors[2];
    struct ax_batch batch = ax_past_batch(p, tensors);
    char *state = states;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        const struct ax_model_ops *ops = ax_portfolio[m].ops;
        void *const one[1] = {state};
        if (ops && ops->fit && (wanted >> m & 1) && ops->fit(params, one, &batch, scratch) == AX_NOMEM)
            return AX_NOMEM;
        state += state_bytes(ops, params);
    }
    return AX_OK;
}

uint32_t ax_portfolio_tracked_only(void)
{
    uint32_t set = 0;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        if (ax_portfolio[m].ops && ax_portfolio[m].tracked_only)
            set |= 1U << m;
    return set;
}

enum ax_err ax_portfolio_run(const struct ax_model_params *params, void *states, uint32_t wanted,
                             const struct ax_past *p, const uint32_t *leads, uint32_t leads_n,
                             struct ax_arena *scratch, double *pred)
{
    struct ax_model_params asked = *params;
    struct ax_tensor tensors[2];
    struct ax_season_notes notes = {0};
    struct ax_batch batch = ax_past_batch(p, tensors);
    char *state = states;
    batch.notes = &notes;
    asked.leads = leads;
    asked.leads_n = leads_n;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        const struct ax_model_ops *ops = ax_portfolio[m].ops;
        double *path = pred + (size_t)m * leads_n;
        void *const one[1] = {state};
        enum ax_err err = AX_NOTREADY;
        if (ops && (wanted >> m & 1))
            err = ops->run(&asked, one, &batch, scratch, &(struct ax_model_out){.path = path});
        if (err == AX_NOMEM)
            return err;
        for (uint32_t k = 0; k < leads_n && err; k++)
            path[k] = NAN;
        state += state_bytes(ops, params);
    }
    return AX_OK;
}

void ax_portfolio_save(const struct ax_model_params *params, const void *states, struct ax_buf *out)
{
    const char *state = states;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        const struct ax_model_ops *ops = ax_portfolio[m].ops;
        if (ops && ops->save)
            ops->save(params, state, out);
        state += state_bytes(ops, params);
    }
}

void ax_portfolio_load(const struct ax_model_params *params, void *states, struct ax_bytes *in)
{
    char *state = states;
    for (uint32_t m = 0; m < AX_MEMBERS; m++) {
        const struct ax_model_ops *ops = ax_portfolio[m].ops;
        if (ops && ops->load)
            ops->load(params, state, in);
        state += state_bytes(ops, params);
    }
}
