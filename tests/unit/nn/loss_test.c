/* A target that is not known counts for nothing. */
#include "ax_test.h"
#include "nn/loss.h"

#include <math.h>

static void a_target_that_is_not_known_counts_for_nothing(void **state)
{
    (void)state;
    static const enum ax_nn_loss_kind kinds[] = {AX_NN_MSE, AX_NN_HUBER, AX_NN_PINBALL};
    const float quantiles[] = {0.1f, 0.5f}, y[] = {1, 2, 3, 4}, some[] = {0, NAN, NAN, 2},
                none[] = {NAN, NAN};
    for (int k = 0; k < 3; k++) {
        const struct ax_nn_loss loss = {.kind = kinds[k], .delta = 1, .quantiles = quantiles};
        float all_dy[2], dy[4];
        const float pair[] = {1, 4}, target[] = {0, 2}; /* the two that are known, as one row */
        const double want = ax_nn_loss(&loss, 1, 2, pair, target, all_dy);
        assert_true(ax_nn_loss(&loss, 2, 2, y, some, dy) == want);
        assert_true(dy[0] == all_dy[0] && dy[1] == 0 && dy[2] == 0 && dy[3] == all_dy[1]);
        assert_true(ax_nn_loss(&loss, 1, 2, y, none, dy) == 0 && dy[0] == 0 && dy[1] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_is_not_known_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
