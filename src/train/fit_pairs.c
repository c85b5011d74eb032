/* fit_pairs.c: the pairs of the model files of speakers, written and read. */
#include "train/fit_pairs.h"

#include "base/parse.h"
#include "registry/digest.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY_EPOCHS "epochs"
#define TIME_MAX 9e15 /* ms; a double has it exactly */

uint32_t ax_fit_pairs(const struct ax_speaker_data *d, uint64_t seed, const char *scaler,
                      const struct ax_fit_result *r, struct ax_fit_texts *t, struct ax_nn_pair *pairs)
{
    const struct ax_fit_scores *s = &r->scores;
    (void)snprintf(t->window, sizeof t->window, "%" PRId64 " %" PRId64, s->from_ms, s->until_ms);
    (void)snprintf(t->seed, sizeof t->seed, "%" PRIu64, seed);
    (void)snprintf(t->scores, sizeof t->scores, "{\"loss\": %.9g, \"skill\": %.9g}", s->loss,
                   isnan(s->skill) ? 0 : s->skill);
    (void)snprintf(t->samples, sizeof t->samples, "%.0f", s->samples);
    (void)snprintf(t->epochs, sizeof t->epochs, "%" PRIu32, r->epochs);
    ax_sha256_text(d->spec.features, t->hash);
    const struct ax_nn_pair all[AX_FIT_PAIRS] = {
        {ax_str(AX_NN_KEY_FEATURES), d->spec.features},
        {ax_str(AX_NN_KEY_FEATURES_HASH), ax_str(t->hash)},
        {ax_str(AX_NN_KEY_SCALER), ax_str(scaler)},
        {ax_str(AX_NN_KEY_DATA_WINDOW), ax_str(t->window)},
        {ax_str(AX_NN_KEY_SEED), ax_str(t->seed)},
        {ax_str(AX_NN_KEY_SCORES), ax_str(t->scores)},
        {ax_str(AX_NN_KEY_SAMPLES), ax_str(t->samples)},
        {ax_str(KEY_EPOCHS), ax_str(t->epochs)},
        {ax_str(AX_NN_KEY_REFERENCES), ax_buf_view(&d->references)},
    };
    memcpy(pairs, all, sizeof all);
    return d->references.n ? AX_FIT_PAIRS : AX_FIT_PAIRS - 1;
}

bool ax_fit_number(struct ax_str *left, const char *skip, double *out)
{
    const struct ax_str s = ax_str(skip);
    size_t n = 0;
    if (left->n == 0 || left->n < s.n ||
        memcmp(left->p, s.p, s.n) != 0) /* of a pair that is missing p is NULL */
        return false;
    *left = (struct ax_str){left->p + s.n, left->n - s.n};
    while (n < left->n && left->p[n] != ' ' && left->p[n] != ',' && left->p[n] != '}')
        n++;
    if (ax_parse_double((struct ax_str){left->p, n}, out) != AX_OK)
        return false;
    *left = (struct ax_str){left->p + n, left->n - n};
    return true;
}

enum ax_err ax_fit_read_scores(const struct ax_nn_file *f, struct ax_fit_scores *s, struct ax_diag *diag)
{
    struct ax_str window = ax_nn_file_value(f, AX_NN_KEY_DATA_WINDOW),
                  scores = ax_nn_file_value(f, AX_NN_KEY_SCORES),
                  samples = ax_nn_file_value(f, AX_NN_KEY_SAMPLES);
    double from, until;
    if (!ax_fit_number(&window, "", &from) || !ax_fit_number(&window, " ", &until) ||
        !ax_fit_number(&scores, "{\"loss\": ", &s->loss) ||
        !ax_fit_number(&scores, ", \"skill\": ", &s->skill) || !ax_fit_number(&samples, "", &s->samples) ||
        !(fabs(from) < TIME_MAX && fabs(until) < TIME_MAX && from <= until))
        return ax_fail(diag, AX_CORRUPT, "does not say what it learnt from, and how well");
    s->from_ms = (int64_t)from; /* whole and exact: below 2^53 */
    s->until_ms = (int64_t)until;
    return AX_OK;
}

enum ax_err ax_fit_scores_of(struct ax_str artifact, struct ax_fit_scores *out, struct ax_diag *diag)
{
    struct ax_nn_file *f = NULL;
    enum ax_err err = ax_nn_file_parse(artifact, &f, diag);
    if (err == AX_OK)
        err = ax_fit_read_scores(f, out, diag);
    ax_nn_file_free(f);
    return err;
}

enum ax_err ax_fit_expect(const struct ax_nn_file *f, const struct ax_speaker_spec *spec, const char *scaler,
                          struct ax_diag *diag)
{
    char hash[AX_SHA256_TEXT];
    ax_sha256_text(spec->features, hash);
    enum ax_err err = ax_nn_file_expect(f, AX_NN_KEY_FEATURES, spec->features, diag);
    if (err == AX_OK)
        err = ax_nn_file_expect(f, AX_NN_KEY_FEATURES_HASH, ax_str(hash), diag);
    return err == AX_OK ? ax_nn_file_expect(f, AX_NN_KEY_SCALER, ax_str(scaler), diag) : err;
}

enum ax_err ax_fit_references(struct ax_str artifact, struct ax_drift_references **out, struct ax_diag *diag)
{
    struct ax_nn_file *f = NULL;
    *out = NULL;
    enum ax_err err = ax_nn_file_parse(artifact, &f, diag);
    if (err != AX_OK)
        return err;
    err = ax_drift_references_read(ax_nn_file_value(f, AX_NN_KEY_REFERENCES), out);
    ax_nn_file_free(f);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "what it learnt from is damaged");
}
