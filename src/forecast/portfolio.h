/* portfolio.h: all members of a forecaster as one table, and as one block of state.
 *
 * A member says something at any lead, or (tracked_only) at the leads alone that it was fitted for; between
 * them its path goes as the season does, where there is one, or straight. The last ones, "lstm" and "trees",
 * are models that the series of a job share: they have no functions here, their answers are handed to the
 * forecaster. */
#ifndef AX_FORECAST_PORTFOLIO_H
#define AX_FORECAST_PORTFOLIO_H

#include "forecast/member.h"

/* Their places in the table. */
enum ax_portfolio_member {
#define AX_FORECAST_MEMBER(name, asked) AX_MEMBER_##name,
#include "config/forecast_members.def"
#undef AX_FORECAST_MEMBER
    AX_MEMBER_lstm,
    AX_MEMBER_trees,
    AX_MEMBERS
};

/* The first, the measure of the others; and those from AX_MEMBER_GIVEN on, whose answers are given. */
#define AX_MEMBER_LAST_VALUE AX_MEMBER_last_value
#define AX_MEMBER_GIVEN AX_MEMBER_lstm

/* The season that a member is nothing without. */
enum ax_member_season { AX_NO_SEASON, AX_SEASON, AX_LONG_SEASON };

/* How a member is asked. */
struct ax_member {
    const char *name;
    const struct ax_model_ops *ops; /* NULL: its answers come from outside */
    bool tracked_only;
    enum ax_member_season seasonal; /* it is somebody else, once that is another */
};

/* The table. */
extern const struct ax_member ax_portfolio[AX_MEMBERS];

/* All members that answer here, by bit. */
#define AX_MEMBERS_ALL ((1U << AX_MEMBER_GIVEN) - 1)

/* All whose answers are given, by bit. */
#define AX_MEMBERS_GIVEN (((1U << AX_MEMBERS) - 1) & ~AX_MEMBERS_ALL)

/* Those that have learnt of the past of a series that is held against them: they are judged by what they say
 * live. */
#define AX_MEMBERS_LIVE (1U << AX_MEMBER_ridge_pooled)

/* Those that ask for no season: where there are no others, none is looked for. */
#define AX_MEMBERS_PLAIN (1U << AX_MEMBER_last_value | 1U << AX_MEMBER_ets | 1U << AX_MEMBER_ar)

/* The bits of the members of these names, and of the last value; without names those that earned their cost
 * on recordings. */
uint32_t ax_portfolio_members(const struct ax_str *names, uint32_t n);

/* Those of them that speak at tracked leads alone. */
uint32_t ax_portfolio_tracked_only(void);

/* Bytes of the states of all members, aligned for any type. */
size_t ax_portfolio_bytes(const struct ax_model_params *params);

/* Bring them into their first form. */
void ax_portfolio_init(const struct ax_model_params *params, void *states);

/* Fit the wanted members to a past, as far as it is long enough for them. AX_NOMEM only. */
AX_MUST_USE enum ax_err ax_portfolio_fit(const struct ax_model_params *params, void *states, uint32_t wanted,
                                         const struct ax_past *p, struct ax_arena *scratch);

/* What the wanted members say from a past at some leads: pred[AX_MEMBERS][leads_n], NaN for nothing and of
 * those that are not wanted. Those that speak at tracked leads alone may be wanted with leads = params->leads
 * only. An infinite answer stays one: the caller holds it against the member. AX_NOMEM only. */
AX_MUST_USE enum ax_err ax_portfolio_run(const struct ax_model_params *params, void *states, uint32_t wanted,
                                         const struct ax_past *p, const uint32_t *leads, uint32_t leads_n,
                                         struct ax_arena *scratch, double *pred);

/* Append all states, and read them back into those fresh from ax_portfolio_init() for the same params; what
 * cannot be is a failure of in. */
void ax_portfolio_save(const struct ax_model_params *params, const void *states, struct ax_buf *out);
/* As above. */
void ax_portfolio_load(const struct ax_model_params *params, void *states, struct ax_bytes *in);

#endif
