/* An erasure while memory, or the log, fails, each call in turn: it is refused with a text and goes on when
 * it is asked for again, or is done; in either case what is meant is nowhere then, also after a kill. */
#include "ax_test.h"
#include "failing.h"
#include "lasting.h"
#include "pipeline/erase.h"
#include "pipeline/pipeline_priv.h"

#include <errno.h>

#define SELECTOR "{port=\"1\"}"
#define WARM 40 /* requests */
#define KILL_EVERY 5

static struct lasting_feed feed;

static int make_feed(void **state)
{
    (void)state;
    lasting_feed_init(&feed, 11, false);
    return 0;
}

static int end_feed(void **state)
{
    (void)state;
    lasting_feed_done(&feed);
    return 0;
}

static void live_to(struct lasting *l, uint32_t requests)
{
    lasting_live_to(l, requests);
    lasting_pass(l, l->now_ms + LASTING_STEP);
}

/* Until they are there, for the first time or again; anew where the feed has no more. */
static void come(struct lasting *l)
{
    if (l->taken + WARM > feed.n) {
        lasting_done(l);
        lasting_init(l, &feed);
    }
    const uint32_t most = l->taken + WARM;
    do {
        live_to(l, l->taken + 1);
    } while (lasting_modelled(l) == 0 && l->taken < most);
}

/* With the nth call failing; false when none did. */
static bool try(struct lasting *l, unsigned kinds, uint32_t nth, uint32_t *refused)
{
    struct ax_erased e;
    struct ax_diag diag = {{0}};
    assert_true(lasting_modelled(l) > 0);
    failing_begin(&(struct failing){.kinds = kinds, .nth = nth, .error = ENOSPC});
    enum ax_err err = ax_pipeline_erase(l->pipeline, ax_str(SELECTOR), &e, &diag);
    const bool failed = failing_end() > 0;
    if (err != AX_OK) {
        assert_true(failed && diag.text[0] && (err == AX_IO || err == AX_NOMEM));
        ++*refused;
        if (ax_pipeline_erase(l->pipeline, ax_str(SELECTOR), &e, &diag) != AX_OK)
            fail_msg("call %u, again: %s", nth, diag.text);
    }
    assert_int_equal(lasting_modelled(l), 0);
    if (nth % KILL_EVERY == 0) {
        lasting_kill(l);
        lasting_start(l, lasting_jobs);
        (void)ax_pipeline_run_due(l->pipeline);
        assert_int_equal(lasting_modelled(l), 0);
    }
    return failed;
}

static void try_all(unsigned kinds, uint32_t calls_least)
{
    struct lasting l;
    uint32_t refused = 0, nth = 1;
    lasting_init(&l, &feed);
    come(&l);
    while (try(&l, kinds, nth, &refused)) {
        nth++;
        come(&l);
    }
    assert_true(nth > calls_least && refused > 0);
    lasting_done(&l);
}

static void without_memory_it_is_refused_and_goes_on(void **state)
{
    (void)state;
    try_all(FAILING_MEMORY, 3);
}

static void without_a_log_it_is_refused_and_goes_on(void **state)
{
    (void)state;
    try_all(FAILING_IO, 3);
}

/* The record of an erasure in a job, as pipeline/erase.h has it. */
static void put_record(struct ax_buf *out, const struct ax_job *job)
{
    ax_buf_init(out, 4096);
    ax_put_u8(out, 1);
    ax_put_str(out, ax_job_config(job)->name);
    ax_put_u64(out, ax_job_generation(job));
    ax_put_u64(out, ax_job_identity(job));
    ax_put_i64(out, ax_job_stepped_ms(job));
    ax_put_str(out, ax_str(SELECTOR));
}

static void a_replay_without_memory_forgets_nothing_and_says_so(void **state)
{
    (void)state;
    struct lasting l;
    struct ax_buf record;
    struct ax_diag diag = {{0}};
    lasting_init(&l, &feed);
    come(&l);
    for (uint32_t i = 0; i < l.pipeline->jobs_n; i++) {
        const uint32_t before = lasting_modelled(&l);
        enum ax_err err = AX_NOMEM;
        uint32_t nth = 0;
        put_record(&record, l.pipeline->jobs[i]);
        while (err == AX_NOMEM) {
            assert_int_equal(lasting_modelled(&l), before);
            failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = ++nth});
            err = ax_erase_replay(l.pipeline, ax_buf_view(&record), &diag);
            (void)failing_end();
        }
        assert_int_equal(err, AX_OK);
        assert_true(nth > 1);
        ax_buf_done(&record);
    }
    assert_int_equal(lasting_modelled(&l), 0);
    lasting_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_is_refused_and_goes_on),
        cmocka_unit_test(without_a_log_it_is_refused_and_goes_on),
        cmocka_unit_test(a_replay_without_memory_forgets_nothing_and_says_so),
    };
    return cmocka_run_group_tests(tests, make_feed, end_feed);
}
