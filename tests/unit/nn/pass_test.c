/* Gradients against differences of the loss, layer by layer and loss by loss; memory and what is asked of
 * shapes. */
#include "ax_test.h"
#include "nets.h"
#include "nn/loss.h"
#include "nn/pass.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 7
#define STEPS 5
#define FEATURES 4
#define DIFFERENCE 4e-3f
#define TOLERANCE 3e-3 /* of 1 or of the largest: floats forwards, and the loss's third derivative */

static double loss_at(struct ax_nn_pass *pass, const struct ax_nn_loss *loss, const float *x,
                      const float *target, float *dy)
{
    ax_nn_pass_seed(pass, 9); /* the same floats are dropped each time */
    const float *y = ax_nn_pass_forward(pass, x, NULL, ROWS, true);
    return ax_nn_loss(loss, ROWS, 2, y, target, dy);
}

/* The largest deviation of a gradient from differences of the loss, of some of n places. */
static void check_places(struct ax_nn_pass *pass, const struct ax_nn_loss *loss, const float *x,
                         const float *target, float *place, const float *gradient, size_t n, const char *what)
{
    double largest = 1;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)gradient[i]));
    for (size_t i = 0; i < n; i += 1 + n / 500) {
        const float was = place[i];
        place[i] = was + DIFFERENCE;
        const double up = loss_at(pass, loss, x, target, NULL);
        place[i] = was - DIFFERENCE;
        const double down = loss_at(pass, loss, x, target, NULL);
        place[i] = was;
        const double want = (up - down) / (2 * (double)DIFFERENCE);
        if (!(fabs((double)gradient[i] - want) <= TOLERANCE * largest))
            fail_msg("%s %zu: gradient %g, difference %g", what, i, (double)gradient[i], want);
    }
}

static void check(const struct ax_nn_layer_spec *layer, const struct ax_nn_loss *loss)
{
    /* The layer in the middle, so that what goes in and comes out of it is as in a network. */
    const struct ax_nn_layer_spec layers[] = {
        {.kind = AX_NN_DENSE, .units = 6}, *layer, {.kind = AX_NN_LAST}, {.kind = AX_NN_DENSE, .units = 2}};
    struct ax_nn_net *net = nets_make(STEPS, FEATURES, layers, 4, 3);
    nets_random(net->weights, net->weights_n, 5);
    struct ax_nn_pass *pass;
    float x[ROWS * STEPS * FEATURES], target[ROWS * 2], by_x[ROWS * STEPS * FEATURES];
    nets_random(x, ROWS * STEPS * FEATURES, 6);
    nets_random(target, ROWS * 2, 7);
    assert_int_equal(ax_nn_pass_new(net, ROWS, 1, &pass, NULL), AX_OK);
    (void)loss_at(pass, loss, x, target, ax_nn_pass_slope(pass));
    ax_nn_pass_backward(pass);
    float *gradient = calloc(net->weights_n, sizeof *gradient);
    assert_non_null(gradient);
    memcpy(gradient, ax_nn_pass_gradient(pass), net->weights_n * sizeof *gradient);
    for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t t = 0; t < STEPS; t++)
            memcpy(by_x + (r * STEPS + t) * FEATURES,
                   ax_nn_pass_input_slope(pass) + (t * ROWS + r) * FEATURES, FEATURES * sizeof *by_x);
    check_places(pass, loss, x, target, net->weights, gradient, net->weights_n, "weight");
    check_places(pass, loss, x, target, x, by_x, ROWS * STEPS * FEATURES, "input");
    free(gradient);
    ax_nn_pass_free(pass);
    ax_nn_net_free(net);
}

static void the_gradient_of_every_layer_is_that_of_differences(void **state)
{
    static const struct ax_nn_layer_spec layers[] = {
        {.kind = AX_NN_DENSE, .units = 5, .act = AX_NN_IDENTITY},
        {.kind = AX_NN_DENSE, .units = 5, .act = AX_NN_TANH},
        {.kind = AX_NN_DENSE, .units = 5, .act = AX_NN_SIGMOID},
        {.kind = AX_NN_DENSE, .units = 5, .act = AX_NN_RELU},
        {.kind = AX_NN_LSTM, .units = 5},
        {.kind = AX_NN_LSTM, .units = 18},
        {.kind = AX_NN_LAYER_NORM},
        {.kind = AX_NN_BATCH_NORM},
        {.kind = AX_NN_DROPOUT, .rate = 0.3f},
        {.kind = AX_NN_ATTENTION, .heads = 2},
    };
    (void)state;
    const struct ax_nn_loss mse = {.kind = AX_NN_MSE};
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
        check(&layers[i], &mse);
}

static void the_gradient_of_every_loss_is_that_of_differences(void **state)
{
    static const float quantiles[] = {0.05f, 0.8f};
    static const struct ax_nn_loss losses[] = {{.kind = AX_NN_MSE},
                                               {.kind = AX_NN_HUBER, .delta = 0.7f},
                                               {.kind = AX_NN_PINBALL, .quantiles = quantiles}};
    (void)state;
    for (size_t l = 0; l < 3; l++) {
        float y[ROWS * 2], target[ROWS * 2], dy[ROWS * 2];
        nets_random(y, ROWS * 2, 1);
        nets_random(target, ROWS * 2, 2);
        const double at = ax_nn_loss(&losses[l], ROWS, 2, y, target, dy);
        assert_true(at > 0);
        for (size_t i = 0; i < ROWS * 2; i++) {
            const float was = y[i];
            y[i] = was + 1e-3f;
            const double up = ax_nn_loss(&losses[l], ROWS, 2, y, target, NULL);
            y[i] = was - 1e-3f;
            const double down = ax_nn_loss(&losses[l], ROWS, 2, y, target, NULL);
            y[i] = was;
            ax_assert_close((double)dy[i], (up - down) / 2e-3, 1e-4);
        }
        ax_assert_close(ax_nn_loss(&losses[l], ROWS, 2, target, target, NULL), 0, 0);
    }
}

static void rows_picked_by_index_and_fewer_of_them_give_what_they_give_alone(void **state)
{
    (void)state;
    const uint32_t index[] = {4, 1, 3};
    struct ax_nn_net *net = nets_of_every_kind(1);
    struct ax_nn_pass *pass, *small;
    float x[ROWS * 6 * 5], picked[3 * 3];
    nets_random(x, ROWS * 6 * 5, 2);
    assert_int_equal(ax_nn_pass_new(net, ROWS, 1, &pass, NULL), AX_OK);
    assert_int_equal(ax_nn_pass_new(net, 1, 1, &small, NULL), AX_OK);
    (void)ax_nn_pass_forward(pass, x, NULL, ROWS, false);
    memcpy(picked, ax_nn_pass_forward(pass, x, index, 3, false), sizeof picked);
    for (uint32_t i = 0; i < 3; i++) {
        const float *y = ax_nn_pass_forward(small, x + (size_t)index[i] * 6 * 5, NULL, 1, false);
        for (uint32_t j = 0; j < 3; j++)
            ax_assert_close((double)picked[i * 3 + j], (double)y[j], 1e-5);
    }
    ax_nn_pass_free(pass);
    ax_nn_pass_free(small);
    ax_nn_net_free(net);
}

static void dropout_drops_its_share_scales_up_the_rest_and_is_not_served(void **state)
{
    (void)state;
    const struct ax_nn_layer_spec layer = {.kind = AX_NN_DROPOUT, .rate = 0.2f};
    struct ax_nn_net *net = nets_make(1, 4000, &layer, 1, 1);
    struct ax_nn_pass *pass;
    float x[4000];
    for (int i = 0; i < 4000; i++)
        x[i] = 2;
    assert_int_equal(ax_nn_pass_new(net, 1, 11, &pass, NULL), AX_OK);
    const float *y = ax_nn_pass_forward(pass, x, NULL, 1, true);
    int dropped = 0;
    for (int i = 0; i < 4000; i++) {
        assert_true(y[i] == 0 || y[i] == 2.5f);
        dropped += y[i] == 0;
    }
    assert_in_range(dropped, 720, 880); /* three standard deviations */
    assert_memory_equal(ax_nn_pass_forward(pass, x, NULL, 1, false), x, sizeof x);
    ax_nn_pass_free(pass);
    ax_nn_net_free(net);
}

static void a_workspace_above_its_ceiling_is_refused(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_datacenter(1);
    struct ax_nn_pass *pass;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_nn_pass_new(net, 1u << 20, 1, &pass, &diag), AX_LIMIT);
    assert_null(pass);
    assert_non_null(strstr(diag.text, "fewer rows"));
    ax_nn_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_of_every_layer_is_that_of_differences),
        cmocka_unit_test(the_gradient_of_every_loss_is_that_of_differences),
        cmocka_unit_test(rows_picked_by_index_and_fewer_of_them_give_what_they_give_alone),
        cmocka_unit_test(dropout_drops_its_share_scales_up_the_rest_and_is_not_served),
        cmocka_unit_test(a_workspace_above_its_ceiling_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
