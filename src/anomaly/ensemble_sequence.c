/* ensemble_sequence.c: the LSTM autoencoder over all points of a row, 64, 32 and back, as an ensemble asks
 * it.
 *
 * A row's distance is the root of the mean square error of its newest steps over the 98th percentile of that
 * of the rows that it learnt from, so that 1 is its threshold (P. Malhotra and others, "LSTM-based
 * encoder-decoder for multi-sensor anomaly detection", ICML workshop 2016, has such a network, and an error
 * for each step); no entity's level is below it. The steps before are what the network has to go by: with
 * their errors the score would rise late, and stay up for a whole row after what was wrong has ended. */
#include "anomaly/coder.h"
#include "anomaly/ensemble_member.h"
#include "math/stats.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNITS 64
#define CODE 32
#define ROWS_MIN 200
#define ROWS_MOST 2000 /* more are thinned: an epoch of 1,000 costs 0.13 s */
#define EPOCHS 20      /* of so many rows; of fewer as many more as make up for it, */
#define EPOCHS_MOST 60 /* but no more than so many */
#define PATIENCE_SHARE 0.3
#define BATCH 32 /* few rows: more and larger steps */
#define RATE 5e-3f
#define THRESHOLD_AT 0.98
#define NEWEST 3       /* steps that are judged */
#define ERROR_MIN 1e-6 /* of features whose usual spread is 1 */

struct sequence {
    struct ax_coder *coder;
    double threshold; /* of the root of the mean square error */
};

static void sequence_free(void *model)
{
    struct sequence *s = model;
    if (s)
        ax_coder_free(s->coder);
    free(s);
}

static enum ax_err sequence_new(const struct ax_ensemble_shape *shape, uint64_t seed, struct sequence **out,
                                struct ax_diag *diag)
{
    const struct ax_nn_layer_spec encoder[] = {
        {.kind = AX_NN_LSTM, .units = UNITS}, {.kind = AX_NN_LSTM, .units = CODE}, {.kind = AX_NN_LAST}};
    const struct ax_nn_layer_spec decoder[] = {
        {.kind = AX_NN_LSTM, .units = CODE},
        {.kind = AX_NN_LSTM, .units = UNITS},
        {.kind = AX_NN_DENSE, .units = shape->p, .act = AX_NN_IDENTITY}};
    const struct ax_coder_spec spec = {.steps = shape->points,
                                       .features = shape->p,
                                       .encoder = encoder,
                                       .encoder_n = sizeof encoder / sizeof *encoder,
                                       .decoder = decoder,
                                       .decoder_n = sizeof decoder / sizeof *decoder,
                                       .code = CODE,
                                       .all_steps = true};
    struct sequence *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return ax_fail(diag, AX_NOMEM, "out of memory for an LSTM autoencoder");
    enum ax_err err = ax_coder_new(&spec, seed, &s->coder, diag);
    if (err != AX_OK) {
        sequence_free(s);
        return err;
    }
    *out = s;
    return AX_OK;
}

/* What is said again, in whole aligned blocks, comes before the coder's own scratch. */
static size_t said_bytes(const struct sequence *s, uint32_t n)
{
    size_t bytes = (size_t)n * ax_coder_outputs(s->coder) * sizeof(float);
    return (bytes + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN;
}

static size_t sequence_scratch(const void *model, uint32_t p, uint32_t n)
{
    const struct sequence *s = model;
    (void)p;
    return said_bytes(s, n) + ax_coder_scratch(s->coder, n);
}

/* How many of a row's numbers, its last ones, are judged. */
static uint32_t judged(const struct ax_ensemble_view *v)
{
    return (v->points < NEWEST ? v->points : NEWEST) * v->p;
}

static double square_of(float said, float was)
{
    const double d = (double)said - (double)was;
    return d * d;
}

static void sequence_score(const void *model, const struct ax_ensemble_view *v, void *scratch, double *score)
{
    const struct sequence *s = model;
    const size_t width = (size_t)v->points * v->p, from = width - judged(v);
    float *said = scratch;
    ax_coder_say(s->coder, v->n, v->context, (char *)scratch + said_bytes(s, v->n), said);
    for (size_t r = 0; r < v->n; r++) {
        double sum = 0;
        for (size_t i = r * width + from; i < (r + 1) * width; i++)
            sum += square_of(said[i], v->context[i]);
        score[r] = sqrt(sum / judged(v)) / s->threshold;
    }
}

/* Squared errors of the steps that are judged: they add up to what the score is made of. */
static void sequence_explain(const void *model, const struct ax_ensemble_view *one, void *scratch,
                             double *parts)
{
    double score;
    const float *said = scratch;
    const uint32_t width = one->points * one->p;
    sequence_score(model, one, scratch, &score);
    memset(parts, 0, one->p * sizeof *parts);
    for (uint32_t i = width - judged(one); i < width; i++)
        parts[i % one->p] += square_of(said[i], one->context[i]);
}

/* The threshold, from the rows that were learnt from. */
static enum ax_err find_threshold(struct sequence *s, const struct ax_ensemble_view *v, struct ax_diag *diag)
{
    void *scratch = aligned_alloc(AX_NN_ALIGN, sequence_scratch(s, v->p, v->n));
    double *error = malloc(v->n * sizeof *error);
    enum ax_err err = scratch && error ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    s->threshold = 1;
    if (err == AX_OK) {
        sequence_score(s, v, scratch, error);
        s->threshold = fmax(ax_quantile(error, v->n, THRESHOLD_AT), ERROR_MIN);
    }
    free(scratch);
    free(error);
    return err;
}

static enum ax_err learn(struct sequence *s, const struct ax_ensemble_view *v,
                         const struct ax_ensemble_fit_env *env, struct ax_diag *diag)
{
    const uint32_t wanted = EPOCHS * ROWS_MOST / v->n, epochs = wanted < EPOCHS_MOST ? wanted : EPOCHS_MOST;
    const struct ax_coder_training how = {.epochs = epochs,
                                          .patience = (uint32_t)(PATIENCE_SHARE * epochs),
                                          .when = v->when,
                                          .held_steps = 2 * v->points,
                                          .gap_steps = v->points,
                                          .batch = BATCH,
                                          .rate = RATE,
                                          .seed = env->seed,
                                          .cancelled = env->cancelled,
                                          .ctx = env->ctx};
    enum ax_err err = ax_coder_fit(s->coder, v->n, v->context, &how, diag);
    return err == AX_OK ? find_threshold(s, v, diag) : err;
}

static enum ax_err sequence_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                                void **model, struct ax_diag *diag)
{
    const struct ax_ensemble_shape shape = {v->p, v->points};
    struct sequence *s = NULL;
    struct ax_ensemble_some some;
    *model = NULL;
    if (v->n < ROWS_MIN)
        return ax_fail(diag, AX_INVALID, "%u rows are too few for an LSTM autoencoder: %u", v->n, ROWS_MIN);
    enum ax_err err = ax_ensemble_some_of(v, ROWS_MOST, &some, diag);
    const struct ax_ensemble_view rows = {some.n, v->p, v->points, some.context, NULL, some.when};
    if (err == AX_OK)
        err = sequence_new(&shape, env->seed, &s, diag);
    if (err == AX_OK)
        err = learn(s, &rows, env, diag);
    ax_ensemble_some_done(&some);
    if (err == AX_OK)
        *model = s;
    else
        sequence_free(s);
    return err;
}

static void sequence_save(const void *model, struct ax_buf *out)
{
    const struct sequence *s = model;
    ax_put_f64(out, s->threshold);
    ax_coder_save(s->coder, out);
}

static enum ax_err sequence_load(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model)
{
    struct sequence *s;
    enum ax_err err = sequence_new(shape, 0, &s, NULL);
    *model = NULL;
    if (err != AX_OK)
        return err;
    s->threshold = ax_get_f64_in(in, ERROR_MIN, DBL_MAX);
    err = ax_coder_load(s->coder, in);
    if (err == AX_OK)
        *model = s;
    else
        sequence_free(s);
    return err;
}

const struct ax_ensemble_member_ops ax_ensemble_sequence = {.name = "sequence",
                                                            .least = 1,
                                                            .fit = sequence_fit,
                                                            .free = sequence_free,
                                                            .scratch = sequence_scratch,
                                                            .score = sequence_score,
                                                            .explain = sequence_explain,
                                                            .save = sequence_save,
                                                            .load = sequence_load};
