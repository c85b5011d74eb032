/* The first signal asks for the end, and the second one for haste. */
#include "app/signals.h"
#include "ax_test.h"

#include <signal.h>

#define LONG_NS INT64_C(60000000000) /* nobody waits for that */

static void a_second_signal_makes_haste_while_nobody_waits_for_one(void **state)
{
    (void)state;
    bool reload;
    ax_signals_begin();
    const atomic_bool *hurry = ax_signals_hurry();
    (void)raise(SIGTERM); /* pending, until it is waited for */
    assert_int_equal(ax_signals_wait(LONG_NS, &reload), SIGTERM);
    assert_false(atomic_load(hurry));
    ax_signals_end();
    assert_false(atomic_load(hurry));
    (void)raise(SIGHUP);
    assert_false(atomic_load(hurry));
    (void)raise(SIGINT);
    assert_true(atomic_load(hurry));
    ax_signals_begin(); /* another run begins anew */
    assert_false(atomic_load(hurry));
    assert_int_equal(ax_signals_wait(1, &reload), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_signal_makes_haste_while_nobody_waits_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
