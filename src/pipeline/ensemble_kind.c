/* ensemble_kind.c: an artifact is a version, the times of the past, from the second version on the references
 * for drift, and what anomaly/ensemble.h saves. */
#include "pipeline/ensemble_kind.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ARTIFACT_VERSION 2
#define WITHOUT_REFERENCES 1

/* Members ask between batches; how far the fit is they cannot tell. */
static bool cancelled(void *progress)
{
    return !ax_fit_goes_on(progress, 0);
}

static enum ax_err fit(void *data, uint64_t seed, const struct ax_fit_progress *progress,
                       struct ax_buf *artifact, struct ax_diag *diag)
{
    struct ax_ensemble_past *past = data;
    struct ax_ensemble *e = NULL;
    struct ax_buf references;
    past->data.cancelled = cancelled;
    past->data.ctx = (void *)(uintptr_t)progress;
    enum ax_err err = ax_fit_refer(past->pasts, progress, &references, diag);
    if (err == AX_OK)
        err = ax_ensemble_fit(&past->spec, &past->data, seed, &e, diag);
    if (err != AX_OK) {
        ax_buf_done(&references);
        return err;
    }
    ax_put_u8(artifact, ARTIFACT_VERSION);
    ax_put_i64(artifact, past->from_ms);
    ax_put_i64(artifact, past->until_ms);
    ax_put_str(artifact, ax_buf_view(&references));
    ax_buf_done(&references);
    ax_ensemble_save(e, artifact);
    past->check = *ax_ensemble_checked(e);
    ax_ensemble_free(e);
    return artifact->err == AX_OK ? AX_OK
                                  : ax_fail(diag, artifact->err, "the ensemble's artifact is too large");
}

static void free_data(void *data)
{
    struct ax_ensemble_past *past = data;
    if (!past)
        return;
    ax_drift_pasts_free(past->pasts);
    free(past->keys_block);
    free(past->points_block);
    free(past);
}

/* What is before the ensemble's own bytes; references are a view. */
static enum ax_err read_head(struct ax_bytes *in, struct ax_fit_scores *scores, struct ax_str *references,
                             struct ax_diag *diag)
{
    const uint8_t version = ax_get_u8(in);
    *scores = (struct ax_fit_scores){.loss = (double)NAN, .skill = (double)NAN};
    *references = (struct ax_str){NULL, 0};
    if (version != ARTIFACT_VERSION && version != WITHOUT_REFERENCES)
        (void)ax_bytes_fail(in);
    scores->from_ms = ax_get_ms(in);
    scores->until_ms = ax_get_ms(in);
    if (version == ARTIFACT_VERSION)
        *references = ax_get_str(in);
    return in->err == AX_OK ? AX_OK : ax_fail(diag, in->err, "an ensemble's artifact is damaged");
}

static enum ax_err references(struct ax_str artifact, struct ax_drift_references **out, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(artifact);
    struct ax_fit_scores scores;
    struct ax_str bytes;
    *out = NULL;
    enum ax_err err = read_head(&in, &scores, &bytes, diag);
    if (err != AX_OK)
        return err;
    err = ax_drift_references_read(bytes, out);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "what an ensemble learnt from is damaged");
}

static enum ax_err build(const void *spec, struct ax_str artifact, void **model, struct ax_fit_scores *scores,
                         struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(artifact);
    struct ax_ensemble *e = NULL;
    struct ax_str ignored;
    *model = NULL;
    enum ax_err err = read_head(&in, scores, &ignored, diag);
    if (err != AX_OK)
        return err;
    err = ax_ensemble_load(spec, (struct ax_str){(const char *)in.p, ax_bytes_left(&in)}, &e, diag);
    if (err != AX_OK)
        return err;
    scores->samples = ax_ensemble_rows(e);
    *model = e;
    return AX_OK;
}

static void free_model(void *model)
{
    ax_ensemble_free(model);
}

/* On rows that the members did not learn from: by these the levels were found, so that the first is near what
 * is configured where the tail is as it should be. */
static void put_scores(const struct ax_ensemble_check *c, char *out, size_t out_n)
{
    size_t n = 0;
    if (c->held)
        n = (size_t)snprintf(out, out_n, "{\"held_out_rows\": %u, \"held_out_alarm_ratio\": %.6g", c->held,
                             (double)c->held_above / c->held);
    if (c->held && c->incident)
        n += (size_t)snprintf(out + n, out_n - n, ", \"incident_rows\": %u, \"incident_alarm_ratio\": %.6g",
                              c->incident, (double)c->incident_above / c->incident);
    (void)snprintf(out + n, out_n - n, "%s", c->held ? "}" : "");
}

static void lineage(const void *data, struct ax_artifact_lineage *out)
{
    const struct ax_ensemble_past *past = data;
    const uint32_t members = past->spec.members;
    size_t n = 0;
    out->from_ms = past->from_ms;
    out->until_ms = past->until_ms;
    out->samples = past->data.points_n;
    out->features = past->spec.features_hash;
    for (enum ax_ensemble_member m = 0; m < AX_ENSEMBLE_MEMBERS && n < sizeof out->hyper; m++)
        if (members == 0 || (members >> m & 1))
            n += (size_t)snprintf(out->hyper + n, sizeof out->hyper - n, "%s%s", n ? " " : "{\"members\": \"",
                                  ax_ensemble_member_name(m));
    (void)snprintf(out->hyper + n, n < sizeof out->hyper ? sizeof out->hyper - n : 0,
                   "\", \"extended\": %s, \"false_alarm_rate\": %g}", past->spec.extended ? "true" : "false",
                   past->spec.false_alarm_rate);
    put_scores(&past->check, out->scores, sizeof out->scores);
}

/* One feature of one entity at a time; a segment ends where an entity was away, and a feature of one that is
 * there with its newest value. */
static enum ax_err each(const void *data, ax_train_see *see, void *ctx)
{
    const struct ax_ensemble_past *past = data;
    const struct ax_ensemble_data *d = &past->data;
    const uint32_t features = past->spec.features;
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < d->segments_n && err == AX_OK; i++)
        for (uint32_t k = 0; k < features && err == AX_OK; k++) {
            const struct ax_ensemble_segment *s = &d->segments[i];
            struct ax_validation_series one = {.v = d->points + (size_t)s->first * features + k,
                                               .n = s->n,
                                               .stride = features,
                                               .end_ms = s->newest ? s->end_ms : 0,
                                               .step_ms = s->newest ? s->step_ms : 0};
            for (uint32_t n = s->n; n && !isfinite(one.v[(size_t)(n - 1) * features]); n--)
                one.end_ms -= one.step_ms;
            err = see(ctx, &one);
        }
    return err;
}

/* What nobody said anything of is normal, once people have told of an incident. */
static void told(const void *data, struct ax_validation *v)
{
    const struct ax_ensemble_data *d = &((const struct ax_ensemble_past *)data)->data;
    uint64_t known = 0, abnormal = 0;
    for (uint32_t i = 0; i < d->points_n; i++) {
        known += d->marks[i] != AX_POINT_EXCLUDED;
        abnormal += d->marks[i] == AX_POINT_INCIDENT;
    }
    if (d->incidents)
        ax_validation_labels(v, known, abnormal);
}

const struct ax_train_kind ax_ensemble_kind = {.name = "ensemble",
                                               .fit = fit,
                                               .free_data = free_data,
                                               .build = build,
                                               .free_model = free_model,
                                               .references = references,
                                               .lineage = lineage,
                                               .each = each,
                                               .told = told};

const struct ax_train_kind ax_latency_kind = {.name = "latency",
                                              .fit = fit,
                                              .free_data = free_data,
                                              .build = build,
                                              .free_model = free_model,
                                              .references = references,
                                              .lineage = lineage,
                                              .each = each,
                                              .told = told};
