/* receive.c: where the time of the receiver goes, without HTTP and kernel but for the log: the same requests
 * through more and more of the way. Prints ns per sample, the least of many rounds, which other load on
 * the machine disturbs little.
 *
 * usage: receive FOLDER [SERIES [SAMPLES_A_REQUEST [ROUNDS [WAY]]]]
 * WAY (0 decompressed, 1 walked, ...): that one alone, for a profiler. */
#include "base/clock.h"
#include "fleet.h"
#include "ingest/receiver.h"
#include "net/compress.h"
#include "prom/rw_encode.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BODY_MAX ((size_t)64 << 20)
#define WAYS 5u

struct bench {
    uint32_t series_n, batch_n, rounds_n, requests_n;
    struct ax_buf keys;
    struct ax_rw_run *runs;
    struct ax_sample *samples;
    struct ax_buf *bodies;
    struct ax_buf plain;
    struct ax_rw_decoder decoder;
    struct ax_db *db;
    struct ax_receiver *receiver;
    int64_t now_ms;
    int version;
};

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

static void make_series(struct bench *b)
{
    size_t *ends = must(calloc(b->series_n + 1, sizeof *ends));
    b->runs = must(calloc(b->series_n, sizeof *b->runs));
    b->samples = must(calloc(b->series_n, sizeof *b->samples));
    ax_buf_init(&b->keys, SIZE_MAX);
    for (uint32_t i = 0; i < b->series_n; i++) {
        fleet_key(i, "node", "", &b->keys);
        ends[i + 1] = b->keys.n;
    }
    for (uint32_t i = 0; i < b->series_n; i++)
        b->runs[i] = (struct ax_rw_run){
            {(const char *)b->keys.bytes + ends[i], ends[i + 1] - ends[i]}, &b->samples[i], 1};
    free(ends);
    b->requests_n = (b->series_n + b->batch_n - 1) / b->batch_n;
    b->bodies = must(calloc(b->requests_n, sizeof *b->bodies));
    for (uint32_t i = 0; i < b->requests_n; i++)
        ax_buf_init(&b->bodies[i], BODY_MAX);
    ax_buf_init(&b->plain, BODY_MAX);
}

/* The bodies of a round: the next sample of each series. */
static void make_round(struct bench *b, struct ax_rw_encoder *encoder)
{
    b->now_ms += 15000;
    for (uint32_t i = 0; i < b->series_n; i++)
        b->samples[i] = (struct ax_sample){b->now_ms, b->samples[i].value + 1.5 * (i % 7) + 0.25};
    for (uint32_t i = 0; i < b->requests_n; i++) {
        uint32_t from = i * b->batch_n, n = b->series_n - from < b->batch_n ? b->series_n - from : b->batch_n;
        ax_buf_reset(&b->bodies[i]);
        if (ax_rw_encode(encoder, b->version, b->runs + from, n, &b->bodies[i]) != AX_OK)
            abort();
    }
}

static enum ax_err pass(void *ctx, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    (void)ctx;
    (void)s;
    (void)fault;
    return AX_OK;
}

static enum ax_err pass_plain(void *ctx, const struct ax_plain_series *v, uint32_t n, uint32_t *unread)
{
    (void)ctx;
    (void)v;
    (void)n;
    *unread = 0;
    return AX_OK;
}

static void decompress(struct bench *b, struct ax_str body)
{
    if (ax_snappy_decompress(body, &b->plain, NULL) != AX_OK)
        abort();
}

static void walk(struct bench *b, struct ax_str body)
{
    static const struct ax_rw_limits limits = {128, 4096, 65536, 1000000, 100000, UINT64_MAX};
    struct ax_rw_stats stats;
    decompress(b, body);
    b->decoder.take_plain = pass_plain;
    if (ax_rw_decode(&b->decoder, b->version, ax_buf_view(&b->plain), &limits, pass, NULL, &stats, NULL) !=
        AX_OK)
        abort();
}

static void receive(struct bench *b, struct ax_str body)
{
    struct ax_http_response res = {.status = 200};
    ax_receiver_take(b->receiver, b->version, AX_RW_SNAPPY, body, &res);
    if (res.status != 204)
        abort();
}

static int64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Rounds of one way; the sum over the requests of the least time that each took. */
static double measure(struct bench *b, void (*way)(struct bench *, struct ax_str))
{
    int64_t *least = must(calloc(b->requests_n, sizeof *least)), sum = 0;
    struct ax_rw_encoder encoder;
    ax_rw_encoder_init(&encoder, BODY_MAX);
    for (uint32_t round = 0; round < b->rounds_n + 3; round++) {
        make_round(b, &encoder);
        for (uint32_t i = 0; i < b->requests_n; i++) {
            int64_t before = cpu_ns();
            way(b, ax_buf_view(&b->bodies[i]));
            int64_t took = cpu_ns() - before;
            if (round >= 3 && (least[i] == 0 || took < least[i]))
                least[i] = took;
        }
    }
    for (uint32_t i = 0; i < b->requests_n; i++)
        sum += least[i];
    ax_rw_encoder_done(&encoder);
    free(least);
    return (double)sum / b->series_n;
}

/* The same through a receiver into a database that wants job="...". */
static double measure_receiver(struct bench *b, const char *job, const char *log_dir)
{
    struct ax_diag diag = {{0}};
    struct ax_matcher *matcher;
    struct ax_seglog *log = NULL;
    const struct ax_db_options options = {.seed = 7};
    b->db = must(ax_db_new(&options));
    if (ax_matcher_new(AX_MATCH_EQ, ax_str("job"), ax_str(job), &matcher, &diag) != AX_OK ||
        ax_db_add_selector(b->db, ax_str(""), &matcher, 1, 300000, NULL) < 0 ||
        (log_dir && ax_seglog_open(&(struct ax_seglog_options){.dir = log_dir}, &log, NULL, &diag) != AX_OK))
        abort();
    const struct ax_receiver_options receiver = {.log = log, .future_max_ms = -1};
    if (ax_receiver_new(b->db, &receiver, &b->receiver, &diag) != AX_OK)
        abort();
    double ns = measure(b, receive);
    ax_receiver_free(b->receiver);
    ax_seglog_close(log);
    ax_db_free(b->db);
    ax_matcher_free(matcher);
    return ns;
}

/* One of the ways, each of which does more than the one before. */
static double measure_way(struct bench *b, uint32_t way, const char *log_dir)
{
    switch (way) {
    case 0:
        return measure(b, decompress);
    case 1:
        return measure(b, walk);
    case 2:
        return measure_receiver(b, "none", NULL);
    case 3:
        return measure_receiver(b, "node", NULL);
    default:
        return measure_receiver(b, "node", log_dir);
    }
}

static uint32_t argument(int argc, char **argv, int i, uint32_t otherwise)
{
    return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: receive FOLDER [SERIES [SAMPLES_A_REQUEST [ROUNDS [WAY]]]]\n");
        return 2;
    }
    struct bench b = {.series_n = argument(argc, argv, 2, 50000),
                      .batch_n = argument(argc, argv, 3, 2000),
                      .rounds_n = argument(argc, argv, 4, 20),
                      .now_ms = 1700000000000};
    make_series(&b);
    printf("ns per sample        decompressed       walked     unwanted   into rings  and the log\n");
    for (b.version = 1; b.version <= 2; b.version++) {
        printf("remote-write %d.0    ", b.version);
        for (uint32_t way = 0; way < WAYS; way++) {
            if (argc > 5 && way != argument(argc, argv, 5, 0))
                continue;
            printf("%13.1f", measure_way(&b, way, argv[1]));
            (void)fflush(stdout);
        }
        printf("\n");
    }
    for (uint32_t i = 0; i < b.requests_n; i++)
        ax_buf_done(&b.bodies[i]);
    free(b.bodies);
    free(b.runs);
    free(b.samples);
    ax_buf_done(&b.keys);
    ax_buf_done(&b.plain);
    ax_rw_decoder_done(&b.decoder);
    return 0;
}
