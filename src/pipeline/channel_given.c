/* channel_given.c: from targets to rows of a shared model, and back. */
#include "pipeline/channel_given.h"

#include "nn/kernels.h"
#include "pipeline/channel_trial.h"
#include "pipeline/job_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256
#define WEIGH_STEPS 64      /* between two looks at its weights, */
#define WEIGH_AFTER 256     /* so many steps after what it first said at the longest lead has come true */
#define WEIGHT_MIN 0.02     /* mean over series and leads; with less it is not run */
#define FIRST_SHARE 4       /* the first fit begins with a quarter of the fine window, */
#define FIRST_STEPS_MIN 128 /* and not with less than this, or than the whole window */
#define TEXT_MAX (1u << 20)
#define SUPERSEDE_SPAN 1.5 /* of the time that the live one has learnt from */

/* What one generation says. */
struct voice {
    double *given;     /* [targets][leads], in the room */
    float *rows, *out; /* of a batch */
    void *scratch;
    const void *scratch_of;
};

struct ax_channel_given {
    struct ax_channel *c;
    const struct ax_speaker_kind *kind;
    struct ax_learner learner;
    struct ax_speaker_spec spec;
    struct ax_buf text;        /* of spec.features */
    uint32_t member;           /* its place in the portfolio */
    char seen[AX_SHA256_TEXT]; /* of the live one's artifact as of the newest step; "": none */
    int64_t since_ms;          /* the step at which it began to speak */
    bool asleep;               /* it earns nothing */
    struct voice live, shadow;
    struct ax_channel_trial *trial;
    struct ax_challenger challenger;
    bool tells;                     /* of challengers */
    uint32_t horizons[AX_PATH_MAX]; /* their leads, in what is given */
    /* Of all targets in a step: numbers, values, measures (0: no row), in one block with what is given. */
    double *room, *values, *scales;
    uint32_t *serials;
    size_t cap; /* targets that there is room for */
    struct ax_speaker_frame frames[BATCH];
    uint32_t places[BATCH]; /* of the targets of a batch */
};

uint32_t ax_channel_given_leads(const struct ax_channel_given *m)
{
    return m->spec.leads_n;
}

/* The inputs in words: two models that learnt from the same ones have the same text. */
static enum ax_err describe(struct ax_channel_given *m, struct ax_diag *diag)
{
    const struct ax_job_config *job = m->c->job->config;
    struct ax_speaker_spec *s = &m->spec;
    struct ax_buf *b = &m->text;
    ax_buf_printf(b, "target: " AX_STR_FMT "\nstep: %lld ms\nsequence: %u\nleads:",
                  AX_STR_ARG(m->c->feature.n ? m->c->feature : job->expr.text), (long long)s->step_ms,
                  s->sequence);
    for (uint32_t i = 0; i < s->leads_n; i++)
        ax_buf_printf(b, " %u", s->leads[i]);
    for (uint32_t i = 0; i < job->features_n; i++)
        ax_buf_printf(b, "\n" AX_STR_FMT ": " AX_STR_FMT, AX_STR_ARG(job->features[i].name),
                      AX_STR_ARG(job->features[i].expr.text));
    for (uint32_t i = 0; i < s->categories_n; i++)
        ax_buf_printf(b, "\nlabel: " AX_STR_FMT, AX_STR_ARG(s->categories[i]));
    if (job->forecast.time_zone.n && !ax_str_eq(job->forecast.time_zone, ax_str("UTC")))
        ax_buf_printf(b, "\ntime zone: " AX_STR_FMT, AX_STR_ARG(job->forecast.time_zone));
    if (m->kind->describe)
        m->kind->describe(b);
    s->features = ax_buf_view(b);
    return b->err == AX_OK ? AX_OK
                           : ax_fail(diag, b->err, "%s: %s", m->kind->train->name, ax_err_text(b->err));
}

static enum ax_err init_spec(struct ax_channel_given *m, struct ax_diag *diag)
{
    const struct ax_job_config *job = m->c->job->config;
    const struct ax_forecast_spec *f = m->c->kind.forecast;
    uint32_t paths[AX_PATH_MAX];
    struct ax_speaker_spec *s = &m->spec;
    *s = (struct ax_speaker_spec){.step_ms = job->step_ms,
                                  .leads_n = ax_forecast_spec_tracked(f, paths),
                                  .features_n = job->features_n - (m->c->feature.n ? 1 : 0)};
    m->kind->ask(&job->forecast, s);
    if (s->leads_n > AX_SPEAKER_LEADS_MAX || s->features_n > AX_SPEAKER_FEATURES_MAX ||
        s->categories_n > AX_SPEAKER_CATEGORIES_MAX)
        return ax_fail(diag, AX_LIMIT, "%s: at most %d horizons, %d features and %d labels",
                       m->kind->train->name, AX_SPEAKER_LEADS_MAX - 1, AX_SPEAKER_FEATURES_MAX,
                       AX_SPEAKER_CATEGORIES_MAX);
    for (uint32_t i = 0; i < s->leads_n; i++)
        s->leads[i] = f->leads[paths[i]];
    for (uint32_t h = 0; h < f->horizons_n; h++)
        for (uint32_t i = 0; i < s->leads_n; i++)
            if (paths[i] == f->horizons[h])
                m->horizons[h] = i;
    while (ax_forecaster_member(m->member) &&
           !ax_str_eq(ax_str(ax_forecaster_member(m->member)), ax_str(m->kind->train->name)))
        m->member++;
    return describe(m, diag);
}

/* The windows of the features that belong to a target. */
static void find_features(const struct ax_channel *c, const struct ax_target *t, struct ax_view *views)
{
    const struct ax_job *job = c->job;
    if (job->config->features_n == 0)
        return;
    const uint64_t id = c->feature.n ? t->id : ax_entity_id(job, t->labels);
    uint32_t n = 0;
    for (uint32_t i = 0; i < job->channels_n; i++) {
        const struct ax_channel *other = &job->channels[i];
        if (other == c || other->feature.n == 0)
            continue;
        const struct ax_target *f = ax_map_get(&other->targets, id);
        views[n++] = f && f->stepped_ms == t->stepped_ms ? ax_window_fine(f->window) : (struct ax_view){0};
    }
}

static struct ax_speaker_past past_of(const struct ax_channel_given *m, const struct ax_target *t,
                                      struct ax_view *views)
{
    find_features(m->c, t, views);
    struct ax_speaker_past p = {.target = {.fine = ax_window_fine(t->window),
                                           .coarse = ax_window_coarse(t->window),
                                           .t_ms = t->stepped_ms},
                                .features = views,
                                .labels = t->labels->v,
                                .labels_n = t->labels->n};
    ax_forecast_shared_attach(&m->c->shared, &p.target, m->spec.leads[m->spec.leads_n - 1]);
    return p;
}

/* Targets with a past that teaches something. */
static uint32_t count_learned(const struct ax_channel_given *m, uint32_t least)
{
    uint32_t n = 0;
    for (const struct ax_target *t = m->c->first; t; t = t->next)
        n += ax_window_fine(t->window).n >= least;
    return n;
}

/* A copy of as many series as there is room for, evenly among all. */
static enum ax_err copy_past(void *ctx, int64_t t_ms, enum ax_fit_reason reason, uint64_t bytes_max,
                             struct ax_past_copy *out)
{
    const struct ax_channel_given *m = ctx;
    const uint32_t fine = m->c->job->config->window_fine;
    uint32_t least = fine / FIRST_SHARE > FIRST_STEPS_MIN ? fine / FIRST_SHARE : FIRST_STEPS_MIN;
    least = least < fine ? least : fine;
    const uint32_t n = count_learned(m, least);
    struct ax_view views[AX_SPEAKER_FEATURES_MAX];
    (void)t_ms;
    (void)reason;
    if (n == 0)
        return AX_NOTREADY;
    const uint64_t each =
        sizeof(float) * ((uint64_t)fine * (1 + m->spec.features_n) + m->c->job->config->window_coarse);
    struct ax_speaker_data *d = ax_speaker_data_new(&m->spec);
    if (!d)
        return AX_NOMEM;
    /* What data are tested against as long as the model serves. */
    ax_speaker_data_refer(d, ax_job_pasts(m->c->job, bytes_max / 4));
    /* Half of the room at most: others wait too. */
    const uint64_t room = bytes_max / 2 / each > 0 ? bytes_max / 2 / each : 1, stride = (n + room - 1) / room;
    enum ax_err err = AX_OK;
    uint64_t i = 0;
    for (const struct ax_target *t = m->c->first; t && err == AX_OK; t = t->next) {
        if (ax_window_fine(t->window).n < least || i++ % stride != 0)
            continue;
        const struct ax_speaker_past p = past_of(m, t, views);
        err = ax_speaker_data_add(d, &p, bytes_max);
    }
    if (err == AX_LIMIT) /* those that there was room for */
        err = AX_OK;
    if (err == AX_OK)
        *out = (struct ax_past_copy){d, ax_speaker_data_bytes(d)};
    else
        m->kind->train->free_data(d);
    return err;
}

/* While the window fills one that has learnt from half as much time again is what the other could not be yet,
 * and no rival: a trial of weeks would keep the worse one. */
static bool supersedes(void *ctx, const struct ax_fit_scores *live, const struct ax_fit_scores *newer)
{
    (void)ctx;
    return (double)(newer->until_ms - newer->from_ms) >=
           SUPERSEDE_SPAN * (double)(live->until_ms - live->from_ms);
}

enum ax_err ax_channel_given_new(struct ax_channel *c, const struct ax_speaker_kind *kind,
                                 struct ax_channel_given **out, struct ax_diag *diag)
{
    struct ax_channel_given *m = calloc(1, sizeof *m);
    if (!m)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    m->c = c;
    m->kind = kind;
    m->since_ms = INT64_MIN;
    ax_buf_init(&m->text, TEXT_MAX);
    enum ax_err err = init_spec(m, diag);
    if (err == AX_OK && !(m->trial = ax_channel_trial_new(&m->spec, c->job->config->models.min_samples)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err != AX_OK) {
        ax_channel_given_free(m);
        return err;
    }
    struct ax_learner_spec learner = {.kind = kind->train,
                                      .feature = c->feature.n ? c->drift_name[0] : "",
                                      .build = &m->spec,
                                      .fits.every_ms = kind->every_ms(&c->job->config->forecast),
                                      .copy = copy_past,
                                      .supersedes = supersedes,
                                      .ctx = m};
    ax_channel_trial_rule(m->trial, c->job->config->models.min_samples, &learner.rule);
    ax_job_learn(c->job, &m->learner, &learner);
    ax_challenger_init(&m->challenger, &c->job->outlets, ax_job_cell(c->job, AX_M_CHALLENGER_UNSENT));
    m->tells = !c->kind.challenger;
    if (m->tells)
        c->kind.challenger = &m->challenger;
    *out = m;
    return AX_OK;
}

static void voice_done(struct voice *v)
{
    free(v->rows);
    free(v->out);
    free(v->scratch);
}

void ax_channel_given_free(struct ax_channel_given *m)
{
    if (!m)
        return;
    ax_buf_done(&m->text);
    voice_done(&m->live);
    voice_done(&m->shadow);
    ax_channel_trial_free(m->trial);
    free(m->room);
    free(m);
}

/* Room for a batch of this generation. */
static bool make_batch(const struct ax_channel_given *m, struct voice *v, const void *model)
{
    if (v->scratch_of == model)
        return true;
    const size_t bytes = (m->kind->scratch(model) + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN;
    free(v->rows);
    free(v->out);
    free(v->scratch);
    v->rows = malloc(BATCH * m->kind->row(&m->spec, model) * sizeof *v->rows);
    v->out = malloc((size_t)BATCH * m->spec.leads_n * m->kind->per_lead * sizeof *v->out);
    v->scratch = aligned_alloc(AX_NN_ALIGN, bytes ? bytes : AX_NN_ALIGN);
    v->scratch_of = v->rows && v->out && v->scratch ? model : NULL;
    return v->scratch_of != NULL;
}

/* Room for all targets; for what a second generation says as well as for the first. Whatever is in it was of
 * the step before. */
static bool make_room(struct ax_channel_given *m)
{
    const size_t n = m->c->targets.n, cap = n + n / 2, said = cap * m->spec.leads_n;
    if (n <= m->cap)
        return true;
    double *room = malloc((2 * said + 2 * cap) * sizeof *room + cap * sizeof *m->serials);
    if (!room)
        return false;
    free(m->room);
    m->room = m->live.given = room;
    m->shadow.given = m->live.given + said;
    m->values = m->shadow.given + said;
    m->scales = m->values + cap;
    m->serials = (uint32_t *)(m->scales + cap);
    m->cap = cap;
    return true;
}

/* Let the model speak of the n rows of a batch. */
static void run_batch(struct ax_channel_given *m, struct voice *v, const void *model, uint32_t n)
{
    const uint32_t leads = m->spec.leads_n, per_lead = m->kind->per_lead;
    m->kind->run(model, v->scratch, v->rows, n, v->out);
    for (uint32_t r = 0; r < n; r++) {
        const float *out = v->out + (size_t)r * leads * per_lead + m->kind->median;
        double *given = v->given + (size_t)m->places[r] * leads;
        for (uint32_t k = 0; k < leads; k++) {
            given[k] = m->frames[r].last + m->frames[r].scale * (double)out[(size_t)k * per_lead];
            if (isnan(given[k])) /* it was asked: that is no silence, but an answer that is not finite */
                given[k] = (double)INFINITY;
        }
    }
}

/* What a generation says of all targets. False when there is no memory. */
static bool speak(struct ax_channel_given *m, struct voice *voice, const void *model, int64_t t_ms)
{
    if (!make_room(m) || !make_batch(m, voice, model))
        return false;
    const size_t row = m->kind->row(&m->spec, model);
    struct ax_view views[AX_SPEAKER_FEATURES_MAX];
    uint32_t n = 0, place = 0;
    for (const struct ax_target *t = m->c->first; t; t = t->next, place++) {
        m->serials[place] = t->serial;
        m->values[place] = t->stepped_ms == t_ms ? t->value : (double)NAN;
        m->scales[place] = 0;
        for (uint32_t k = 0; k < m->spec.leads_n; k++)
            voice->given[(size_t)place * m->spec.leads_n + k] = NAN;
        if (t->stepped_ms != t_ms)
            continue;
        const struct ax_speaker_past p = past_of(m, t, views);
        ax_arena_reset(&m->c->job->scratch);
        if (!m->kind->put(&m->spec, model, &p, &m->c->job->scratch, voice->rows + n * row, &m->frames[n]))
            continue;
        m->scales[place] = m->frames[n].scale;
        m->places[n++] = place;
        if (n == BATCH) {
            run_batch(m, voice, model, n);
            n = 0;
        }
    }
    if (n)
        run_batch(m, voice, model, n);
    return true;
}

/* Another generation: it is heard again, from this step on. Told by its artifact: an address may come back.
 */
static void notice_swap(struct ax_channel_given *m, int64_t t_ms)
{
    const char *live = m->learner.live ? m->learner.live->sha256 : "";
    /* Those of a trial have moved to other roles: what was made for one may be of the other's shape. */
    if (m->live.scratch_of && (!m->learner.live || m->live.scratch_of != m->learner.live->model))
        m->live.scratch_of = NULL;
    if (m->shadow.scratch_of && (!m->learner.shadow || m->shadow.scratch_of != m->learner.shadow->model))
        m->shadow.scratch_of = NULL;
    if (!m->learner.shadow)
        ax_channel_trial_end(m->trial);
    if (strcmp(m->seen, live) == 0)
        return;
    (void)snprintf(m->seen, sizeof m->seen, "%s", live);
    m->live.scratch_of = m->shadow.scratch_of = NULL;
    m->since_ms = t_ms;
    m->asleep = false;
}

/* Does one say what is no number where the other has one? */
static void check_finite(struct ax_channel_given *m, uint32_t n)
{
    for (uint32_t place = 0; place < n; place++) {
        for (uint32_t k = 0; k < m->spec.leads_n && m->scales[place] > 0; k++) {
            const size_t at = (size_t)place * m->spec.leads_n + k;
            const bool live = isfinite(m->live.given[at]), shadow = isfinite(m->shadow.given[at]);
            if (live != shadow)
                ax_trial_broken(&m->learner.trial, !live, !shadow);
        }
    }
}

/* Series of a canary's share hear the challenger: by their labels, so that a share is part of the next. */
static void mix(struct ax_channel_given *m)
{
    const uint32_t leads = m->spec.leads_n;
    uint32_t place = 0;
    for (const struct ax_target *t = m->c->first; t; t = t->next, place++)
        if (ax_labels_hash(t->labels, 0) % 100 < m->learner.roles.share)
            memcpy(m->live.given + (size_t)place * leads, m->shadow.given + (size_t)place * leads,
                   leads * sizeof *m->live.given);
}

/* Send what the challenger says. */
static void tell(struct ax_channel_given *m, int64_t t_ms)
{
    const struct ax_target_kind *kind = &m->c->kind;
    double said[AX_PATH_MAX];
    uint32_t place = 0;
    for (struct ax_target *t = m->c->first; t; t = t->next, place++) {
        const double *given = m->shadow.given + (size_t)place * m->spec.leads_n;
        if (!(m->scales[place] > 0))
            continue;
        for (uint32_t h = 0; h < kind->forecast->horizons_n; h++)
            said[h] = given[m->horizons[h]];
        ax_target_challenge(t, kind, t_ms, said);
    }
}

/* There is no challenger any more: its series end. */
static void fall_silent(struct ax_channel_given *m, int64_t t_ms)
{
    for (struct ax_target *t = m->c->first; t; t = t->next)
        ax_challenged_leave(&m->challenger, &t->challenged, t_ms);
}

/* Let the other one speak too, and compare what both have said so far. */
static void compare(struct ax_channel_given *m, int64_t t_ms)
{
    struct ax_learner *l = &m->learner;
    const uint32_t n = m->c->targets.n;
    double loss[2];
    if (!speak(m, &m->shadow, l->shadow->model, t_ms)) {
        ax_job_error(m->c->job, "memory");
        return;
    }
    for (uint32_t place = 0; place < n && (m->c->kind.skip & AX_SKIP_LEARNING); place++)
        m->values[place] = (double)NAN;
    if (m->tells && ax_learner_tries(l))
        tell(m, t_ms);
    const struct ax_rivals rivals = {n, m->serials, m->values, m->scales, m->live.given, m->shadow.given};
    check_finite(m, n);
    if (ax_channel_trial_step(m->trial, l->live->sha256, l->shadow->sha256, t_ms / m->spec.step_ms, &rivals,
                              loss))
        ax_learner_compare(l, loss[0], loss[1]);
    if (l->roles.phase == AX_PHASE_CANARY)
        mix(m);
}

const double *ax_channel_given_run(struct ax_channel_given *m, int64_t t_ms)
{
    notice_swap(m, t_ms);
    const struct ax_learner *l = &m->learner;
    if (ax_challenger_is_heard(&m->challenger) && !ax_learner_tries(l))
        fall_silent(m, t_ms);
    const bool compared = l->shadow && l->roles.phase != AX_PHASE_APPROVAL;
    if (!l->live || (m->asleep && !compared))
        return NULL;
    if (!speak(m, &m->live, l->live->model, t_ms)) {
        ax_job_error(m->c->job, "memory");
        return NULL;
    }
    if (compared)
        compare(m, t_ms);
    return m->asleep ? NULL : m->live.given;
}

void ax_channel_given_weigh(struct ax_channel_given *m, int64_t t_ms)
{
    const int64_t step = m->spec.step_ms;
    const struct ax_forecast_spec *f = m->c->kind.forecast;
    double weights[AX_FORECAST_MEMBERS_MAX], sum = 0;
    uint32_t paths[AX_PATH_MAX], n = 0;
    if (!m->learner.live || m->asleep || t_ms / step % WEIGH_STEPS != 0 ||
        t_ms - m->since_ms < (m->spec.leads[m->spec.leads_n - 1] + (int64_t)WEIGH_AFTER) * step)
        return;
    (void)ax_forecast_spec_tracked(f, paths);
    for (const struct ax_target *t = m->c->first; t; t = t->next)
        for (uint32_t k = 0; k < m->spec.leads_n && t->forecast_ready; k++, n++) {
            ax_forecaster_weights(t->forecaster, paths[k], weights);
            sum += weights[m->member];
        }
    m->asleep = n > 0 && sum < WEIGHT_MIN * n;
}

void ax_channel_given_forget(struct ax_channel_given *m)
{
    ax_channel_trial_end(m->trial);
}

void ax_channel_given_save(const struct ax_channel_given *m, struct ax_buf *out)
{
    ax_put_u8(out, m->asleep);
    ax_put_i64(out, m->since_ms);
    ax_put_str(out, ax_str(m->seen));
    ax_channel_trial_save(m->trial, out);
}

enum ax_err ax_channel_given_load(struct ax_channel_given *m, struct ax_bytes *in)
{
    m->asleep = ax_get_bool(in);
    m->since_ms = ax_get_ms(in);
    struct ax_str seen = ax_get_str(in);
    if (seen.n >= sizeof m->seen)
        (void)ax_bytes_fail(in);
    else
        (void)snprintf(m->seen, sizeof m->seen, AX_STR_FMT, AX_STR_ARG(seen));
    return ax_channel_trial_load(m->trial, in);
}
