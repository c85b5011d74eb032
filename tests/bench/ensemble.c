/* ensemble: what the detectors of entities cost on one core: a tick of ENTITIES entities of 40 features with
 * the whole ensemble, each member of it for one entity, what an explanation takes, and the training. CPU
 * time.
 *
 * usage: ensemble ENTITIES TICKS */
#include "anomaly/ensemble.h"

#include "anomaly/coder.h"
#include "base/rng.h"
#include "math/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FEATURES 40
#define LEARNT 20 /* entities that the models are made of */
#define POINTS 400

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static float *random_rows(size_t n, uint64_t seed)
{
    float *x = malloc(n * sizeof *x);
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    for (size_t i = 0; x && i < n; i++)
        x[i] = (float)(ax_rng_normal(&rng) + sin((double)(i / FEATURES) * 0.05));
    return x;
}

static struct ax_ensemble *fitted(uint32_t members, const float *points)
{
    static uint8_t marks[LEARNT * POINTS];
    struct ax_ensemble_segment segments[LEARNT];
    struct ax_str keys[LEARNT];
    static char names[LEARNT][8];
    struct ax_diag diag = {{0}};
    struct ax_ensemble *e = NULL;
    for (uint32_t i = 0; i < LEARNT; i++) {
        (void)snprintf(names[i], sizeof names[i], "e%u", i);
        keys[i] = ax_str(names[i]);
        segments[i] = (struct ax_ensemble_segment){.entity = i, .first = i * POINTS, .n = POINTS};
    }
    const struct ax_ensemble_spec spec = {
        .features = FEATURES, .members = members, .false_alarm_rate = 0.001};
    const struct ax_ensemble_data data = {.entities_n = LEARNT,
                                          .segments_n = LEARNT,
                                          .points_n = LEARNT * POINTS,
                                          .keys = keys,
                                          .segments = segments,
                                          .points = points,
                                          .marks = marks};
    if (ax_ensemble_fit(&spec, &data, 1, &e, &diag) != AX_OK)
        (void)fprintf(stderr, "ensemble: %s\n", diag.text);
    return e;
}

/* Seconds of a tick of n entities. */
static double tick(const struct ax_ensemble *e, uint32_t n, uint32_t ticks, const float *x)
{
    size_t bytes =
        (ax_ensemble_scratch(e, n) + AX_ENSEMBLE_ALIGN - 1) / AX_ENSEMBLE_ALIGN * AX_ENSEMBLE_ALIGN;
    void *scratch = aligned_alloc(AX_ENSEMBLE_ALIGN, bytes);
    uint32_t *entity = malloc(n * sizeof *entity);
    struct ax_ensemble_ratios *ratios = malloc(n * sizeof *ratios);
    if (!scratch || !entity || !ratios)
        return NAN;
    for (uint32_t i = 0; i < n; i++)
        entity[i] = i % LEARNT;
    ax_ensemble_score(e, n, entity, x, scratch, ratios);
    double begin = cpu();
    for (uint32_t i = 0; i < ticks; i++)
        ax_ensemble_score(e, n, entity, x, scratch, ratios);
    double took = (cpu() - begin) / ticks, share[FEATURES];
    if (ax_ensemble_members_of(e) == AX_ENSEMBLE_USUAL) {
        begin = cpu();
        for (uint32_t i = 0; i < 200; i++)
            ax_ensemble_explain(e, entity[i % n], x, ratios, scratch, share);
        printf("explain_us %.1f\n", (cpu() - begin) / 200 * 1e6);
    }
    free(scratch);
    free(entity);
    free(ratios);
    return took;
}

/* The LSTM autoencoder of latencies: 20 steps, 64, 32 and back. */
static void sequence(uint32_t n, uint32_t ticks, const float *x)
{
    const struct ax_nn_layer_spec encoder[] = {
        {.kind = AX_NN_LSTM, .units = 64}, {.kind = AX_NN_LSTM, .units = 32}, {.kind = AX_NN_LAST}};
    const struct ax_nn_layer_spec decoder[] = {{.kind = AX_NN_LSTM, .units = 32},
                                               {.kind = AX_NN_LSTM, .units = 64},
                                               {.kind = AX_NN_DENSE, .units = 1, .act = AX_NN_IDENTITY}};
    const struct ax_coder_spec spec = {.steps = 20,
                                       .features = 1,
                                       .encoder = encoder,
                                       .encoder_n = 3,
                                       .decoder = decoder,
                                       .decoder_n = 3,
                                       .code = 32,
                                       .all_steps = true};
    const struct ax_coder_training how = {.epochs = 1, .seed = 1};
    struct ax_coder *c = NULL;
    double begin = cpu();
    if (ax_coder_new(&spec, 1, &c, NULL) != AX_OK || ax_coder_fit(c, 1000, x, &how, NULL) != AX_OK)
        return;
    printf("sequence_epoch_of_1000_ms %.0f\n", (cpu() - begin) * 1e3);
    void *scratch = aligned_alloc(AX_NN_ALIGN, ax_coder_scratch(c, n));
    float *y = malloc((size_t)n * 20 * sizeof *y);
    double *score = malloc(n * sizeof *score);
    begin = cpu();
    for (uint32_t i = 0; scratch && y && score && i < ticks; i++)
        ax_coder_score(c, n, x, scratch, y, score);
    printf("sequence_us_a_series %.1f\n", (cpu() - begin) / ticks / n * 1e6);
    free(scratch);
    free(y);
    free(score);
    ax_coder_free(c);
}

int main(int argc, char **argv)
{
    uint32_t n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    uint32_t ticks = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 10;
    if (n == 0 || ticks == 0 || ax_blas_setup(NULL) != AX_OK)
        return 2;
    float *points = random_rows((size_t)LEARNT * POINTS * FEATURES, 1);
    float *x = random_rows((size_t)(n > 1000 ? n : 1000) * AX_ENSEMBLE_POINTS * FEATURES, 2);
    if (!points || !x)
        return 1;
    for (uint32_t m = 0; m <= AX_ENSEMBLE_SEQUENCE; m++) {
        const char *name = m < AX_ENSEMBLE_SEQUENCE ? ax_ensemble_member_name(m) : "whole";
        double begin = cpu();
        struct ax_ensemble *e = fitted(m < AX_ENSEMBLE_SEQUENCE ? 1u << m : 0, points);
        if (!e)
            return 1;
        printf("%s_fit_s %.2f\n", name, cpu() - begin);
        double took = tick(e, n, ticks, x);
        printf("%s_us_an_entity %.2f\n", name, took / n * 1e6);
        if (m == AX_ENSEMBLE_SEQUENCE) /* after the members: all of them */
            printf("tick_of_%u_entities_ms %.1f\n", n, took * 1e3);
        ax_ensemble_free(e);
    }
    sequence(n, ticks, x);
    free(points);
    free(x);
    return 0;
}
