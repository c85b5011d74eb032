/* Learning: a noisy sine is learnt, the same seed gives the same bits, rates fall, and it stops in time. */
#include "ax_test.h"
#include "math/blas.h"
#include "nets.h"
#include "nn/trainer.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define STEPS 12
#define ROWS 400 /* the first 300 are learnt from, the rest is held out */
#define LEARNT 300

static const struct ax_nn_layer_spec tiny[] = {
    {.kind = AX_NN_LSTM, .units = 12},
    {.kind = AX_NN_LAST},
    {.kind = AX_NN_DROPOUT, .rate = 0.05f},
    {.kind = AX_NN_DENSE, .units = 1},
};

/* Windows of a sine of 25 steps with noise, and the value behind each. */
struct waves {
    float x[ROWS * STEPS], y[ROWS];
};

static void make_waves(struct waves *w)
{
    struct ax_rng rng;
    float v[ROWS + STEPS];
    ax_rng_seed(&rng, 8);
    for (int i = 0; i < ROWS + STEPS; i++)
        v[i] = (float)(sin(2 * M_PI * i / 25) + 0.1 * ax_rng_normal(&rng));
    for (int r = 0; r < ROWS; r++) {
        memcpy(w->x + r * STEPS, v + r, STEPS * sizeof *v);
        w->y[r] = v[r + STEPS];
    }
}

/* What a training came to. */
struct trained {
    struct ax_nn_net *net;
    double held_out;
    uint32_t epochs;
};

static struct trained train(const struct waves *w, uint64_t seed)
{
    struct trained out = {.net = nets_make(STEPS, 1, tiny, sizeof tiny / sizeof *tiny, seed)};
    struct ax_nn_training how = ax_nn_training_defaults;
    struct ax_nn_trainer *t;
    how.schedule.rate = 0.01f;
    how.seed = seed;
    how.rows = 32;
    assert_int_equal(ax_nn_trainer_new(out.net, &how, LEARNT, &t, NULL), AX_OK);
    for (bool stop = false; !stop && out.epochs < 60; out.epochs++) {
        (void)ax_nn_trainer_epoch(t, w->x, w->y, LEARNT);
        stop = ax_nn_trainer_stop(
            t, ax_nn_trainer_loss(t, w->x + LEARNT * STEPS, w->y + LEARNT, ROWS - LEARNT), 8);
    }
    out.held_out = ax_nn_trainer_best(t);
    ax_assert_close(ax_nn_trainer_loss(t, w->x + LEARNT * STEPS, w->y + LEARNT, ROWS - LEARNT), out.held_out,
                    0);
    ax_nn_trainer_free(t);
    return out;
}

static void a_tiny_lstm_learns_a_noisy_sine_better_than_last_value(void **state)
{
    (void)state;
    static struct waves w;
    make_waves(&w);
    struct trained t = train(&w, 42);
    double last = 0;
    for (int r = LEARNT; r < ROWS; r++) {
        const double d = (double)w.y[r] - (double)w.x[r * STEPS + STEPS - 1];
        last += d * d / (ROWS - LEARNT);
    }
    /* The noise alone is 0.01. */
    if (!(t.held_out < 0.4 * last && t.held_out < 0.02))
        fail_msg("held out: %g after %u epochs, last value %g", t.held_out, t.epochs, last);
    ax_nn_net_free(t.net);
}

/* A training on a thread of its own. */
struct job {
    const struct waves *w;
    struct trained t;
};

static void *run_job(void *ctx)
{
    struct job *j = ctx;
    j->t = train(j->w, 7);
    return NULL;
}

static void the_same_seed_gives_the_same_bits_beside_other_threads_too(void **state)
{
    (void)state;
    static struct waves w;
    make_waves(&w);
    struct trained alone = train(&w, 7), other = train(&w, 8);
    struct job jobs[2] = {{.w = &w}, {.w = &w}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].t.epochs, alone.epochs);
        assert_memory_equal(jobs[i].t.net->weights, alone.net->weights, alone.net->weights_n * sizeof(float));
        ax_nn_net_free(jobs[i].t.net);
    }
    assert_memory_not_equal(other.net->weights, alone.net->weights, alone.net->weights_n * sizeof(float));
    ax_nn_net_free(alone.net);
    ax_nn_net_free(other.net);
}

static void rates_fall_as_their_schedule_says(void **state)
{
    (void)state;
    const struct ax_nn_schedule steps = ax_nn_training_defaults.schedule;
    ax_assert_close(ax_nn_schedule_rate(&steps, 0), 1e-3, 1e-9);
    ax_assert_close(ax_nn_schedule_rate(&steps, 19), 1e-3, 1e-9);
    ax_assert_close(ax_nn_schedule_rate(&steps, 20), 0.95e-3, 1e-9);
    ax_assert_close(ax_nn_schedule_rate(&steps, 65), 0.95 * 0.95 * 0.95e-3, 1e-9);
    const struct ax_nn_schedule cosine = {.kind = AX_NN_COSINE, .rate = 1, .rate_min = 0.2f, .epochs = 10};
    ax_assert_close(ax_nn_schedule_rate(&cosine, 0), 1, 1e-7);
    ax_assert_close(ax_nn_schedule_rate(&cosine, 5), 0.6, 1e-7);
    ax_assert_close(ax_nn_schedule_rate(&cosine, 10), 0.2, 1e-7);
    ax_assert_close(ax_nn_schedule_rate(&cosine, 30), 0.2, 1e-7);
    const struct ax_nn_schedule constant = {.kind = AX_NN_CONSTANT, .rate = 0.5f};
    ax_assert_close(ax_nn_schedule_rate(&constant, 1000), 0.5, 0);
}

static void an_epoch_learns_from_every_row_once_in_another_order(void **state)
{
    (void)state;
    /* One weight, no bias to speak of: the gradient of row r is known, and with a rate of nothing so are the
     * losses. */
    const struct ax_nn_layer_spec one = {.kind = AX_NN_DENSE, .units = 1};
    struct ax_nn_net *net = nets_make(1, 1, &one, 1, 1);
    struct ax_nn_training how = ax_nn_training_defaults;
    struct ax_nn_trainer *t;
    float x[10], y[10] = {0};
    net->weights[0] = 1;
    for (int i = 0; i < 10; i++)
        x[i] = sqrtf((float)(1 << i)); /* losses 1, 2, 4, ...: the sum says which there were */
    how.schedule = (struct ax_nn_schedule){.kind = AX_NN_CONSTANT, .rate = 1e-30f};
    how.rows = 1;
    assert_int_equal(ax_nn_trainer_new(net, &how, 10, &t, NULL), AX_OK);
    double sequence[2] = {0, 0}, loss;
    for (int e = 0; e < 2; e++) {
        unsigned seen = 0, batches = 0;
        ax_nn_trainer_shuffle(t, 10);
        for (; ax_nn_trainer_next(t, x, y, &loss); batches++) {
            seen |= (unsigned)lround(loss);
            sequence[e] = sequence[e] * 3 + loss;
        }
        assert_int_equal(batches, 10);
        assert_int_equal(seen, 1023);
    }
    assert_true(fabs(sequence[0] - sequence[1]) > 1);
    ax_nn_trainer_free(t);
    ax_nn_net_free(net);
}

static void it_stops_when_patience_is_over_and_goes_back_to_the_best(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_make(STEPS, 1, tiny, sizeof tiny / sizeof *tiny, 1);
    struct ax_nn_trainer *t;
    assert_int_equal(ax_nn_trainer_new(net, &ax_nn_training_defaults, 1, &t, NULL), AX_OK);
    assert_true(isinf(ax_nn_trainer_best(t)));
    const double losses[] = {5, 3, 4, NAN, 2, 2.5, 2, 3};
    const bool stops[] = {false, false, false, false, false, false, false, true};
    for (int e = 0; e < 8; e++) {
        net->weights[3] = (float)e;
        assert_int_equal(ax_nn_trainer_stop(t, losses[e], 3), stops[e]);
    }
    ax_assert_close(ax_nn_trainer_best(t), 2, 0);
    assert_true(net->weights[3] == 4);
    ax_nn_trainer_free(t);
    ax_nn_net_free(net);
}

static void a_batch_that_is_not_finite_changes_no_weight(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_make(STEPS, 1, tiny, sizeof tiny / sizeof *tiny, 1);
    struct ax_nn_trainer *t;
    static struct waves w;
    make_waves(&w);
    assert_int_equal(ax_nn_trainer_new(net, &ax_nn_training_defaults, 10, &t, NULL), AX_OK);
    w.x[5] = NAN;
    assert_true(isnan(ax_nn_trainer_step(t, w.x, w.y, NULL, 10)));
    w.x[5] = 0;
    w.y[3] = 1e30f; /* its square is more than a float */
    (void)ax_nn_trainer_step(t, w.x, w.y, NULL, 10);
    for (size_t i = 0; i < net->weights_n; i++)
        assert_true(isfinite(net->weights[i]));
    w.y[3] = INFINITY;
    struct ax_nn_net before = *net;
    before.weights = malloc(net->weights_n * sizeof(float));
    assert_non_null(before.weights);
    memcpy(before.weights, net->weights, net->weights_n * sizeof(float));
    assert_true(isinf(ax_nn_trainer_step(t, w.x, w.y, NULL, 10)));
    assert_memory_equal(net->weights, before.weights, net->weights_n * sizeof(float));
    free(before.weights);
    ax_nn_trainer_free(t);
    ax_nn_net_free(net);
}

static void numbers_that_cannot_be_trained_with_are_refused(void **state)
{
    (void)state;
    static const float quantiles[] = {1.5f};
    struct ax_nn_net *net = nets_make(STEPS, 1, tiny, sizeof tiny / sizeof *tiny, 1);
    struct ax_nn_training wrong[7];
    for (int i = 0; i < 7; i++)
        wrong[i] = ax_nn_training_defaults;
    wrong[0].rows = 0;
    wrong[1].schedule.rate = NAN;
    wrong[2].schedule.every = 0;
    wrong[3].beta2 = 1;
    wrong[4].l2 = -1;
    wrong[5].loss = (struct ax_nn_loss){.kind = AX_NN_HUBER, .delta = 0};
    wrong[6].loss = (struct ax_nn_loss){.kind = AX_NN_PINBALL, .quantiles = quantiles};
    for (int i = 0; i < 7; i++) {
        struct ax_nn_trainer *t;
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_nn_trainer_new(net, &wrong[i], 10, &t, &diag), AX_INVALID);
        assert_true(diag.text[0] && !t);
    }
    ax_nn_net_free(net);
    net = nets_make(STEPS, 1, tiny, 1, 1);
    struct ax_nn_trainer *t;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_nn_trainer_new(net, &ax_nn_training_defaults, 10, &t, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "several steps"));
    ax_nn_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tiny_lstm_learns_a_noisy_sine_better_than_last_value),
        cmocka_unit_test(the_same_seed_gives_the_same_bits_beside_other_threads_too),
        cmocka_unit_test(rates_fall_as_their_schedule_says),
        cmocka_unit_test(an_epoch_learns_from_every_row_once_in_another_order),
        cmocka_unit_test(it_stops_when_patience_is_over_and_goes_back_to_the_best),
        cmocka_unit_test(a_batch_that_is_not_finite_changes_no_weight),
        cmocka_unit_test(numbers_that_cannot_be_trained_with_are_refused),
    };
    if (ax_blas_setup(NULL) != AX_OK) /* as serve does: each caller on its own thread */
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
