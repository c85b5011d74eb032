/* The first signal asks for the end, and one that comes a second later for haste. */
#include "app/signals.h"
#include "ax_test.h"
#include "base/clock.h"

#include <signal.h>

#define SECOND_NS INT64_C(1000000000)
#define LONG_NS INT64_C(60000000000) /* nobody waits for that */

static void one_that_comes_again_later_makes_haste_while_nobody_waits_for_one(void **state)
{
    (void)state;
    bool reload;
    ax_signals_begin();
    const atomic_bool *hurry = ax_signals_hurry();
    const int64_t begin_ns = ax_mono_ns();
    (void)raise(SIGTERM); /* pending, until it is waited for */
    assert_int_equal(ax_signals_wait(LONG_NS, &reload), SIGTERM);
    assert_false(atomic_load(hurry));
    ax_signals_end();
    assert_false(atomic_load(hurry));
    (void)raise(SIGHUP);
    assert_false(atomic_load(hurry));
    (void)raise(SIGINT);
    assert_true(!atomic_load(hurry) || ax_mono_ns() - begin_ns >= SECOND_NS);
    while (!atomic_load(hurry)) {
        ax_sleep_ns(SECOND_NS / 10);
        (void)raise(SIGINT);
    }
    assert_true(ax_mono_ns() - begin_ns >= SECOND_NS);
    ax_signals_begin(); /* another run begins anew */
    assert_false(atomic_load(hurry));
    assert_int_equal(ax_signals_wait(1, &reload), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_comes_again_later_makes_haste_while_nobody_waits_for_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
