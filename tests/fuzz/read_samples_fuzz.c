/* The answer of one message to a remote-read from any bytes, against protobuf-c: both refuse it, or what is
 * visited are the samples of the message that its queries asked for. */
#include "base/assert.h"
#include "prom/read_response.h"
#include "proto/remote_read.pb-c.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ax_read_query queries[] = {{.start_ms = INT64_MIN, .end_ms = INT64_MAX},
                                               {.start_ms = 100, .end_ms = 200}};

/* What was visited, as a sum that does not depend on the runs. */
struct sum {
    uint64_t n, mixed;
};

static void add(struct sum *s, uint32_t query, int64_t t_ms, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    s->n++;
    s->mixed += (bits ^ (uint64_t)t_ms * 0x9E3779B97F4A7C15u) * (query + 3);
}

static bool is_asked_for(uint32_t query, int64_t t_ms)
{
    return t_ms >= queries[query].start_ms && t_ms <= queries[query].end_ms;
}

static enum ax_err visit(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    AX_ASSERT(query < 2 && run->samples_n + run->histograms_n > 0 && (run->key.n == 0 || run->key.p));
    for (uint32_t i = 0; i < run->samples_n; i++) {
        AX_ASSERT(is_asked_for(query, run->samples[i].t_ms));
        add(ctx, query, run->samples[i].t_ms, run->samples[i].value);
    }
    for (uint32_t i = 0; i < run->histograms_n; i++) {
        struct ax_histogram h;
        AX_ASSERT(is_asked_for(query, run->histograms[i].t_ms));
        AX_ASSERT(ax_histogram_read(run->histograms[i].message, &h) && !h.fault[0]);
    }
    return AX_OK;
}

/* The same by protobuf-c. */
static struct sum expected(const Prometheus__ReadResponse *r)
{
    struct sum s = {0, 0};
    for (uint32_t q = 0; q < r->n_results && q < 2; q++)
        for (size_t i = 0; i < r->results[q]->n_timeseries; i++) {
            const Prometheus__TimeSeries *ts = r->results[q]->timeseries[i];
            for (size_t k = 0; k < ts->n_samples; k++)
                if (ts->samples[k]->timestamp >= queries[q].start_ms &&
                    ts->samples[k]->timestamp <= queries[q].end_ms)
                    add(&s, q, ts->samples[k]->timestamp, ts->samples[k]->value);
        }
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sum got = {0, 0};
    struct ax_read_reader r;
    struct ax_diag diag = {{0}};
    ax_read_reader_init(&r, 1u << 20, visit, &got);
    ax_read_begin(&r, queries, 2);
    enum ax_err err = ax_read_samples(&r, (struct ax_str){(const char *)data, size}, &diag);
    AX_ASSERT(err == AX_OK || (err == AX_CORRUPT && diag.text[0]));
    Prometheus__ReadResponse *message = prometheus__read_response__unpack(NULL, size, data);
    if (err == AX_OK && message) {
        struct sum want = expected(message);
        AX_ASSERT(got.n == want.n && got.mixed == want.mixed);
    }
    if (message)
        prometheus__read_response__free_unpacked(message, NULL);
    ax_read_reader_done(&r);
    return 0;
}
