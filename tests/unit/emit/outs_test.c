/* The table of output series finds each by its labels, and forgets those that ended long ago. */
#include "ax_test.h"
#include "emit/outs.h"

#include <stdio.h>

static struct ax_out *find(struct ax_outs *t, int i)
{
    char key[32];
    (void)snprintf(key, sizeof key, "key %d", i);
    return ax_outs_find(t, ax_str(key));
}

static void a_series_is_found_by_its_key_whatever_their_number(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    static struct ax_out *outs[MANY];
    struct ax_outs t;
    assert_int_equal(ax_outs_init(&t, 1), AX_OK);
    for (int i = 0; i < MANY; i++) {
        outs[i] = find(&t, i);
        ax_outs_open(&t, outs[i]);
    }
    assert_int_equal(t.n, MANY);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(&t, i), outs[i]);
    assert_int_equal(t.n, MANY);
    ax_outs_done(&t);
}

static void what_is_closed_is_remembered_for_a_while(void **state)
{
    (void)state;
    enum { MANY = 1100, NOW = 1000000000 };
    struct ax_outs t;
    assert_int_equal(ax_outs_init(&t, 1), AX_OK);
    struct ax_out *old = find(&t, -1), *young = find(&t, -2), *open = find(&t, -3), *also_open = find(&t, -4);
    ax_outs_open(&t, open);
    ax_outs_open(&t, also_open);
    ax_outs_open(&t, also_open);
    ax_outs_close(&t, also_open);
    ax_outs_saw(&t, old, NOW - AX_OUTS_REMEMBER_MS);
    ax_outs_saw(&t, young, NOW - AX_OUTS_REMEMBER_MS + 1);
    ax_outs_saw(&t, open, 1);
    ax_outs_saw(&t, also_open, 1);
    struct ax_out *newest = find(&t, -5);
    ax_outs_saw(&t, newest, NOW);
    ax_outs_sweep(&t); /* there are too few for that */
    assert_int_equal(t.n, 5);
    for (int i = 0; i < MANY; i++)
        (void)find(&t, i);
    assert_int_equal(t.n, MANY + 5);
    ax_outs_sweep(&t);
    uint32_t n = t.n;
    assert_int_equal(n, 4);
    assert_ptr_equal(find(&t, -2), young);
    assert_ptr_equal(find(&t, -3), open);
    assert_ptr_equal(find(&t, -4), also_open);
    assert_ptr_equal(find(&t, -5), newest);
    assert_int_equal(t.n, n);
    assert_true(find(&t, -1)->last_ms == INT64_MIN); /* another one */
    assert_int_equal(t.n, n + 1);
    ax_outs_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_is_found_by_its_key_whatever_their_number),
        cmocka_unit_test(what_is_closed_is_remembered_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
