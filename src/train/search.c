/* search.c: trials, what was told of them, and when one is not worth going on. */
#include "base/bytes.h"
#include "base/grow.h"
#include "base/hash.h"
#include "math/stats.h"
#include "train/search_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define RANDOM_FIRST 10
#define PRUNE_AFTER 5
#define NAME_MAX 32

static enum ax_err check(const struct ax_search_spec *spec, struct ax_diag *diag)
{
    if (spec->params_n == 0 || spec->params_n > AX_SEARCH_PARAMS_MAX)
        return ax_fail(diag, AX_INVALID, "a search has 1 to %d parameters", AX_SEARCH_PARAMS_MAX);
    for (uint32_t i = 0; i < spec->params_n; i++) {
        const struct ax_search_param *p = &spec->params[i];
        const bool choice = p->scale == AX_SEARCH_CHOICE;
        if (strlen(p->name) > NAME_MAX || !isfinite(p->low) || !isfinite(p->high) ||
            !(choice ? p->high >= 1 && p->high <= AX_SEARCH_CHOICES_MAX : p->low < p->high) ||
            (p->scale == AX_SEARCH_LOG && !(p->low > 0)))
            return ax_fail(diag, AX_INVALID, "%s cannot be searched from %g to %g", p->name, p->low, p->high);
    }
    return AX_OK;
}

enum ax_err ax_search_new(const struct ax_search_spec *spec, struct ax_search **out, struct ax_diag *diag)
{
    *out = NULL;
    enum ax_err err = check(spec, diag);
    if (err != AX_OK)
        return err;
    struct ax_search *s = calloc(1, sizeof *s);
    if (!s)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    s->spec = *spec;
    memcpy(s->params, spec->params, spec->params_n * sizeof *s->params);
    s->spec.params = s->params;
    if (s->spec.random_first == 0)
        s->spec.random_first = RANDOM_FIRST;
    if (s->spec.prune_after == 0)
        s->spec.prune_after = PRUNE_AFTER;
    *out = s;
    return AX_OK;
}

void ax_search_free(struct ax_search *s)
{
    if (!s)
        return;
    free(s->trials);
    free(s);
}

static bool make_room(struct ax_search *s)
{
    struct ax_search_trial *more = ax_grow(s->trials, s->n, &s->cap, 32, sizeof *more);
    if (more)
        s->trials = more;
    return more != NULL;
}

static double draw(const struct ax_search_param *p, struct ax_rng *rng)
{
    const double u = ax_rng_double(rng);
    switch (p->scale) {
    case AX_SEARCH_LOG:
        return exp(log(p->low) + u * (log(p->high) - log(p->low)));
    case AX_SEARCH_WHOLE:
        return floor(p->low + u * (p->high - p->low + 1));
    case AX_SEARCH_CHOICE:
        return floor(u * p->high);
    default:
        return p->low + u * (p->high - p->low);
    }
}

enum ax_err ax_search_ask(struct ax_search *s, double *x)
{
    struct ax_rng rng;
    const uint64_t number = s->n;
    enum ax_err err = AX_OK;
    if (s->n == AX_SEARCH_TRIALS_MAX)
        return AX_LIMIT;
    if (!make_room(s))
        return AX_NOMEM;
    struct ax_search_trial *t = &s->trials[s->n];
    *t = (struct ax_search_trial){.value = (double)NAN};
    ax_rng_seed(&rng, ax_hash64(&number, sizeof number, s->spec.seed));
    if (s->spec.random || s->n < s->spec.random_first)
        for (uint32_t i = 0; i < s->spec.params_n; i++)
            t->x[i] = draw(&s->params[i], &rng);
    else
        err = ax_search_estimate(s, &rng, t->x);
    memcpy(x, t->x, s->spec.params_n * sizeof *x);
    return err;
}

/* What the trials that were done had at a step; NaN without. */
static double median_at(const struct ax_search *s, uint32_t step, uint32_t *done)
{
    double *v = malloc((s->n ? s->n : 1) * sizeof *v), median = (double)NAN;
    uint32_t n = 0;
    *done = 0;
    for (uint32_t i = 0; v && i < s->n; i++) {
        const struct ax_search_trial *t = &s->trials[i];
        *done += t->end == AX_SEARCH_DONE;
        if (t->end == AX_SEARCH_DONE && step < t->steps_n && isfinite(t->steps[step]))
            v[n++] = t->steps[step];
    }
    if (n)
        median = ax_median(v, n);
    free(v);
    return median;
}

bool ax_search_report(struct ax_search *s, double value)
{
    struct ax_search_trial *t = &s->trials[s->n];
    double best = (double)INFINITY;
    uint32_t done;
    if (t->steps_n == AX_SEARCH_STEPS_MAX)
        return false;
    const uint32_t step = t->steps_n++;
    t->steps[step] = isfinite(value) ? value : (double)INFINITY;
    for (uint32_t i = 0; i <= step; i++)
        best = fmin(best, t->steps[i]);
    const double median = median_at(s, step, &done);
    return done >= s->spec.prune_after && step >= s->spec.prune_steps && best > median;
}

void ax_search_tell(struct ax_search *s, enum ax_search_end end, double value)
{
    struct ax_search_trial *t = &s->trials[s->n];
    if (end == AX_SEARCH_DONE && !isfinite(value))
        end = AX_SEARCH_FAILED;
    t->end = end;
    t->value = end == AX_SEARCH_DONE                   ? value
               : end == AX_SEARCH_PRUNED && t->steps_n ? t->steps[t->steps_n - 1]
                                                       : (double)NAN;
    s->n++;
}

uint32_t ax_search_trials(const struct ax_search *s)
{
    return s->n;
}

uint32_t ax_search_count(const struct ax_search *s, enum ax_search_end end)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++)
        n += s->trials[i].end == end;
    return n;
}

enum ax_err ax_search_best(const struct ax_search *s, uint32_t *trial, double *x, double *value)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->trials[i].end == AX_SEARCH_DONE &&
            (best == UINT32_MAX || s->trials[i].value < s->trials[best].value))
            best = i;
    if (best == UINT32_MAX)
        return AX_NOTFOUND;
    *trial = best;
    *value = s->trials[best].value;
    memcpy(x, s->trials[best].x, s->spec.params_n * sizeof *x);
    return AX_OK;
}

void ax_search_trial(const struct ax_search *s, uint32_t i, double *x, enum ax_search_end *end, double *value)
{
    memcpy(x, s->trials[i].x, s->spec.params_n * sizeof *x);
    *end = s->trials[i].end;
    *value = s->trials[i].value;
}

/* ---- what lasts ---- */

void ax_search_save(const struct ax_search *s, struct ax_buf *out)
{
    ax_put_u8(out, VERSION);
    ax_put_u64(out, s->spec.seed);
    ax_put_u32(out, s->spec.params_n);
    for (uint32_t i = 0; i < s->spec.params_n; i++) {
        ax_put_str(out, ax_str(s->params[i].name));
        ax_put_u8(out, (uint8_t)s->params[i].scale);
        ax_put_f64(out, s->params[i].low);
        ax_put_f64(out, s->params[i].high);
    }
    ax_put_varint(out, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        const struct ax_search_trial *t = &s->trials[i];
        ax_put_u8(out, (uint8_t)t->end);
        ax_put_f64(out, t->value);
        for (uint32_t k = 0; k < s->spec.params_n; k++)
            ax_put_f64(out, t->x[k]);
        ax_put_varint(out, t->steps_n);
        for (uint32_t k = 0; k < t->steps_n; k++)
            ax_put_f64(out, t->steps[k]);
    }
}

static bool same_search(const struct ax_search *s, struct ax_bytes *in)
{
    bool same = ax_get_u64(in) == s->spec.seed;
    same = ax_get_u32(in) == s->spec.params_n && same;
    for (uint32_t i = 0; i < s->spec.params_n && same; i++) {
        same = ax_str_eq(ax_get_str(in), ax_str(s->params[i].name));
        same = ax_get_u8(in) == (uint8_t)s->params[i].scale && same;
        same = !(fabs(ax_get_f64(in) - s->params[i].low) > 0) && same;
        same = !(fabs(ax_get_f64(in) - s->params[i].high) > 0) && same;
    }
    return same;
}

static void load_trial(struct ax_search *s, struct ax_bytes *in)
{
    struct ax_search_trial *t = &s->trials[s->n];
    *t = (struct ax_search_trial){.end = (enum ax_search_end)ax_get_u8(in)};
    t->value = ax_get_f64(in);
    for (uint32_t k = 0; k < s->spec.params_n; k++) {
        const struct ax_search_param *p = &s->params[k];
        const bool choice = p->scale == AX_SEARCH_CHOICE;
        t->x[k] = ax_get_f64_in(in, choice ? 0 : p->low, choice ? p->high - 1 : p->high);
    }
    t->steps_n = ax_get_count(in, AX_SEARCH_STEPS_MAX);
    for (uint32_t k = 0; k < t->steps_n && in->err == AX_OK; k++)
        t->steps[k] = ax_get_f64(in);
    if (t->end > AX_SEARCH_FAILED || (t->end == AX_SEARCH_DONE && !isfinite(t->value)))
        (void)ax_bytes_fail(in);
    s->n++;
}

enum ax_err ax_search_load(struct ax_search *s, struct ax_str bytes, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(bytes);
    ax_get_version(&in, VERSION);
    const bool same = same_search(s, &in);
    if (in.err == AX_OK && !same)
        return ax_fail(diag, AX_CONFLICT, "the trials that were saved are of another search");
    const uint32_t n = ax_get_count(&in, AX_SEARCH_TRIALS_MAX);
    bool room = true;
    while (s->n < n && in.err == AX_OK && (room = make_room(s)))
        load_trial(s, &in);
    enum ax_err err = room ? ax_bytes_end(&in) : AX_NOMEM;
    if (err == AX_OK)
        return AX_OK;
    s->n = 0;
    return ax_fail(diag, err, err == AX_NOMEM ? "out of memory" : "the trials that were saved are damaged");
}
