/* ensemble_members.c: the detectors, as an ensemble asks them. */
#include "anomaly/coder.h"
#include "anomaly/ensemble_member.h"
#include "anomaly/forest.h"
#include "anomaly/kmeans.h"
#include "anomaly/mcd.h"
#include "anomaly/pca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RIDGE 0.1     /* of features whose usual spread is 1 */
#define PCA_SHARE 0.5 /* of the variance that components explain */
#define CLUSTERS 10
#define CLUSTER_ROUNDS 40
#define HEADS 8
#define LATENT 16

static void roots(uint32_t n, double *score)
{
    for (uint32_t i = 0; i < n; i++)
        score[i] = sqrt(score[i]);
}

static enum ax_err forest_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                              void **model, struct ax_diag *diag)
{
    const struct ax_forest_spec spec = {.extended = env->extended, .seed = env->seed};
    struct ax_forest *f = NULL;
    enum ax_err err = ax_forest_fit(&spec, v->p, v->n, v->last, &f, diag);
    *model = f;
    return err;
}

static void forest_free(void *model)
{
    ax_forest_free(model);
}

static size_t forest_scratch(const void *model, uint32_t p, uint32_t n)
{
    (void)model;
    (void)p;
    (void)n;
    return 0;
}

static void forest_score(const void *model, const struct ax_ensemble_view *v, void *scratch, double *score)
{
    (void)scratch;
    ax_forest_score(model, ax_forest_kernels(), v->n, v->last, score);
}

static void forest_explain(const void *model, const struct ax_ensemble_view *one, void *scratch,
                           double *parts)
{
    (void)scratch;
    (void)ax_forest_explain(model, one->last, parts);
}

static void forest_save(const void *model, struct ax_buf *out)
{
    ax_forest_save(model, out);
}

static enum ax_err forest_load(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model)
{
    struct ax_forest *f = NULL;
    enum ax_err err = ax_forest_load(in, shape->p, &f);
    *model = f;
    return err;
}

static enum ax_err covariance_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                                  void **model, struct ax_diag *diag)
{
    struct ax_mcd m;
    struct ax_quadratic *q = NULL;
    enum ax_err err = ax_mcd_fit(v->n, v->p, v->last, RIDGE, env->seed, &m);
    if (err == AX_OK) {
        err = ax_mcd_distance(&m, RIDGE, &q);
        ax_mcd_done(&m);
    }
    *model = q;
    return err == AX_OK ? AX_OK
                        : ax_fail(diag, err, "the robust covariance of %u rows cannot be found", v->n);
}

static enum ax_err pca_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                           void **model, struct ax_diag *diag)
{
    struct ax_pca a;
    (void)env;
    enum ax_err err = ax_pca_fit(v->n, v->p, v->last, &a);
    *model = NULL;
    if (err == AX_OK) {
        *model = ax_pca_residual(&a, ax_pca_components(&a, PCA_SHARE));
        err = *model ? AX_OK : AX_NOMEM;
        ax_pca_done(&a);
    }
    return err == AX_OK ? AX_OK
                        : ax_fail(diag, err, "the principal components of %u rows cannot be found", v->n);
}

static void quadratic_free(void *model)
{
    ax_quadratic_free(model);
}

static size_t quadratic_scratch(const void *model, uint32_t p, uint32_t n)
{
    (void)p;
    return ax_quadratic_scratch(model, n) * sizeof(float);
}

static void quadratic_score(const void *model, const struct ax_ensemble_view *v, void *scratch, double *score)
{
    ax_quadratic_score(model, v->n, v->last, scratch, score);
    roots(v->n, score);
}

static void quadratic_explain(const void *model, const struct ax_ensemble_view *one, void *scratch,
                              double *parts)
{
    double score;
    const float *part = scratch;
    ax_quadratic_score(model, 1, one->last, scratch, &score);
    for (uint32_t i = 0; i < one->p; i++)
        parts[i] = (double)part[i] * (double)part[i];
}

static void quadratic_save(const void *model, struct ax_buf *out)
{
    ax_quadratic_save(model, out);
}

static enum ax_err quadratic_load(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model)
{
    struct ax_quadratic *q = NULL;
    enum ax_err err = ax_quadratic_load(in, shape->p, &q);
    *model = q;
    return err;
}

static enum ax_err kmeans_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                              void **model, struct ax_diag *diag)
{
    const struct ax_kmeans_spec spec = {.k = CLUSTERS, .rounds_max = CLUSTER_ROUNDS, .seed = env->seed};
    struct ax_kmeans *m = NULL;
    enum ax_err err = ax_kmeans_fit(&spec, v->n, v->points * v->p, v->context, &m, NULL);
    *model = m;
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "no %u clusters in %u rows", CLUSTERS, v->n);
}

static void kmeans_free(void *model)
{
    ax_kmeans_free(model);
}

static void kmeans_score(const void *model, const struct ax_ensemble_view *v, void *scratch, double *score)
{
    (void)scratch;
    for (uint32_t r = 0; r < v->n; r++)
        score[r] = ax_kmeans_distance(model, v->context + (size_t)r * v->points * v->p, NULL);
    roots(v->n, score);
}

static void kmeans_explain(const void *model, const struct ax_ensemble_view *one, void *scratch,
                           double *parts)
{
    const float *nearest;
    (void)scratch;
    (void)ax_kmeans_distance(model, one->context, &nearest);
    memset(parts, 0, one->p * sizeof *parts);
    for (uint32_t i = 0; i < one->points * one->p; i++) {
        double d = (double)one->context[i] - (double)nearest[i];
        parts[i % one->p] += d * d;
    }
}

static void kmeans_save(const void *model, struct ax_buf *out)
{
    ax_kmeans_save(model, out);
}

static enum ax_err kmeans_load(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model)
{
    struct ax_kmeans *m = NULL;
    enum ax_err err = ax_kmeans_load(in, shape->points * shape->p, &m);
    *model = m;
    return err;
}

#define DENSE(n)                                                                                             \
    {                                                                                                        \
        .kind = AX_NN_DENSE, .units = (n), .act = AX_NN_RELU                                                 \
    }
#define LINEAR(n)                                                                                            \
    {                                                                                                        \
        .kind = AX_NN_DENSE, .units = (n), .act = AX_NN_IDENTITY                                             \
    }

/* 128, 64, 32, 64, 128. */
static enum ax_err autoencoder_new(uint32_t p, uint64_t seed, struct ax_coder **out, struct ax_diag *diag)
{
    const struct ax_nn_layer_spec encoder[] = {DENSE(128), DENSE(64), LINEAR(32)};
    const struct ax_nn_layer_spec decoder[] = {DENSE(64), DENSE(128), LINEAR(p)};
    const struct ax_coder_spec spec = {.steps = 1,
                                       .features = p,
                                       .encoder = encoder,
                                       .encoder_n = 3,
                                       .decoder = decoder,
                                       .decoder_n = 3,
                                       .code = 32};
    return ax_coder_new(&spec, seed, out, diag);
}

/* 128 with attention over the points, 64, 32, then mean and variance of 16; and back. */
static enum ax_err variational_new(const struct ax_ensemble_shape *shape, uint64_t seed,
                                   struct ax_coder **out, struct ax_diag *diag)
{
    const struct ax_nn_layer_spec encoder[] = {DENSE(128),
                                               {.kind = AX_NN_ATTENTION, .heads = HEADS},
                                               {.kind = AX_NN_LAST},
                                               DENSE(64),
                                               DENSE(32),
                                               LINEAR(2 * LATENT)};
    const struct ax_nn_layer_spec decoder[] = {DENSE(32), DENSE(64), DENSE(128), LINEAR(shape->p)};
    const struct ax_coder_spec spec = {.steps = shape->points,
                                       .features = shape->p,
                                       .encoder = encoder,
                                       .encoder_n = sizeof encoder / sizeof *encoder,
                                       .decoder = decoder,
                                       .decoder_n = sizeof decoder / sizeof *decoder,
                                       .code = LATENT,
                                       .variational = true};
    return ax_coder_new(&spec, seed, out, diag);
}

#define CODER_ROWS_MIN 400
#define CODER_EPOCHS 30
/* It costs about 25 times as much a row. */
#define VARIATIONAL_ROWS 1500
#define VARIATIONAL_EPOCHS 12

enum ax_err ax_ensemble_some_of(const struct ax_ensemble_view *v, uint32_t most, struct ax_ensemble_some *out,
                                struct ax_diag *diag)
{
    const size_t width = (size_t)v->points * v->p;
    const uint32_t stride = (v->n + most - 1) / most, n = v->n / stride;
    *out =
        (struct ax_ensemble_some){n, malloc(n * width * sizeof *out->context), malloc(n * sizeof *out->when)};
    if (!out->context || !out->when) {
        ax_ensemble_some_done(out);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(out->context + i * width, v->context + i * stride * width, width * sizeof *out->context);
        out->when[i] = v->when[i * stride];
    }
    return AX_OK;
}

void ax_ensemble_some_done(struct ax_ensemble_some *s)
{
    free(s->context);
    free(s->when);
    *s = (struct ax_ensemble_some){0, NULL, NULL};
}

static enum ax_err too_few(uint32_t n, struct ax_diag *diag)
{
    return ax_fail(diag, AX_INVALID, "%u rows are too few for an autoencoder: %u", n, CODER_ROWS_MIN);
}

static enum ax_err coder_fit(struct ax_coder *c, uint32_t n, const float *x, struct ax_coder_training how,
                             const struct ax_ensemble_fit_env *env, void **model, struct ax_diag *diag)
{
    how.seed = env->seed;
    how.cancelled = env->cancelled;
    how.ctx = env->ctx;
    enum ax_err err = ax_coder_fit(c, n, x, &how, diag);
    *model = c;
    if (err != AX_OK) {
        ax_coder_free(c);
        *model = NULL;
    }
    return err;
}

static enum ax_err autoencoder_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                                   void **model, struct ax_diag *diag)
{
    struct ax_coder *c;
    if (v->n < CODER_ROWS_MIN)
        return too_few(v->n, diag);
    enum ax_err err = autoencoder_new(v->p, env->seed, &c, diag);
    /* A random tenth is held out: it uses all its epochs either way, and stretches of time leave it less to
     * learn from (docs/entities.md has what that changes). */
    const struct ax_coder_training how = {.epochs = CODER_EPOCHS};
    return err == AX_OK ? coder_fit(c, v->n, v->last, how, env, model, diag) : err;
}

static enum ax_err variational_fit(const struct ax_ensemble_view *v, const struct ax_ensemble_fit_env *env,
                                   void **model, struct ax_diag *diag)
{
    struct ax_coder *c;
    struct ax_ensemble_some some;
    const struct ax_ensemble_shape shape = {v->p, v->points};
    if (v->n < CODER_ROWS_MIN)
        return too_few(v->n, diag);
    enum ax_err err = ax_ensemble_some_of(v, VARIATIONAL_ROWS, &some, diag);
    if (err == AX_OK)
        err = variational_new(&shape, env->seed, &c, diag);
    const struct ax_coder_training how = {
        .epochs = VARIATIONAL_EPOCHS, .held_steps = 2 * v->points, .gap_steps = v->points - 1};
    if (err == AX_OK)
        err = coder_fit(c, some.n, some.context, how, env, model, diag);
    ax_ensemble_some_done(&some);
    return err;
}

static void coder_free(void *model)
{
    ax_coder_free(model);
}

/* What is said again, in whole aligned blocks, comes before the coder's own scratch. */
static size_t said_bytes(uint32_t p, uint32_t n)
{
    return ((size_t)n * p * sizeof(float) + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN;
}

static size_t coder_scratch(const void *model, uint32_t p, uint32_t n)
{
    return said_bytes(p, n) + ax_coder_scratch(model, n);
}

static void coder_score(const struct ax_coder *c, const struct ax_ensemble_view *v, const float *x,
                        void *scratch, double *score)
{
    ax_coder_score(c, v->n, x, (char *)scratch + said_bytes(v->p, v->n), scratch, score);
    roots(v->n, score);
}

static void autoencoder_score(const void *model, const struct ax_ensemble_view *v, void *scratch,
                              double *score)
{
    coder_score(model, v, v->last, scratch, score);
}

static void variational_score(const void *model, const struct ax_ensemble_view *v, void *scratch,
                              double *score)
{
    coder_score(model, v, v->context, scratch, score);
}

static void coder_explain(const struct ax_coder *c, const struct ax_ensemble_view *one, const float *x,
                          void *scratch, double *parts)
{
    double score;
    const float *said = scratch;
    coder_score(c, one, x, scratch, &score);
    for (uint32_t i = 0; i < one->p; i++) {
        double d = (double)said[i] - (double)one->last[i];
        parts[i] = d * d;
    }
}

static void autoencoder_explain(const void *model, const struct ax_ensemble_view *one, void *scratch,
                                double *parts)
{
    coder_explain(model, one, one->last, scratch, parts);
}

static void variational_explain(const void *model, const struct ax_ensemble_view *one, void *scratch,
                                double *parts)
{
    coder_explain(model, one, one->context, scratch, parts);
}

static void coder_save(const void *model, struct ax_buf *out)
{
    ax_coder_save(model, out);
}

static enum ax_err coder_load(enum ax_err made, struct ax_coder *c, struct ax_bytes *in, void **model)
{
    enum ax_err err = made == AX_OK ? ax_coder_load(c, in) : made;
    *model = err == AX_OK ? c : NULL;
    if (made == AX_OK && err != AX_OK)
        ax_coder_free(c);
    return err;
}

static enum ax_err autoencoder_load(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model)
{
    struct ax_coder *c = NULL;
    enum ax_err made = autoencoder_new(shape->p, 0, &c, NULL);
    return coder_load(made, c, in, model);
}

static enum ax_err variational_load(struct ax_bytes *in, const struct ax_ensemble_shape *shape, void **model)
{
    struct ax_coder *c = NULL;
    enum ax_err made = variational_new(shape, 0, &c, NULL);
    return coder_load(made, c, in, model);
}

static const struct ax_ensemble_member_ops forest = {.name = "forest",
                                                     .fit = forest_fit,
                                                     .free = forest_free,
                                                     .scratch = forest_scratch,
                                                     .score = forest_score,
                                                     .explain = forest_explain,
                                                     .save = forest_save,
                                                     .load = forest_load};
static const struct ax_ensemble_member_ops covariance = {.name = "covariance",
                                                         .fit = covariance_fit,
                                                         .free = quadratic_free,
                                                         .scratch = quadratic_scratch,
                                                         .score = quadratic_score,
                                                         .explain = quadratic_explain,
                                                         .save = quadratic_save,
                                                         .load = quadratic_load};
static const struct ax_ensemble_member_ops pca = {.name = "pca",
                                                  .fit = pca_fit,
                                                  .free = quadratic_free,
                                                  .scratch = quadratic_scratch,
                                                  .score = quadratic_score,
                                                  .explain = quadratic_explain,
                                                  .save = quadratic_save,
                                                  .load = quadratic_load};
static const struct ax_ensemble_member_ops kmeans = {.name = "kmeans",
                                                     .fit = kmeans_fit,
                                                     .free = kmeans_free,
                                                     .scratch = forest_scratch,
                                                     .score = kmeans_score,
                                                     .explain = kmeans_explain,
                                                     .save = kmeans_save,
                                                     .load = kmeans_load};
static const struct ax_ensemble_member_ops autoencoder = {.name = "autoencoder",
                                                          .fit = autoencoder_fit,
                                                          .free = coder_free,
                                                          .scratch = coder_scratch,
                                                          .score = autoencoder_score,
                                                          .explain = autoencoder_explain,
                                                          .save = coder_save,
                                                          .load = autoencoder_load};
static const struct ax_ensemble_member_ops variational = {.name = "variational",
                                                          .fit = variational_fit,
                                                          .free = coder_free,
                                                          .scratch = coder_scratch,
                                                          .score = variational_score,
                                                          .explain = variational_explain,
                                                          .save = coder_save,
                                                          .load = variational_load};

const struct ax_ensemble_member_ops *const ax_ensemble_members[AX_ENSEMBLE_MEMBERS] = {
    &forest, &covariance, &pca, &kmeans, &autoencoder, &variational, &ax_ensemble_sequence};

const char *ax_ensemble_member_name(enum ax_ensemble_member m)
{
    return ax_ensemble_members[m]->name;
}
