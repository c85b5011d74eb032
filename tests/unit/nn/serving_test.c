/* Serving gives what going forwards gives, whatever the kernels, the batch and the thread. */
#include "ax_test.h"
#include "nets.h"
#include "nn/pass.h"
#include "nn/serving.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define ROWS 97

/* A serving and a scratch of its own. */
struct served {
    struct ax_nn_serving *serving;
    void *scratch;
};

static struct served serve(const struct ax_nn_net *net, const struct ax_nn_kernels *k)
{
    struct served s;
    assert_int_equal(ax_nn_serving_new(net, k, &s.serving, NULL), AX_OK);
    s.scratch = aligned_alloc(AX_NN_ALIGN, ax_nn_serving_scratch(s.serving));
    assert_non_null(s.scratch);
    memset(s.scratch, 0xFF, ax_nn_serving_scratch(s.serving)); /* NaN: no value of it may matter */
    return s;
}

static void done(struct served *s)
{
    free(s->scratch);
    ax_nn_serving_free(s->serving);
}

static float *data(const struct ax_nn_net *net, uint32_t rows)
{
    const size_t n = (size_t)rows * net->steps * net->features;
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    nets_random(x, n, 77);
    return x;
}

/* Served x[rows] is what goes forwards, to `tolerance` of it or of 1, for every set of kernels. Frees both.
 */
static void check_equals_forward(struct ax_nn_net *net, float *x, uint32_t rows, float tolerance)
{
    struct ax_nn_pass *pass;
    float *y = calloc((size_t)rows * net->outputs, sizeof *y);
    assert_non_null(y);
    assert_int_equal(ax_nn_pass_new(net, rows, 1, &pass, NULL), AX_OK);
    const float *want = ax_nn_pass_forward(pass, x, NULL, rows, false);
    for (uint32_t k = 0; ax_nn_kernels_at(k); k++) {
        struct served s = serve(net, ax_nn_kernels_at(k));
        ax_nn_serving_run(s.serving, s.scratch, x, rows, y);
        for (size_t i = 0; i < (size_t)rows * net->outputs; i++)
            if (!(fabsf(y[i] - want[i]) <= tolerance * fmaxf(1, fabsf(want[i]))))
                fail_msg("%s: %zu is %g, forwards %g", ax_nn_kernels_at(k)->name, i, (double)y[i],
                         (double)want[i]);
        done(&s);
    }
    ax_nn_pass_free(pass);
    ax_nn_net_free(net);
    free(x);
    free(y);
}

static void it_gives_what_forward_gives_for_every_set_of_kernels(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_datacenter(3);
    check_equals_forward(net, data(net, ROWS), ROWS, 1e-6f);
    net = nets_of_every_kind(4); /* its layer normalisation magnifies roundings where a row varies little */
    check_equals_forward(net, data(net, ROWS), ROWS, 3e-5f);
}

static struct ax_nn_net *lstm_of(uint32_t features, uint32_t units)
{
    const struct ax_nn_layer_spec layers[] = {{.kind = AX_NN_LSTM, .units = units}, {.kind = AX_NN_LAST}};
    struct ax_nn_net *net = nets_make(3, features, layers, 2, 9);
    nets_random(net->weights, net->weights_n, 10 + units);
    return net;
}

static void an_lstm_of_any_width_gives_what_forward_gives(void **state)
{
    (void)state;
    for (uint32_t units = 1; units <= 34; units++) {
        struct ax_nn_net *net = lstm_of(1 + units % 5, units);
        check_equals_forward(net, data(net, units), units, 1e-6f);
    }
}

static void inputs_beyond_all_bounds_saturate_the_gates(void **state)
{
    (void)state;
    struct ax_nn_net *net = lstm_of(2, 19);
    float *x = data(net, ROWS);
    for (size_t i = 0; i < (size_t)ROWS * net->steps * net->features; i++)
        x[i] *= i % 3 ? 1e30f : 1e4f;
    check_equals_forward(net, x, ROWS, 1e-6f);
}

static void all_steps_of_the_last_layer_come_out_row_by_row(void **state)
{
    (void)state;
    const struct ax_nn_layer_spec layer = {.kind = AX_NN_DENSE, .units = 2};
    struct ax_nn_net *net = nets_make(3, 1, &layer, 1, 1);
    const float weights[] = {1, 10, 0, 0.5f}, x[] = {1, 2, 3, 4, 5, 6};
    const float want[] = {1, 10.5f, 2, 20.5f, 3, 30.5f, 4, 40.5f, 5, 50.5f, 6, 60.5f};
    memcpy(net->weights, weights, sizeof weights);
    float y[12];
    struct served s = serve(net, ax_nn_kernels());
    ax_nn_serving_run(s.serving, s.scratch, x, 2, y);
    assert_memory_equal(y, want, sizeof want);
    done(&s);
    ax_nn_net_free(net);
}

static void a_row_gets_the_same_bits_in_any_batch(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_of_every_kind(5);
    float *x = data(net, ROWS), y[ROWS * 3], alone[3];
    for (uint32_t k = 0; ax_nn_kernels_at(k); k++) {
        struct served s = serve(net, ax_nn_kernels_at(k));
        ax_nn_serving_run(s.serving, s.scratch, x, ROWS, y);
        for (uint32_t r = 0; r < ROWS; r++) {
            ax_nn_serving_run(s.serving, s.scratch, x + (size_t)r * net->steps * net->features, 1, alone);
            assert_memory_equal(alone, y + 3 * (size_t)r, sizeof alone);
        }
        done(&s);
    }
    free(x);
    ax_nn_net_free(net);
}

static void a_row_that_is_nan_spoils_no_other(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_of_every_kind(6);
    float *x = data(net, 5), y[5 * 3], with[5 * 3];
    struct served s = serve(net, ax_nn_kernels());
    ax_nn_serving_run(s.serving, s.scratch, x, 5, y);
    x[2 * 6 * 5 + 7] = NAN;
    ax_nn_serving_run(s.serving, s.scratch, x, 5, with);
    assert_true(isnan(with[6]) && isnan(with[7]) && isnan(with[8]));
    assert_memory_equal(with, y, 6 * sizeof *y);
    assert_memory_equal(with + 9, y + 9, 6 * sizeof *y);
    done(&s);
    free(x);
    ax_nn_net_free(net);
}

/* One of several threads that ask the same serving. */
struct asker {
    const struct ax_nn_serving *serving;
    const float *x;
    float y[ROWS * 3];
};

static void *ask(void *ctx)
{
    struct asker *a = ctx;
    void *scratch = aligned_alloc(AX_NN_ALIGN, ax_nn_serving_scratch(a->serving));
    if (!scratch)
        return NULL;
    for (int i = 0; i < 5; i++)
        ax_nn_serving_run(a->serving, scratch, a->x, ROWS, a->y);
    free(scratch);
    return a;
}

static void threads_that_ask_at_once_get_the_same_bits(void **state)
{
    (void)state;
    static struct asker askers[3];
    struct ax_nn_net *net = nets_of_every_kind(7);
    float *x = data(net, ROWS);
    struct served s = serve(net, ax_nn_kernels());
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        askers[i] = (struct asker){.serving = s.serving, .x = x};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        void *answer;
        assert_int_equal(pthread_join(threads[i], &answer), 0);
        assert_non_null(answer);
        assert_memory_equal(askers[i].y, askers[0].y, sizeof askers[0].y);
    }
    done(&s);
    free(x);
    ax_nn_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_gives_what_forward_gives_for_every_set_of_kernels),
        cmocka_unit_test(an_lstm_of_any_width_gives_what_forward_gives),
        cmocka_unit_test(inputs_beyond_all_bounds_saturate_the_gates),
        cmocka_unit_test(all_steps_of_the_last_layer_come_out_row_by_row),
        cmocka_unit_test(a_row_gets_the_same_bits_in_any_batch),
        cmocka_unit_test(a_row_that_is_nan_spoils_no_other),
        cmocka_unit_test(threads_that_ask_at_once_get_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
