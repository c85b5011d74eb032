/* A job that is saved or loaded while memory runs out says so, and can be freed. */
#include "ax_test.h"
#include "failing.h"
#include "saved_job.h"

#include <stdlib.h>

/* A sink that says when it has no memory. */
static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    (void)labels;
    return malloc(1);
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)ctx;
    (void)out;
    (void)t_ms;
    (void)value;
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx;
    (void)t_ms;
    free(out);
}

static void a_load_says_when_memory_ran_out(void **state)
{
    (void)state;
    struct saved_job s;
    saved_job_init(&s);
    s.env.sink = (struct ax_sink){.open = sink_open, .put = sink_put, .close = sink_close};
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_job *job = saved_job_fresh(&s);
        struct ax_diag diag = {{0}};
        enum ax_err err = AX_OK;
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        for (unsigned i = 0; i < SAVED_JOB_SECTIONS && err == AX_OK; i++)
            err = ax_job_load(job, s.types[i], s.sections[i], &diag);
        failed = failing_end();
        assert_int_equal(err, failed ? AX_NOMEM : AX_OK);
        assert_int_equal(diag.text[0] != '\0', failed);
        if (!failed)
            saved_job_step(job, SAVED_JOB_STEPS);
        ax_job_free(job, INT64_MIN);
    }
    assert_true(nth > 20);
    saved_job_done(&s);
}

static void a_save_says_when_memory_ran_out(void **state)
{
    (void)state;
    struct saved_job s;
    saved_job_init(&s);
    struct ax_job *job = saved_job_fresh(&s);
    for (unsigned i = 0; i < SAVED_JOB_SECTIONS; i++)
        assert_int_equal(ax_job_load(job, s.types[i], s.sections[i], NULL), AX_OK);
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_snapshot_writer *writer;
        struct ax_buf scratch;
        ax_buf_init(&scratch, 1u << 20);
        assert_int_equal(ax_snapshot_begin(s.dir, 2, &writer, NULL), AX_OK);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        enum ax_err err = ax_job_save(job, &scratch, writer);
        failed = failing_end();
        assert_int_equal(err, failed ? AX_NOMEM : AX_OK);
        ax_snapshot_abandon(writer);
        ax_buf_done(&scratch);
    }
    assert_true(nth > 3);
    saved_job_step(job, SAVED_JOB_STEPS); /* a save changes nothing */
    ax_job_free(job, INT64_MIN);
    saved_job_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_says_when_memory_ran_out),
        cmocka_unit_test(a_save_says_when_memory_ran_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
