/* nn.c: what the network of the larger predictor costs on one core: LSTM 4 -> 128 -> 64, dense 32 -> 16 -> 1,
 * 10 steps.
 *
 * usage: nn [SECONDS]
 *
 * Each measure runs for SECONDS (1) in turns of a tenth, CPU time of this thread; the median turn counts,
 * because other programs take the caches away. Output, one line each: a name and a number. served_256 and
 * served_1: rows a second in calls of 256 and of 1; one_ms: a call of 1; trained: rows a second in batches of
 * 64; sgemm_gflops: OpenBLAS at the larger LSTM's product by the output before (256 x 512 x 128); share:
 * multiplications of served_256 over that. */
#include "base/clock.h"
#include "math/blas.h"
#include "nn/serving.h"
#include "nn/trainer.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 256
#define BATCH 64
#define STEPS 10
#define FEATURES 4
#define TURNS_MAX 1000

static const struct ax_nn_layer_spec layers[] = {
    {.kind = AX_NN_LSTM, .units = 128},
    {.kind = AX_NN_LSTM, .units = 64},
    {.kind = AX_NN_LAST},
    {.kind = AX_NN_DENSE, .units = 32, .act = AX_NN_RELU},
    {.kind = AX_NN_DENSE, .units = 16, .act = AX_NN_RELU},
    {.kind = AX_NN_DENSE, .units = 1},
};

struct bench {
    struct ax_nn_net *net;
    struct ax_nn_serving *serving;
    struct ax_nn_trainer *trainer;
    void *scratch;
    float x[ROWS * STEPS * FEATURES], y[ROWS];
    float a[256 * 128], b[512 * 128], c[256 * 512];
};

static void serve_many(struct bench *b)
{
    ax_nn_serving_run(b->serving, b->scratch, b->x, ROWS, b->y);
}

static void serve_one(struct bench *b)
{
    for (int i = 0; i < 16; i++)
        ax_nn_serving_run(b->serving, b->scratch, b->x + (size_t)i * STEPS * FEATURES, 1, b->y + i);
}

static void train(struct bench *b)
{
    (void)ax_nn_trainer_step(b->trainer, b->x, b->y, NULL, BATCH);
}

static void multiply(struct bench *b)
{
    ax_blas_sgemm(256, 512, 128, (struct ax_mat){b->a, 128, false}, (struct ax_mat){b->b, 128, true}, false,
                  b->c, 512);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Calls of a function in a second of CPU time: the median turn. */
static double rate(struct bench *b, void (*run)(struct bench *), double seconds)
{
    static double turns[TURNS_MAX];
    uint32_t turns_n = (uint32_t)(seconds * 10);
    turns_n = turns_n < 3 ? 3 : turns_n < TURNS_MAX ? turns_n : TURNS_MAX;
    run(b);
    for (uint32_t t = 0; t < turns_n; t++) {
        const int64_t start = ax_thread_cpu_ns();
        int64_t now = start;
        double n = 0;
        for (; now - start < 100000000; now = ax_thread_cpu_ns(), n++)
            run(b);
        turns[t] = n * 1e9 / (double)(now - start);
    }
    qsort(turns, turns_n, sizeof *turns, ascending);
    return turns[turns_n / 2];
}

/* Multiplications and additions of one row, the products with a state of zeros left out. */
static double flops(const struct ax_nn_net *net)
{
    double sum = 0;
    for (uint32_t i = 0; i < net->layers_n; i++) {
        const struct ax_nn_layer *l = &net->layers[i];
        const double in = l->in, out = l->out, steps = l->steps;
        if (l->spec.kind == AX_NN_LSTM)
            sum += 2 * 4 * out * (steps * in + (steps - 1) * out);
        else if (l->spec.kind == AX_NN_DENSE)
            sum += 2 * steps * in * out;
    }
    return sum;
}

static void init(struct bench *b)
{
    struct ax_diag diag = {{0}};
    const struct ax_nn_spec spec = {STEPS, FEATURES, layers, sizeof layers / sizeof *layers};
    if (ax_blas_setup(&diag) != AX_OK || ax_nn_net_new(&spec, 42, &b->net, &diag) != AX_OK ||
        ax_nn_serving_new(b->net, ax_nn_kernels(), &b->serving, &diag) != AX_OK ||
        ax_nn_trainer_new(b->net, &ax_nn_training_defaults, BATCH, &b->trainer, &diag) != AX_OK ||
        !(b->scratch = aligned_alloc(AX_NN_ALIGN, ax_nn_serving_scratch(b->serving)))) {
        fprintf(stderr, "nn: %s\n", diag.text);
        exit(1);
    }
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof b->x / sizeof *b->x; i++)
        b->x[i] = (float)ax_rng_normal(&rng);
    for (size_t i = 0; i < sizeof b->a / sizeof *b->a; i++)
        b->a[i] = (float)ax_rng_normal(&rng);
    for (size_t i = 0; i < sizeof b->b / sizeof *b->b; i++)
        b->b[i] = (float)ax_rng_normal(&rng);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
    init(&b);
    const double many = ROWS * rate(&b, serve_many, seconds), one = 16 * rate(&b, serve_one, seconds);
    const double trained = BATCH * rate(&b, train, seconds);
    const double gemm = rate(&b, multiply, seconds) * 2.0 * 256 * 512 * 128 / 1e9;
    printf("served_256 %.0f\nserved_1 %.0f\none_ms %.4f\ntrained %.0f\nsgemm_gflops %.1f\nshare %.3f\n", many,
           one, 1e3 / one, trained, gemm, many * flops(b.net) / 1e9 / gemm);
    printf("kernels %s\nblas %s\n", ax_nn_kernels()->name, ax_blas_name());
    ax_nn_trainer_free(b.trainer);
    ax_nn_serving_free(b.serving);
    ax_nn_net_free(b.net);
    free(b.scratch);
    return 0;
}
