/* Writing and reading a model file while one call after the other fails: an old or a new file is there, never
 * half. */
#include "ax_test.h"
#include "failing.h"
#include "nets.h"
#include "nn/model_file.h"
#include "scratch.h"

#include <errno.h>

#define NAME "a.nn"

/* The first weight of the file that is there. */
static float first_weight(const char *dir, struct ax_nn_net *into)
{
    struct ax_nn_file *f;
    assert_int_equal(ax_nn_file_read(dir, NAME, &f, NULL), AX_OK);
    assert_int_equal(ax_nn_file_load(f, into, NULL), AX_OK);
    ax_nn_file_free(f);
    return into->weights[0];
}

static void a_write_that_fails_leaves_the_file_as_it_was(void **state)
{
    (void)state;
    static const struct failing plans[] = {
        {.kinds = FAILING_IO, .error = ENOSPC},
        {.kinds = FAILING_WRITE, .times = 2, .error = EIO, .partial = true},
        {.kinds = FAILING_MEMORY}};
    const struct ax_nn_layer_spec small = {.kind = AX_NN_DENSE, .units = 3};
    struct ax_nn_net *net = nets_make(1, 4, &small, 1, 1), *into = nets_make(1, 4, &small, 1, 1);
    char dir[SCRATCH_PATH];
    scratch_make(dir, NULL);
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++)
        for (uint32_t nth = 1, failed = 1; failed; nth++) {
            net->weights[0] = 1;
            assert_int_equal(ax_nn_file_write(dir, NAME, net, NULL, 0, NULL), AX_OK);
            net->weights[0] = 2;
            struct failing plan = plans[p];
            struct ax_diag diag = {{0}};
            plan.nth = nth;
            failing_begin(&plan);
            const enum ax_err err = ax_nn_file_write(dir, NAME, net, NULL, 0, &diag);
            failed = failing_end();
            const float now = first_weight(dir, into);
            if (!failed) {
                assert_int_equal(err, AX_OK);
                assert_true(now == 2);
            } else {
                assert_int_equal(err, plan.kinds == FAILING_MEMORY ? AX_NOMEM : AX_IO);
                assert_true(diag.text[0]);
                /* Only the last sync, of the folder, comes when the new file is there. */
                assert_true(now == 1 || strstr(diag.text, "sync the folder"));
            }
            assert_int_equal(scratch_count(dir, ".tmp"), 0);
        }
    ax_nn_net_free(net);
    ax_nn_net_free(into);
    scratch_remove(dir);
}

static void a_read_that_fails_says_so(void **state)
{
    (void)state;
    static const struct failing plans[] = {{.kinds = FAILING_IO, .error = EIO}, {.kinds = FAILING_MEMORY}};
    const struct ax_nn_layer_spec small = {.kind = AX_NN_DENSE, .units = 3};
    struct ax_nn_net *net = nets_make(1, 4, &small, 1, 1);
    char dir[SCRATCH_PATH];
    scratch_make(dir, NULL);
    assert_int_equal(ax_nn_file_write(dir, NAME, net, NULL, 0, NULL), AX_OK);
    for (size_t p = 0; p < sizeof plans / sizeof *plans; p++)
        for (uint32_t nth = 1, failed = 1; failed; nth++) {
            struct ax_nn_file *f = NULL;
            struct failing plan = plans[p];
            struct ax_diag diag = {{0}};
            plan.nth = nth;
            failing_begin(&plan);
            const enum ax_err err = ax_nn_file_read(dir, NAME, &f, &diag);
            failed = failing_end();
            assert_int_equal(err, !failed ? AX_OK : plan.kinds == FAILING_MEMORY ? AX_NOMEM : AX_IO);
            assert_true(failed ? diag.text[0] && !f : f != NULL);
            ax_nn_file_free(f);
        }
    ax_nn_net_free(net);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_that_fails_leaves_the_file_as_it_was),
        cmocka_unit_test(a_read_that_fails_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
