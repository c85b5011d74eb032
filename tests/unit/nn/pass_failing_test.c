/* Learning and answering take all of their memory beforehand, and say so when there is none. */
#include "ax_test.h"
#include "failing.h"
#include "nets.h"
#include "nn/kernels.h"
#include "nn/loss.h"
#include "nn/pass.h"
#include "nn/serving.h"

#include <stdlib.h>

#define ROWS 3

static void forwards_and_backwards_allocate_nothing(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_of_every_kind(1);
    const struct ax_nn_loss loss = {.kind = AX_NN_MSE};
    const size_t x_n = (size_t)ROWS * net->steps * net->features, y_n = (size_t)ROWS * net->outputs;
    float *x = calloc(x_n, sizeof *x), *target = calloc(y_n, sizeof *target);
    struct ax_nn_pass *pass;
    assert_true(x && target);
    nets_random(x, x_n, 2);
    assert_int_equal(ax_nn_pass_new(net, ROWS, 1, &pass, NULL), AX_OK);
    failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
    for (int i = 0; i < 3; i++) {
        const float *y = ax_nn_pass_forward(pass, x, NULL, ROWS, true);
        (void)ax_nn_loss(&loss, ROWS, net->outputs, y, target, ax_nn_pass_slope(pass));
        ax_nn_pass_backward(pass);
    }
    assert_int_equal(failing_calls(), 0);
    (void)failing_end();
    ax_nn_pass_free(pass);
    free(x);
    free(target);
    ax_nn_net_free(net);
}

static void answering_allocates_nothing(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_of_every_kind(1);
    struct ax_nn_serving *s;
    assert_int_equal(ax_nn_serving_new(net, ax_nn_kernels(), &s, NULL), AX_OK);
    const size_t x_n = (size_t)ROWS * net->steps * net->features;
    const size_t scratch_n = (ax_nn_serving_scratch(s) + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN;
    float *x = calloc(x_n, sizeof *x), *y = calloc((size_t)ROWS * net->outputs, sizeof *y);
    void *scratch = aligned_alloc(AX_NN_ALIGN, scratch_n);
    assert_true(x && y && scratch);
    nets_random(x, x_n, 2);
    failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
    for (int i = 0; i < 3; i++)
        ax_nn_serving_run(s, scratch, x, ROWS, y);
    assert_int_equal(failing_calls(), 0);
    (void)failing_end();
    ax_nn_serving_free(s);
    free(scratch);
    free(x);
    free(y);
    ax_nn_net_free(net);
}

static void without_memory_there_is_no_pass_and_no_serving(void **state)
{
    (void)state;
    struct ax_nn_net *net = nets_of_every_kind(1);
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        struct ax_nn_pass *pass = NULL;
        struct ax_nn_serving *s = NULL;
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        enum ax_err err = ax_nn_pass_new(net, ROWS, 1, &pass, NULL);
        if (err == AX_OK)
            err = ax_nn_serving_new(net, ax_nn_kernels(), &s, NULL);
        failed = failing_end();
        assert_int_equal(err, failed ? AX_NOMEM : AX_OK);
        ax_nn_serving_free(s);
        ax_nn_pass_free(pass);
    }
    ax_nn_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forwards_and_backwards_allocate_nothing),
        cmocka_unit_test(answering_allocates_nothing),
        cmocka_unit_test(without_memory_there_is_no_pass_and_no_serving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
