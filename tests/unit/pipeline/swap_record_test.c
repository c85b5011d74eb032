/* What was written of a swap is read back; anything else is refused. */
#include "ax_test.h"
#include "pipeline/swap_record.h"

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct ax_swap swap = {{{"job", 3}, 7, 8, -15000, {"lstm", 4}, {"cpu", 3}},
                                    {.live = {SHA, "1.0.0"},
                                     .shadow = {SHA, "1.0.1"},
                                     .baseline = {SHA, "1.0.2"},
                                     .held = true,
                                     .phase = AX_PHASE_CANARY,
                                     .share = 25}};

static void a_swap_is_read_as_it_was_written_and_not_when_it_is_cut(void **state)
{
    (void)state;
    struct ax_buf b;
    struct ax_swap read = {.roles = {.share = 0}};
    ax_buf_init(&b, 1000);
    ax_swap_put(&b, &swap);
    assert_int_equal(ax_swap_get(ax_buf_view(&b), &read), AX_OK);
    assert_true(ax_str_eq(read.at.job, swap.at.job) && ax_str_eq(read.at.kind, swap.at.kind) &&
                ax_str_eq(read.at.feature, swap.at.feature));
    assert_memory_equal(&read.roles, &swap.roles, sizeof read.roles);
    assert_true(read.at.generation == 7 && read.at.identity == 8 && read.at.last_ms == -15000);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(ax_swap_get((struct ax_str){(const char *)b.bytes, n}, &read), AX_CORRUPT);
    b.bytes[0] = 1; /* another version */
    assert_int_equal(ax_swap_get(ax_buf_view(&b), &read), AX_CORRUPT);
    ax_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_is_read_as_it_was_written_and_not_when_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
