/* forest: scores of an isolation forest a second, on one core: 100 trees of 256 rows, in batches and one row
 * at a time, by each set of kernels, and what an explanation takes. CPU time.
 *
 * usage: forest FEATURES SECONDS */
#include "anomaly/forest.h"

#include "base/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROWS 20000

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Rows scored a second, `at_once` in a call. */
static double rate(const struct ax_forest *f, const struct ax_forest_kernels *k, uint32_t features,
                   uint32_t at_once, const float *x, double seconds)
{
    static double score[ROWS];
    double begin = cpu(), rows = 0, took;
    uint32_t at = 0;
    do {
        for (uint32_t calls = 0; calls < 1 + 2000 / at_once; calls++) {
            ax_forest_score(f, k, at_once, x + (size_t)at * features, score);
            rows += at_once;
            at = (at + at_once) % (ROWS - at_once + 1);
        }
        took = cpu() - begin;
    } while (took < seconds);
    return rows / took;
}

int main(int argc, char **argv)
{
    uint32_t features = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 16;
    double seconds = argc > 2 ? strtod(argv[2], NULL) : 1;
    float *x = malloc((size_t)ROWS * features * sizeof *x);
    double *share = malloc(features * sizeof *share);
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    if (!x || !share)
        return 1;
    for (size_t i = 0; i < (size_t)ROWS * features; i++)
        x[i] = (float)ax_rng_normal(&rng);
    for (int extended = 0; extended <= 1; extended++) {
        struct ax_forest *f = NULL;
        const struct ax_forest_spec spec = {.extended = extended, .seed = 1};
        double begin = cpu();
        if (ax_forest_fit(&spec, features, ROWS, x, &f, NULL) != AX_OK)
            return 1;
        const char *kind = extended ? "extended_" : "";
        printf("%sforest_fit_ms %.2f\n", kind, (cpu() - begin) * 1e3);
        for (uint32_t i = 0; ax_forest_kernels_at(i); i++)
            printf("%sforest_batch_%s %.0f\n", kind, ax_forest_kernels_at(i)->name,
                   rate(f, ax_forest_kernels_at(i), features, ROWS, x, seconds));
        printf("%sforest_batch %.0f\n", kind, rate(f, ax_forest_kernels(), features, ROWS, x, seconds));
        printf("%sforest_one_us %.2f\n", kind, 1e6 / rate(f, ax_forest_kernels(), features, 1, x, seconds));
        begin = cpu();
        for (uint32_t i = 0; i < 2000; i++)
            (void)ax_forest_explain(f, x + (size_t)i * features, share);
        printf("%sforest_explain_us %.2f\n", kind, (cpu() - begin) / 2000 * 1e6);
        ax_forest_free(f);
    }
    free(x);
    free(share);
    return 0;
}
