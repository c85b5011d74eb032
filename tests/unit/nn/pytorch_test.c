/* What comes out of each layer, its gradients, three steps of Adam with L2 and clipping, and what is served
 * then, are PyTorch's: within 2e-5, of 1 or of the largest number of the array (golden/nn/generate.py,
 * PyTorch in double). */
#include "ax_test.h"
#include "nets.h"
#include "nn/serving.h"
#include "nn/trainer.h"

#include <math.h>
#include <stdlib.h>

#define ROWS 5
#define STEPS 4
#define FEATURES 3
#define OUTPUTS 2

/* A case, as vectors.h lists them. */
struct golden {
    const char *name;
    struct ax_nn_layer_spec layers[6];
    uint32_t layers_n;
    struct ax_nn_loss loss;
    size_t weights_n;
    const double *weights, *x, *target, *y, *gradient, *x_gradient, *losses, *after, *states_after,
        *served_after;
};

static const float quantiles[] = {0.1f, 0.5f};

#include "../../golden/nn/vectors.h"

#define EACH(g)                                                                                              \
    const struct golden *g = goldens;                                                                        \
    g < goldens + sizeof goldens / sizeof *goldens;                                                          \
    g++

static void assert_same(const char *name, const char *what, const float *v, const double *want, size_t n)
{
    double largest = 1;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, fabs(want[i]));
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)v[i] - want[i]) <= 2e-5 * largest))
            fail_msg("%s: %s[%zu] is %.9g, PyTorch's %.9g", name, what, i, (double)v[i], want[i]);
}

static void to_floats(float *to, const double *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i];
}

/* Data and network of a case. */
struct set_up {
    struct ax_nn_net *net;
    float x[ROWS * STEPS * FEATURES], target[ROWS * OUTPUTS];
};

static void begin(struct set_up *s, const struct golden *g)
{
    s->net = nets_make(STEPS, FEATURES, g->layers, g->layers_n, 1);
    assert_int_equal(s->net->weights_n, g->weights_n);
    to_floats(s->net->weights, g->weights, g->weights_n);
    to_floats(s->x, g->x, ROWS * STEPS * FEATURES);
    to_floats(s->target, g->target, ROWS * OUTPUTS);
}

static void forward_loss_and_gradients_are_pytorchs(void **state)
{
    (void)state;
    for (EACH(g)) {
        struct set_up s;
        struct ax_nn_pass *pass;
        begin(&s, g);
        assert_int_equal(ax_nn_pass_new(s.net, ROWS, 1, &pass, NULL), AX_OK);
        const float *y = ax_nn_pass_forward(pass, s.x, NULL, ROWS, true);
        assert_same(g->name, "y", y, g->y, ROWS * OUTPUTS);
        ax_assert_close(ax_nn_loss(&g->loss, ROWS, OUTPUTS, y, s.target, ax_nn_pass_slope(pass)),
                        g->losses[0], 1e-6);
        ax_nn_pass_backward(pass);
        assert_same(g->name, "gradient", ax_nn_pass_gradient(pass), g->gradient, g->weights_n);
        float by_x[ROWS * STEPS * FEATURES]; /* [rows][steps] again */
        for (uint32_t r = 0; r < ROWS; r++)
            for (uint32_t t = 0; t < STEPS; t++)
                for (uint32_t f = 0; f < FEATURES; f++)
                    by_x[(r * STEPS + t) * FEATURES + f] =
                        ax_nn_pass_input_slope(pass)[(t * ROWS + r) * FEATURES + f];
        assert_same(g->name, "gradient of x", by_x, g->x_gradient, ROWS * STEPS * FEATURES);
        ax_nn_pass_free(pass);
        ax_nn_net_free(s.net);
    }
}

static void steps_of_adam_are_pytorchs(void **state)
{
    (void)state;
    for (EACH(g)) {
        struct set_up s;
        struct ax_nn_trainer *trainer;
        struct ax_nn_training how = ax_nn_training_defaults;
        how.loss = g->loss;
        how.schedule = (struct ax_nn_schedule){.kind = AX_NN_CONSTANT, .rate = 0.01f};
        how.l2 = 0.001f;
        how.clip = 0.3f;
        how.rows = ROWS;
        begin(&s, g);
        assert_int_equal(ax_nn_trainer_new(s.net, &how, ROWS, &trainer, NULL), AX_OK);
        for (int step = 0; step < 3; step++)
            ax_assert_close(ax_nn_trainer_step(trainer, s.x, s.target, NULL, ROWS), g->losses[step], 1e-5);
        assert_same(g->name, "weight", s.net->weights, g->after, g->weights_n);
        assert_same(g->name, "state", s.net->states, g->states_after, s.net->states_n);
        float y[ROWS * OUTPUTS];
        for (uint32_t k = 0; ax_nn_kernels_at(k); k++) {
            struct ax_nn_serving *serving;
            assert_int_equal(ax_nn_serving_new(s.net, ax_nn_kernels_at(k), &serving, NULL), AX_OK);
            void *scratch = aligned_alloc(AX_NN_ALIGN, ax_nn_serving_scratch(serving));
            assert_non_null(scratch);
            ax_nn_serving_run(serving, scratch, s.x, ROWS, y);
            assert_same(g->name, ax_nn_kernels_at(k)->name, y, g->served_after, ROWS * OUTPUTS);
            free(scratch);
            ax_nn_serving_free(serving);
        }
        ax_nn_trainer_free(trainer);
        ax_nn_net_free(s.net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_loss_and_gradients_are_pytorchs),
        cmocka_unit_test(steps_of_adam_are_pytorchs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
