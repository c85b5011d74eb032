/* toy_kind.c: a mean in a model file. */
#include "toy_kind.h"

#include "ax_test.h"
#include "base/clock.h"
#include "nn/model_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static atomic_int alive, fits;

int toy_alive(void)
{
    return atomic_load(&alive);
}

int toy_fits(void)
{
    return atomic_load(&fits);
}

struct toy_data *toy_data(double mean, int64_t until_ms, const char *features)
{
    struct toy_data *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    *d = (struct toy_data){.mean = mean, .until_ms = until_ms, .features = features};
    (void)atomic_fetch_add(&alive, 1);
    return d;
}

static enum ax_err fit(void *data, uint64_t seed, const struct ax_fit_progress *progress,
                       struct ax_buf *artifact, struct ax_diag *diag)
{
    const struct toy_data *d = data;
    const struct timespec nap = {0, 1000000};
    char text[32], until[32];
    const float mean = (float)d->mean;
    (void)atomic_fetch_add(&fits, 1);
    do {
        if (!ax_fit_goes_on(progress, 0.5))
            return ax_fail(diag, AX_BUSY, "called off");
        if (d->until_called)
            (void)nanosleep(&nap, NULL);
    } while (d->until_called);
    if (d->err != AX_OK)
        return ax_fail(diag, d->err, "told to fail");
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)seed);
    (void)snprintf(until, sizeof until, "%lld", (long long)d->until_ms);
    const struct ax_nn_tensor tensor = {ax_str("mean"), 1, 1, &mean};
    const struct ax_nn_pair pairs[] = {{ax_str(AX_NN_KEY_FEATURES), ax_str(d->features)},
                                       {ax_str(AX_NN_KEY_SEED), ax_str(text)},
                                       {ax_str(AX_NN_KEY_DATA_WINDOW), ax_str(until)}};
    return ax_nn_file_encode(&tensor, 1, pairs, 3, artifact, diag);
}

static void free_data(void *data)
{
    free(data);
    (void)atomic_fetch_sub(&alive, 1);
}

static long long number(const struct ax_nn_file *f, const char *key)
{
    char text[32];
    const struct ax_str v = ax_nn_file_value(f, key);
    (void)snprintf(text, sizeof text, AX_STR_FMT, AX_STR_ARG(v));
    return strtoll(text, NULL, 10);
}

static enum ax_err build(const void *spec, struct ax_str artifact, void **model, struct ax_fit_scores *scores,
                         struct ax_diag *diag)
{
    struct ax_nn_file *f = NULL;
    struct toy_model *m = NULL;
    float mean;
    enum ax_err err = ax_nn_file_parse(artifact, &f, diag);
    if (err == AX_OK)
        err = ax_nn_file_expect(f, AX_NN_KEY_FEATURES, ax_str(spec), diag);
    if (err == AX_OK && !ax_nn_file_floats(f, "mean", &mean, 1))
        err = ax_fail(diag, AX_CORRUPT, "has no mean");
    if (err == AX_OK && !(m = malloc(sizeof *m)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK) {
        *m = (struct toy_model){(double)mean, (uint64_t)number(f, AX_NN_KEY_SEED)};
        *scores = (struct ax_fit_scores){.from_ms = INT64_MIN / 2,
                                         .until_ms = number(f, AX_NN_KEY_DATA_WINDOW),
                                         .samples = 1,
                                         .loss = 0.5,
                                         .skill = NAN};
        *model = m;
        (void)atomic_fetch_add(&alive, 1);
    }
    ax_nn_file_free(f);
    return err;
}

const struct ax_train_kind toy_kind = {
    .name = "toy", .fit = fit, .free_data = free_data, .build = build, .free_model = free_data};

enum ax_fit_state toy_await(const struct ax_fit *f)
{
    enum ax_fit_state s;
    while ((s = ax_fit_look(f)) < AX_FIT_DONE)
        ax_sleep_ns(1000000);
    return s;
}

struct ax_registry *toy_registry(const char *dir)
{
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall()};
    struct ax_registry *r = NULL;
    assert_int_equal(ax_registry_open(&options, &r, NULL), AX_OK);
    return r;
}

static bool keep_scores(void *ctx, const struct ax_model_version *v)
{
    (void)snprintf(ctx, 512, AX_STR_FMT, AX_STR_ARG(v->draft.scores));
    return false;
}

void toy_scores_of(struct ax_registry *r, const char *version, char out[512])
{
    assert_int_equal(ax_registry_see(r, ax_str("job/toy"), ax_str(version), keep_scores, out, NULL), AX_OK);
}
