/* spec.c: from the horizons that a job asks for to the points of a path. */
#include "forecast/forecast.h"
#include "forecast/portfolio.h"

#include <math.h>
#include <string.h>

#define LEVEL 0.90
#define TOLERANCE 0.15
#define REFIT_STEPS 240

static void insert(uint32_t *sorted, uint32_t *n, uint32_t lead)
{
    uint32_t i = *n;
    while (i > 0 && sorted[i - 1] > lead)
        i--;
    if (i > 0 && sorted[i - 1] == lead)
        return;
    memmove(sorted + i + 1, sorted + i, (*n - i) * sizeof *sorted);
    sorted[i] = lead;
    (*n)++;
}

/* Steps between the points that must be there, evenly, as many as still fit. */
static void fill(struct ax_forecast_spec *spec)
{
    uint32_t longest = spec->leads[spec->leads_n - 1];
    uint32_t room = AX_PATH_MAX - spec->leads_n;
    if (room == 0 || longest <= spec->leads_n)
        return;
    uint32_t stride = longest <= AX_PATH_MAX ? 1 : longest / room + 1;
    for (uint32_t lead = stride; lead < longest && spec->leads_n < AX_PATH_MAX; lead += stride)
        insert(spec->leads, &spec->leads_n, lead);
}

/* Say where the points lie between those that are tracked. */
static void place(struct ax_forecast_spec *spec)
{
    uint32_t tracked[AX_PATH_MAX], n = ax_forecast_spec_tracked(spec, tracked), a = 0;
    for (uint32_t i = 0; i < spec->leads_n; i++) {
        while (a + 2 < n && tracked[a + 1] <= i)
            a++;
        const uint32_t b = a + 1 < n ? a + 1 : a;
        const double lead = spec->leads[i], from = spec->leads[tracked[a]], to = spec->leads[tracked[b]];
        const double share = a == b || lead <= from ? 0 : lead >= to ? 1 : log(lead / from) / log(to / from);
        spec->places[i] = (struct ax_path_place){a, b, share};
    }
}

enum ax_err ax_forecast_spec_init(struct ax_forecast_spec *spec, int64_t step_ms, const int64_t *horizons_ms,
                                  uint32_t horizons_n, struct ax_diag *diag)
{
    memset(spec, 0, sizeof *spec);
    if (step_ms <= 0)
        return ax_fail(diag, AX_INVALID, "the step must be positive");
    if (horizons_n == 0 || horizons_n >= AX_PATH_MAX)
        return ax_fail(diag, AX_INVALID, "a forecast takes 1 to %d horizons, not %u", AX_PATH_MAX - 1,
                       horizons_n);
    spec->step_ms = step_ms;
    spec->level = LEVEL;
    spec->tolerance = TOLERANCE;
    spec->refit_steps = REFIT_STEPS;
    spec->members = ax_portfolio_members(NULL, 0);
    spec->given = AX_MEMBERS_GIVEN;
    insert(spec->leads, &spec->leads_n, 1);
    for (uint32_t i = 0; i < horizons_n; i++) {
        int64_t steps = horizons_ms[i] / step_ms;
        if (horizons_ms[i] <= 0 || steps * step_ms != horizons_ms[i] || steps > INT32_MAX)
            return ax_fail(diag, AX_INVALID,
                           "horizon %lld ms is no positive multiple of the step of %lld ms; choose horizons "
                           "in whole steps",
                           (long long)horizons_ms[i], (long long)step_ms);
        insert(spec->leads, &spec->leads_n, (uint32_t)steps);
    }
    fill(spec);
    for (uint32_t i = 0; i < horizons_n; i++)
        for (uint32_t k = 0; k < spec->leads_n; k++)
            if (spec->leads[k] == (uint32_t)(horizons_ms[i] / step_ms))
                spec->horizons[spec->horizons_n++] = k;
    place(spec);
    return AX_OK;
}

uint32_t ax_forecast_spec_tracked(const struct ax_forecast_spec *spec, uint32_t *path_index)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < spec->leads_n; i++) {
        bool wanted = i == 0;
        for (uint32_t h = 0; h < spec->horizons_n; h++)
            wanted = wanted || spec->horizons[h] == i;
        if (wanted)
            path_index[n++] = i;
    }
    return n;
}
