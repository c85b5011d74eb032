/* A snapshot comes about though there is no memory for a copy of a job: then is when it is needed most, for
 * the log grows until there is one. */
#include "ax_test.h"
#include "failing.h"
#include "lasting.h"
#include "pipeline/pipeline_priv.h"

static void one_allocation_that_fails_costs_no_snapshot(void **state)
{
    struct lasting_feed feed;
    struct lasting l;
    (void)state;
    lasting_feed_init(&feed, 11, true);
    lasting_init(&l, &feed);
    lasting_live_to(&l, feed.n / 2);
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        const bool taken = ax_pipeline_snapshot(l.pipeline);
        failed = failing_end();
        if (!taken)
            fail_msg("allocation %u failed, and so did the snapshot", nth);
    }
    assert_true(nth > 10);
    lasting_done(&l);
    lasting_feed_done(&feed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_allocation_that_fails_costs_no_snapshot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
