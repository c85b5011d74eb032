/* Shapes, first weights, and what is refused. */
#include "ax_test.h"
#include "nets.h"
#include "nn/net.h"

#include <math.h>

static void a_network_says_what_it_is(void **state)
{
    (void)state;
    struct ax_buf b;
    ax_buf_init(&b, 1000);
    struct ax_nn_net *net = nets_datacenter(1);
    ax_nn_net_describe(net, &b);
    ax_buf_byte(&b, '\n');
    /* 4 (4 + 128 + 1) 128, 4 (128 + 64 + 1) 64, 64 32 + 32, 32 16 + 16, 16 + 1 */
    assert_int_equal(net->weights_n, 68096 + 49408 + 2080 + 528 + 17);
    ax_nn_net_free(net);
    net = nets_of_every_kind(1);
    ax_nn_net_describe(net, &b);
    assert_int_equal(net->outputs, 3);
    ax_nn_net_free(net);
    ax_buf_byte(&b, 0);
    assert_string_equal(
        (const char *)b.bytes,
        "10 x 4: lstm 128, lstm 64, last, dense 32 relu, dense 16 relu, dense 1\n"
        "6 x 5: dense 22 tanh, layer_norm, attention 2, batch_norm, dropout 0.25, lstm 19, dense 70 "
        "sigmoid, last, dense 9 relu, dense 3");
    ax_buf_done(&b);
}

static void first_weights_are_xaviers_and_the_forget_gate_is_open(void **state)
{
    (void)state;
    const struct ax_nn_layer_spec layers[] = {{.kind = AX_NN_LSTM, .units = 64},
                                              {.kind = AX_NN_DENSE, .units = 50}};
    struct ax_nn_net *net = nets_make(10, 30, layers, 2, 42), *same = nets_make(10, 30, layers, 2, 42),
                     *other = nets_make(10, 30, layers, 2, 43);
    const float *w = net->weights, *bias = w + 4 * 64 * (30 + 64), *dense = bias + 4 * 64;
    assert_memory_equal(net->weights, same->weights, net->weights_n * sizeof *w);
    assert_memory_not_equal(net->weights, other->weights, net->weights_n * sizeof *w);
    for (int i = 0; i < 4 * 64; i++)
        assert_true(bias[i] == (i >= 64 && i < 128 ? 1 : 0));
    const double limits[] = {sqrt(6.0 / (30 + 64)), sqrt(6.0 / (64 + 64)), sqrt(6.0 / (64 + 50))};
    const float *from[] = {w, w + 4 * 64 * 30, dense};
    const size_t n[] = {4 * 64 * 30, 4 * 64 * 64, 64 * 50};
    for (int k = 0; k < 3; k++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < n[k]; i++) {
            const double v = (double)from[k][i] / limits[k];
            assert_true(fabs(v) <= 1.0000001);
            sum += v;
            square += v * v;
        }
        assert_true(fabs(sum / (double)n[k]) < 0.05);
        ax_assert_close(square / (double)n[k], 1.0 / 3, 0.02);
    }
    ax_nn_net_free(net);
    ax_nn_net_free(same);
    ax_nn_net_free(other);
}

static void assert_refused(uint32_t steps, uint32_t features, const struct ax_nn_layer_spec *layers,
                           uint32_t n, enum ax_err want, const char *why)
{
    struct ax_nn_net *net;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_nn_net_new(&(struct ax_nn_spec){steps, features, layers, n}, 1, &net, &diag), want);
    assert_null(net);
    if (!strstr(diag.text, why))
        fail_msg("\"%s\" does not say \"%s\"", diag.text, why);
}

static void what_cannot_be_built_is_refused_with_the_layer(void **state)
{
    (void)state;
    const struct ax_nn_layer_spec dense = {.kind = AX_NN_DENSE, .units = 10},
                                  none[] = {dense, {.kind = AX_NN_LSTM}},
                                  wide = {.kind = AX_NN_DENSE, .units = 4097},
                                  many[] = {{.kind = AX_NN_LSTM, .units = 800}},
                                  heads[] = {dense, {.kind = AX_NN_ATTENTION, .heads = 3}},
                                  rate[] = {dense, dense, {.kind = AX_NN_DROPOUT, .rate = 1}},
                                  nan[] = {{.kind = AX_NN_DROPOUT, .rate = NAN}};
    assert_refused(0, 1, &dense, 1, AX_INVALID, "needs steps");
    assert_refused(1, 1, &dense, 0, AX_INVALID, "layers");
    assert_refused(5000, 1, &dense, 1, AX_LIMIT, "at most 4096 steps");
    assert_refused(1, 1, none, 2, AX_INVALID, "layer 1: an LSTM needs units");
    assert_refused(1, 1, &wide, 1, AX_LIMIT, "layer 0: 4097 floats wide");
    assert_refused(1, 1, many, 1, AX_LIMIT, "layer 0: more than 2500000 weights");
    assert_refused(1, 1, heads, 2, AX_INVALID, "layer 1: attention of width 10 cannot have 3 heads");
    assert_refused(1, 1, rate, 3, AX_INVALID, "layer 2: dropout needs a rate");
    assert_refused(1, 1, nan, 1, AX_INVALID, "layer 0: dropout needs a rate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_says_what_it_is),
        cmocka_unit_test(first_weights_are_xaviers_and_the_forget_gate_is_open),
        cmocka_unit_test(what_cannot_be_built_is_refused_with_the_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
