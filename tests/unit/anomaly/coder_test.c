/* Autoencoders: loss, gradients and what is said are PyTorch's, within 2e-5 of the largest number of an array
 * (golden/anomaly/generate_torch.py); each learns rows that hang together and finds one that does not; and
 * what was saved says the same. */
#include "../../golden/anomaly/coder_vectors.h"
#include "anomaly/coder.h"
#include "ax_test.h"
#include "base/rng.h"
#include "group.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A case, as the vectors list them. */
struct golden {
    struct ax_coder_spec spec;
    const double *weights[2], *x, *noise, *loss, *served, *gradients[2];
};

#define LAYERS(...)                                                                                          \
    (const struct ax_nn_layer_spec[])                                                                        \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define DENSE(n, a)                                                                                          \
    {                                                                                                        \
        .kind = AX_NN_DENSE, .units = (n), .act = AX_NN_##a                                                  \
    }
#define LSTM(n)                                                                                              \
    {                                                                                                        \
        .kind = AX_NN_LSTM, .units = (n)                                                                     \
    }
#define LAST                                                                                                 \
    {                                                                                                        \
        .kind = AX_NN_LAST                                                                                   \
    }
#define ATTENTION(n)                                                                                         \
    {                                                                                                        \
        .kind = AX_NN_ATTENTION, .heads = (n)                                                                \
    }
#define ARRAYS(name)                                                                                         \
    {name##_encoder, name##_decoder}, name##_x, name##_noise, name##_loss, name##_served,                    \
    {                                                                                                        \
        name##_encoder_gradient, name##_decoder_gradient                                                     \
    }

static const struct golden goldens[] = {
    {{.steps = CODER_STEPS,
      .features = CODER_FEATURES,
      .encoder = LAYERS(DENSE(6, RELU), LAST, DENSE(2, IDENTITY)),
      .encoder_n = 3,
      .decoder = LAYERS(DENSE(5, RELU), DENSE(3, IDENTITY)),
      .decoder_n = 2,
      .code = 2},
     ARRAYS(plain)},
    {{.steps = CODER_STEPS,
      .features = CODER_FEATURES,
      .encoder = LAYERS(DENSE(8, RELU), ATTENTION(4), LAST, DENSE(6, RELU), DENSE(4, IDENTITY)),
      .encoder_n = 5,
      .decoder = LAYERS(DENSE(6, RELU), DENSE(3, IDENTITY)),
      .decoder_n = 2,
      .code = 2,
      .variational = true},
     ARRAYS(variational)},
    {{.steps = CODER_STEPS,
      .features = CODER_FEATURES,
      .encoder = LAYERS(LSTM(6), LSTM(3), LAST),
      .encoder_n = 3,
      .decoder = LAYERS(LSTM(3), LSTM(6), DENSE(3, IDENTITY)),
      .decoder_n = 3,
      .code = 3,
      .all_steps = true},
     ARRAYS(sequence)},
};

static void assert_same(const char *what, const float *v, const double *want, size_t n)
{
    double largest = 1e-3;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)v[i] - want[i]) <= 2e-5 * largest))
            fail_msg("%s[%zu] is %.9g, PyTorch's %.9g", what, i, (double)v[i], want[i]);
}

static void to_floats(float *to, const double *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

static void loss_gradients_and_what_is_said_are_those_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        const struct golden *g = &goldens[i];
        struct ax_coder *c;
        struct ax_coder_pass *pass;
        float x[CODER_ROWS * CODER_STEPS * CODER_FEATURES], noise[CODER_ROWS * 4], y[sizeof x / sizeof *x];
        double score[CODER_ROWS];
        assert_int_equal(ax_coder_new(&g->spec, 1, &c, NULL), AX_OK);
        for (int k = 0; k < 2; k++)
            to_floats(ax_coder_net(c, k)->weights, g->weights[k], ax_coder_net(c, k)->weights_n);
        to_floats(x, g->x, sizeof x / sizeof *x);
        to_floats(noise, g->noise, (size_t)CODER_ROWS * g->spec.code);
        assert_int_equal(ax_coder_pass_new(c, CODER_ROWS, &pass, NULL), AX_OK);
        double loss = ax_coder_pass_run(pass, x, NULL, CODER_ROWS, noise, CODER_DIVERGENCE, true);
        assert_true(fabs(loss - *g->loss) < 1e-5 * fabs(*g->loss));
        for (int k = 0; k < 2; k++)
            assert_same(k ? "decoder gradient" : "encoder gradient", ax_coder_pass_gradient(pass, k),
                        g->gradients[k], ax_coder_net(c, k)->weights_n);
        ax_coder_pass_free(pass);

        struct ax_buf saved; /* through its bytes, which make it ready to serve */
        ax_buf_init(&saved, 1u << 20);
        ax_coder_save(c, &saved);
        struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
        assert_int_equal(ax_coder_load(c, &in), AX_OK);
        assert_int_equal(ax_bytes_end(&in), AX_OK);
        ax_buf_done(&saved);
        size_t scratch_n = ax_coder_scratch(c, CODER_ROWS);
        void *scratch = aligned_alloc(AX_NN_ALIGN, scratch_n);
        assert_non_null(scratch);
        ax_coder_score(c, CODER_ROWS, x, scratch, y, score);
        assert_same("served", y, g->served, (size_t)CODER_ROWS * ax_coder_outputs(c));
        free(scratch);
        ax_coder_free(c);
    }
}

#define ROWS 700
#define STEPS 6
#define FEATURES 4

/* Features that follow one common wave. */
static void waves(float *x, uint64_t seed)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    for (size_t r = 0; r < ROWS; r++) {
        double phase = ax_rng_double(&rng) * 6.28;
        for (size_t t = 0; t < STEPS; t++)
            for (size_t i = 0; i < FEATURES; i++)
                x[(r * STEPS + t) * FEATURES + i] =
                    (float)(sin(phase + 0.4 * (double)t + (double)i) + 0.05 * ax_rng_normal(&rng));
    }
}

static const struct ax_coder_spec shapes[] = {
    {.steps = STEPS,
     .features = FEATURES,
     .encoder = LAYERS(LAST, DENSE(16, RELU), DENSE(2, IDENTITY)),
     .encoder_n = 3,
     .decoder = LAYERS(DENSE(16, RELU), DENSE(FEATURES, IDENTITY)),
     .decoder_n = 2,
     .code = 2},
    {.steps = STEPS,
     .features = FEATURES,
     .encoder = LAYERS(DENSE(16, RELU), ATTENTION(4), LAST, DENSE(16, RELU), DENSE(4, IDENTITY)),
     .encoder_n = 5,
     .decoder = LAYERS(DENSE(16, RELU), DENSE(FEATURES, IDENTITY)),
     .decoder_n = 2,
     .code = 2,
     .variational = true},
    {.steps = STEPS,
     .features = FEATURES,
     .encoder = LAYERS(LSTM(16), LSTM(8), LAST),
     .encoder_n = 3,
     .decoder = LAYERS(LSTM(8), LSTM(16), DENSE(FEATURES, IDENTITY)),
     .decoder_n = 3,
     .code = 8,
     .all_steps = true},
};

static void each_learns_what_hangs_together_and_finds_what_does_not(void **state)
{
    (void)state;
    static float x[ROWS * STEPS * FEATURES], fresh[ROWS * STEPS * FEATURES], y[ROWS * STEPS * FEATURES];
    double score[ROWS], again[ROWS], mean = 0, odd;
    waves(x, 1);
    waves(fresh, 2);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct ax_coder *c, *d;
        const struct ax_coder_training how = {.epochs = 25, .rate = 5e-3f, .seed = 3};
        assert_int_equal(ax_coder_new(&shapes[i], 7, &c, NULL), AX_OK);
        assert_int_equal(ax_coder_new(&shapes[i], 7, &d, NULL), AX_OK);
        assert_int_equal(ax_coder_fit(c, ROWS, x, &how, NULL), AX_OK);
        assert_int_equal(ax_coder_fit(d, ROWS, x, &how, NULL), AX_OK);
        void *scratch = aligned_alloc(AX_NN_ALIGN, ax_coder_scratch(c, ROWS));
        assert_non_null(scratch);
        ax_coder_score(c, ROWS, fresh, scratch, y, score);
        ax_coder_score(d, ROWS, fresh, scratch, y, again);
        assert_memory_equal(score, again, sizeof score); /* the same seed, the same bits */
        mean = 0;
        for (size_t r = 0; r < ROWS; r++)
            mean += score[r] / ROWS;
        assert_true(mean < 0.2); /* the variance of a wave is 0.5 */
        float strange[STEPS * FEATURES];
        memcpy(strange, fresh, sizeof strange);
        for (size_t t = 0; t < STEPS; t++)
            strange[t * FEATURES + 2] = -2 * strange[t * FEATURES + 2] + 1.5f;
        ax_coder_score(c, 1, strange, scratch, y, &odd);
        assert_true(odd > 4 * mean);
        free(scratch);
        ax_coder_free(c);
        ax_coder_free(d);
    }
}

/* Rows of two entities at the same times, which are in no order. */
#define HELD 6
#define GAP 3
static uint32_t time_of(uint32_t row)
{
    return row * 7 % ROWS / 2;
}

/* Is a row at a time one to learn from? Of each 10 stretches the last is held out, and gaps are on both
 * sides. */
static bool is_learnt(uint32_t t)
{
    const uint32_t place = t % (10 * HELD);
    return (t < 10 * HELD || place >= GAP) && place + GAP < 9 * HELD;
}

/* What one that has learnt from x for an epoch says of rows. */
static void learn_once(const float *x, const float *fresh, double *score)
{
    static uint32_t when[ROWS];
    static float y[ROWS * STEPS * FEATURES];
    struct ax_coder *c;
    const struct ax_coder_training how = {
        .epochs = 1, .rate = 5e-3f, .seed = 3, .when = when, .held_steps = HELD, .gap_steps = GAP};
    for (uint32_t i = 0; i < ROWS; i++)
        when[i] = 1000 + time_of(i);
    assert_int_equal(ax_coder_new(&shapes[0], 7, &c, NULL), AX_OK);
    assert_int_equal(ax_coder_fit(c, ROWS, x, &how, NULL), AX_OK);
    void *scratch = aligned_alloc(AX_NN_ALIGN, ax_coder_scratch(c, ROWS));
    assert_non_null(scratch);
    ax_coder_score(c, ROWS, fresh, scratch, y, score);
    free(scratch);
    ax_coder_free(c);
}

static void what_is_held_out_is_held_out_for_all_rows_of_its_time(void **state)
{
    (void)state;
    static float x[ROWS * STEPS * FEATURES], fresh[ROWS * STEPS * FEATURES];
    double score[ROWS], again[ROWS];
    uint32_t learnt = 0;
    waves(x, 1);
    waves(fresh, 2);
    learn_once(x, fresh, score);
    for (uint32_t i = 0; i < ROWS; i++) {
        learnt += is_learnt(time_of(i));
        for (uint32_t k = 0; k < STEPS * FEATURES && !is_learnt(time_of(i)); k++)
            x[i * STEPS * FEATURES + k] = -9;
    }
    assert_true(learnt > ROWS / 2 && learnt < ROWS - ROWS / 8);
    learn_once(x, fresh, again);
    assert_memory_equal(score, again, sizeof score); /* nothing was learnt of it */
    for (uint32_t i = 0; i < ROWS; i++)
        if (is_learnt(time_of(i))) {
            x[i * STEPS * FEATURES + (STEPS - 1) * FEATURES] = -9;
            break;
        }
    learn_once(x, fresh, again);
    assert_memory_not_equal(score, again, sizeof score);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void a_training_ends_when_it_is_cancelled(void **state)
{
    (void)state;
    static float x[ROWS * STEPS * FEATURES];
    struct ax_coder *c;
    const struct ax_coder_training how = {.cancelled = at_once};
    waves(x, 1);
    assert_int_equal(ax_coder_new(&shapes[0], 7, &c, NULL), AX_OK);
    assert_int_equal(ax_coder_fit(c, ROWS, x, &how, NULL), AX_BUSY);
    ax_coder_free(c);
}

static void a_decoder_that_does_not_fit_the_code_is_refused(void **state)
{
    (void)state;
    struct ax_diag diag = {{0}};
    struct ax_coder_spec spec = shapes[0];
    struct ax_coder *c;
    spec.code = 3;
    assert_int_equal(ax_coder_new(&spec, 7, &c, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "code of 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_gradients_and_what_is_said_are_those_of_pytorch),
        cmocka_unit_test(each_learns_what_hangs_together_and_finds_what_does_not),
        cmocka_unit_test(what_is_held_out_is_held_out_for_all_rows_of_its_time),
        cmocka_unit_test(a_training_ends_when_it_is_cancelled),
        cmocka_unit_test(a_decoder_that_does_not_fit_the_code_is_refused),
    };
    return cmocka_run_group_tests(tests, group_with_blas, NULL);
}
