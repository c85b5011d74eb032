/* channel_trial.c: forecasts wait in a ring for each lead, which is as long as the lead. */
#include "pipeline/channel_trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_SHARE 4    /* leads by pairs of the first look */
#define PAIRS_A_LAG 20  /* as in train/compare.c */
#define LOSS_MAX 1000.0 /* of one series: no more than that is told apart */
#define NEVER INT64_MIN

enum { LIVE, SHADOW, SCALE, WORDS };

/* Forecasts at one lead. */
struct ring {
    uint32_t steps, at;      /* the lead, and its place in what is given */
    int64_t *made;           /* [steps], number of the step, */
    float (*waiting)[WORDS]; /* [steps][series_n]; NaN: none */
};

struct ax_channel_trial {
    char pair[2][AX_SHA256_TEXT]; /* whose forecasts wait; empty: nobody's */
    uint32_t leads;               /* of the spec */
    struct ring rings[AX_SPEAKER_LEADS_MAX];
    uint32_t rings_n;
    uint32_t serials[AX_TRIAL_SERIES], series_n; /* the sample, rising */
    uint32_t places[AX_TRIAL_SERIES];            /* of these in a step; UINT32_MAX: gone */
};

struct ax_channel_trial *ax_channel_trial_new(const struct ax_speaker_spec *spec, uint32_t samples_min)
{
    struct ax_channel_trial *t = calloc(1, sizeof *t);
    const uint32_t quarter = samples_min / LOOK_SHARE,
                   most = quarter < AX_TRIAL_LEAD_MAX ? quarter : AX_TRIAL_LEAD_MAX;
    if (!t)
        return NULL;
    t->leads = spec->leads_n;
    for (uint32_t k = 0; k < spec->leads_n; k++)
        if (k == 0 || spec->leads[k] <= most)
            t->rings[t->rings_n++] = (struct ring){.steps = spec->leads[k], .at = k};
    return t;
}

void ax_channel_trial_end(struct ax_channel_trial *t)
{
    for (uint32_t i = 0; i < t->rings_n; i++) {
        free(t->rings[i].made);
        free(t->rings[i].waiting);
        t->rings[i].made = NULL;
        t->rings[i].waiting = NULL;
    }
    t->series_n = 0;
    t->pair[0][0] = t->pair[1][0] = '\0';
}

void ax_channel_trial_free(struct ax_channel_trial *t)
{
    if (t)
        ax_channel_trial_end(t);
    free(t);
}

void ax_channel_trial_rule(const struct ax_channel_trial *t, uint32_t samples_min, struct ax_trial_rule *rule)
{
    uint32_t longest = 1;
    for (uint32_t i = 0; i < t->rings_n; i++)
        longest = t->rings[i].steps > longest ? t->rings[i].steps : longest;
    const uint32_t overlap = longest - 1, most = samples_min / PAIRS_A_LAG ? samples_min / PAIRS_A_LAG : 1;
    rule->block = overlap > most ? (overlap + most - 1) / most : 1;
    rule->lags = (overlap + rule->block - 1) / rule->block;
}

/* Room for a sample of so many series. */
static bool make_room(struct ax_channel_trial *t, uint32_t series_n)
{
    for (uint32_t i = 0; i < t->rings_n; i++) {
        struct ring *r = &t->rings[i];
        r->made = malloc(r->steps * sizeof *r->made);
        r->waiting = malloc((size_t)r->steps * (series_n ? series_n : 1) * sizeof *r->waiting);
        if (!r->made || !r->waiting) {
            ax_channel_trial_end(t);
            return false;
        }
        for (uint32_t k = 0; k < r->steps; k++)
            r->made[k] = NEVER;
    }
    t->series_n = series_n;
    return true;
}

static bool begin(struct ax_channel_trial *t, const char *live, const char *shadow, const struct ax_rivals *r)
{
    if (strcmp(t->pair[0], live) == 0 && strcmp(t->pair[1], shadow) == 0)
        return true;
    const uint32_t n = r->n < AX_TRIAL_SERIES ? r->n : AX_TRIAL_SERIES;
    ax_channel_trial_end(t);
    if (!make_room(t, n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        t->serials[i] = r->serials[(uint64_t)i * r->n / n];
    (void)snprintf(t->pair[0], sizeof t->pair[0], "%s", live);
    (void)snprintf(t->pair[1], sizeof t->pair[1], "%s", shadow);
    return true;
}

/* Where the series of the sample are in a step. */
static void find_places(struct ax_channel_trial *t, const struct ax_rivals *r)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < t->series_n; i++) {
        while (at < r->n && r->serials[at] < t->serials[i])
            at++;
        t->places[i] = at < r->n && r->serials[at] == t->serials[i] ? at : UINT32_MAX;
    }
}

static double loss_of(float forecast, double value, float scale)
{
    return fmin(fabs((double)forecast - value) / (double)scale, LOSS_MAX);
}

/* Mean losses of the forecasts that come true at this step; false without any. */
static bool settle(const struct ax_channel_trial *t, const struct ring *ring, int64_t step,
                   const struct ax_rivals *r, double mean[2])
{
    const uint32_t slot = (uint32_t)(step % ring->steps);
    uint32_t n = 0;
    mean[0] = mean[1] = 0;
    if (ring->made[slot] != step - ring->steps)
        return false;
    for (uint32_t i = 0; i < t->series_n; i++) {
        const float *w = ring->waiting[(size_t)slot * t->series_n + i];
        const double value = t->places[i] == UINT32_MAX ? (double)NAN : r->values[t->places[i]];
        if (isnan(value) || !isfinite(w[LIVE]) || !isfinite(w[SHADOW]) || !(w[SCALE] > 0))
            continue;
        mean[0] += loss_of(w[LIVE], value, w[SCALE]);
        mean[1] += loss_of(w[SHADOW], value, w[SCALE]);
        n++;
    }
    mean[0] /= n ? n : 1;
    mean[1] /= n ? n : 1;
    return n > 0;
}

static void put(const struct ax_channel_trial *t, struct ring *ring, int64_t step, const struct ax_rivals *r)
{
    const uint32_t slot = (uint32_t)(step % ring->steps);
    ring->made[slot] = step;
    for (uint32_t i = 0; i < t->series_n; i++) {
        float *w = ring->waiting[(size_t)slot * t->series_n + i];
        const uint32_t place = t->places[i];
        const bool said = place != UINT32_MAX && r->scales[place] > 0;
        const size_t at = said ? (size_t)place * t->leads + ring->at : 0;
        w[LIVE] = said ? (float)r->live[at] : (float)NAN;
        w[SHADOW] = said ? (float)r->shadow[at] : (float)NAN;
        w[SCALE] = said ? (float)r->scales[place] : 0;
    }
}

bool ax_channel_trial_step(struct ax_channel_trial *t, const char *live, const char *shadow, int64_t step,
                           const struct ax_rivals *r, double loss[2])
{
    bool all = true;
    if (r->n == 0 || !begin(t, live, shadow, r))
        return false;
    find_places(t, r);
    loss[0] = loss[1] = 0;
    for (uint32_t i = 0; i < t->rings_n; i++) {
        double mean[2];
        all = settle(t, &t->rings[i], step, r, mean) && all;
        loss[0] += mean[0] / t->rings_n;
        loss[1] += mean[1] / t->rings_n;
        put(t, &t->rings[i], step, r);
    }
    return all;
}

void ax_channel_trial_save(const struct ax_channel_trial *t, struct ax_buf *out)
{
    ax_put_str(out, ax_str(t->pair[0]));
    ax_put_str(out, ax_str(t->pair[1]));
    ax_put_varint(out, t->series_n);
    for (uint32_t i = 0; i < t->series_n; i++)
        ax_put_u32(out, t->serials[i]);
    for (uint32_t i = 0; i < t->rings_n && t->pair[0][0]; i++) {
        const struct ring *r = &t->rings[i];
        for (uint32_t k = 0; k < r->steps; k++) {
            ax_put_i64(out, r->made[k]);
            for (uint32_t s = 0; s < t->series_n && r->made[k] != NEVER; s++)
                for (unsigned w = 0; w < WORDS; w++)
                    ax_put_f32(out, r->waiting[(size_t)k * t->series_n + s][w]);
        }
    }
}

static void ring_load(struct ax_channel_trial *t, struct ring *r, struct ax_bytes *in)
{
    for (uint32_t k = 0; k < r->steps && in->err == AX_OK; k++) {
        r->made[k] = ax_get_i64(in);
        for (uint32_t s = 0; s < t->series_n && r->made[k] != NEVER; s++)
            for (unsigned w = 0; w < WORDS; w++)
                r->waiting[(size_t)k * t->series_n + s][w] = ax_get_f32(in);
    }
}

enum ax_err ax_channel_trial_load(struct ax_channel_trial *t, struct ax_bytes *in)
{
    const struct ax_str pair[2] = {ax_get_str(in), ax_get_str(in)};
    const uint32_t n = ax_get_count(in, AX_TRIAL_SERIES);
    ax_channel_trial_end(t);
    if (in->err != AX_OK || pair[0].n == 0)
        return in->err == AX_OK && n > 0 ? ax_bytes_fail(in) : in->err;
    if (pair[0].n >= sizeof t->pair[0] || pair[1].n >= sizeof t->pair[1])
        return ax_bytes_fail(in);
    if (!make_room(t, n))
        return AX_NOMEM;
    for (uint32_t i = 0; i < 2; i++)
        (void)snprintf(t->pair[i], sizeof t->pair[i], AX_STR_FMT, AX_STR_ARG(pair[i]));
    for (uint32_t i = 0; i < n; i++)
        t->serials[i] = ax_get_u32(in);
    for (uint32_t i = 0; i < t->rings_n; i++)
        ring_load(t, &t->rings[i], in);
    return in->err;
}
