/* step_fuzz.c: steps of a job whose records hold anything: each is refused whole, or taken, and the job goes
 * on.
 *
 * An input is the results of up to 16 steps, each two bytes of length and so many of what follows a record's
 * head (pipeline/step_record.h). What is taken reads back as what it is when it is written again. */
#include "base/assert.h"
#include "pipeline/job.h"
#include "pipeline/step_record.h"
#include "prom/sample.h"

#include <stdlib.h>

#define STEP 15000
#define START 1700000010000
#define STEPS_MAX 16
#define CHANNELS 2
#define BODY_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char yaml[] =
    "jobs: [{name: j, by: [i], features: {v: m, w: m * m}, anomaly: {}, forecast: {targets: [v], horizons: "
    "[15s]}, drift: {reference: 30, current: 30}, window: {fine: 60, coarse: 60}, max_series: 50}]";

static struct ax_config *config;
static struct ax_job_env env;

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    AX_ASSERT(labels->n > 0);
    return malloc(1);
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    (void)ctx;
    AX_ASSERT(out && t_ms > 0 && value == value);
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    (void)ctx;
    (void)t_ms;
    free(out);
}

static void init(void)
{
    static struct ax_problems problems;
    env = (struct ax_job_env){.db = ax_db_new(&(struct ax_db_options){.seed = 7, .negative_max = 16}),
                              .sink = {NULL, sink_open, sink_put, sink_close, NULL, NULL},
                              .max_range_ms = 3600000,
                              .seed = 42};
    AX_ASSERT(env.db && ax_config_parse(ax_str(yaml), &config, &problems) == AX_OK);
}

/* Read a record, write what was read, read that: it must be the same. */
static void require_same_again(struct ax_str record)
{
    struct ax_buf again;
    struct ax_step_head head;
    struct ax_step_result r, s;
    struct ax_step_channel channel, other;
    int64_t from, to;
    struct ax_bytes in = ax_bytes_of(record);
    ax_buf_init(&again, BODY_MAX);
    AX_ASSERT(ax_step_get_head(&in, &head) == AX_OK);
    ax_step_put_head(&again, &head);
    for (uint32_t i = 0; i < head.channels_n; i++) {
        ax_step_get_channel(&in, &channel, &from);
        ax_step_put_channel(&again, &channel, &to);
        while (ax_step_get(&in, &r, &from))
            ax_step_put(&again, &r, &to);
        ax_step_put_end(&again);
    }
    AX_ASSERT(ax_step_check(ax_buf_view(&again), head.channels_n) == AX_OK);
    struct ax_bytes one = ax_bytes_of(record), two = ax_bytes_of(ax_buf_view(&again));
    AX_ASSERT(ax_step_get_head(&one, &head) == AX_OK && ax_step_get_head(&two, &head) == AX_OK);
    for (uint32_t i = 0; i < head.channels_n; i++) {
        ax_step_get_channel(&one, &channel, &from);
        ax_step_get_channel(&two, &other, &to);
        AX_ASSERT(channel.next_serial == other.next_serial && channel.spared == other.spared);
        while (ax_step_get(&one, &r, &from)) {
            AX_ASSERT(ax_step_get(&two, &s, &to));
            AX_ASSERT(r.is_new == s.is_new && r.ended == s.ended && r.serial == s.serial &&
                      ax_str_eq(r.key, s.key) && ax_double_bits(r.value) == ax_double_bits(s.value));
        }
        AX_ASSERT(!ax_step_get(&two, &s, &to));
    }
    ax_buf_done(&again);
}

/* A step that the job evaluates itself follows on whatever it was given. */
static void go_on(struct ax_job *job, struct ax_buf *record, int64_t t_ms)
{
    AX_ASSERT(ax_job_evaluate(job, t_ms, record) == AX_OK);
    AX_ASSERT(ax_job_take(job, ax_buf_view(record)) == AX_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ax_job *job;
    struct ax_buf record;
    int64_t t_ms = START;
    if (!config)
        init();
    AX_ASSERT(ax_job_new(&env, config, &config->jobs[0], &job, NULL) == AX_OK);
    ax_buf_init(&record, BODY_MAX);
    for (int i = 0; i < STEPS_MAX && n >= 2; i++, t_ms += STEP) {
        const struct ax_step_head head = {ax_str("j"), 1, 1, t_ms, CHANNELS, 0, 0};
        size_t bytes = (size_t)data[0] << 8 | data[1];
        data += 2;
        n -= 2;
        bytes = bytes < n ? bytes : n;
        ax_buf_reset(&record);
        ax_step_put_head(&record, &head);
        ax_buf_put(&record, data, bytes);
        data += bytes;
        n -= bytes;
        enum ax_err err = ax_job_take(job, ax_buf_view(&record));
        AX_ASSERT(err == AX_OK || err == AX_CORRUPT);
        AX_ASSERT(ax_job_stepped_ms(job) == t_ms || err == AX_CORRUPT);
        if (err == AX_OK)
            require_same_again(ax_buf_view(&record));
    }
    go_on(job, &record, t_ms);
    ax_job_free(job, INT64_MIN);
    ax_buf_done(&record);
    return 0;
}
