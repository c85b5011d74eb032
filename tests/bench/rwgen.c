/* rwgen.c: sends a remote-write load to a server on this machine and prints what it cost the server.
 *
 * usage: rwgen [--FLAG=N ...] URL PID
 * Every step (15 s of samples' time) sends one sample of each series, which look like node_exporter's: 8
 * labels with the name, every second one a counter. The first --warm steps make the series known and are not
 * counted; --start is the time of the first of them (Unix seconds; without it the last step is now). Each
 * connection sends its share of the series, one request at a time. Of each 64 series that stand together, a
 * host, all or none have job="node"; the others have job="other". --new sends that many series more with
 * job="other" in every step, which were never there before and never come again. Output, one line: samples
 * per CPU second of process PID, the same of the median step, its CPU seconds, p50 and p99 of a request in
 * ms, MiB resident at the end and how many more these are than after the warm steps.
 */
#include "base/clock.h"
#include "base/parse.h"
#include "base/rng.h"
#include "fleet.h"
#include "net/http_client.h"
#include "prom/rw_encode.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP_MS 15000
#define REQUEST_MAX ((size_t)32 << 20)
#define CONNECTIONS_MAX 512

struct load {
    const char *url;
    int pid, version;
    uint32_t series_n, wanted_n, new_n, batch_n, connections_n, warm_n, steps_n;
    struct ax_buf keys; /* of all lasting series, one after another */
    size_t *ends;
    struct ax_sample *samples;
    int64_t start_ms;
    uint32_t step;
    pthread_barrier_t begin, end;
};

/* One connection. */
struct sender {
    struct load *load;
    uint32_t from, to, new_from, new_to; /* its series */
    struct ax_http_client *client;
    struct ax_rw_encoder encoder;
    struct ax_rw_run *runs;
    struct ax_buf body, answer, new_keys;
    double *latency_ms;
    size_t requests, latency_cap;
    pthread_t thread;
};

static void die(const char *what, const struct ax_diag *diag)
{
    fprintf(stderr, "rwgen: %s: %s\n", what, diag->text);
    exit(1);
}

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

/* Is a host one of those that are wanted? */
static bool is_wanted(const struct load *l, uint32_t i)
{
    return fleet_wants(i, l->series_n, l->wanted_n);
}

static void make_series(struct load *l)
{
    l->ends = must(malloc((l->series_n + 1) * sizeof *l->ends));
    l->samples = must(calloc(l->series_n, sizeof *l->samples));
    ax_buf_init(&l->keys, SIZE_MAX);
    l->ends[0] = 0;
    for (uint32_t i = 0; i < l->series_n; i++) {
        fleet_key(i, is_wanted(l, i) ? "node" : "other", "", &l->keys);
        l->ends[i + 1] = l->keys.n;
    }
}

/* The next sample of every series: counters rise, gauges wave. */
static void advance(struct load *l, struct ax_rng *rng)
{
    for (uint32_t i = 0; i < l->series_n; i++) {
        double noise = ax_rng_double(rng);
        l->samples[i].value = i & 1 ? 50 + 20 * sin(l->step / 40.0 + i) + noise
                                    : l->samples[i].value + 1e5 + floor(1e4 * noise);
        l->samples[i].t_ms = l->start_ms + (int64_t)l->step * STEP_MS;
    }
}

static void post(struct sender *s, uint32_t n)
{
    struct load *l = s->load;
    const struct ax_rw_headers names = ax_rw_headers(l->version);
    const struct ax_http_field headers[] = {
        {ax_str("Content-Type"), ax_str(names.content_type)},
        {ax_str("Content-Encoding"), ax_str(names.content_encoding)},
        {ax_str("X-Prometheus-Remote-Write-Version"), ax_str(names.version)}};
    struct ax_diag diag = {{0}};
    struct ax_http_reply reply = {.body = &s->answer};
    ax_buf_reset(&s->body);
    if (ax_rw_encode(&s->encoder, l->version, s->runs, n, &s->body) != AX_OK)
        die("cannot encode", &diag);
    if (ax_http_post(s->client, ax_buf_view(&s->body), headers, 3, &reply, &diag) != AX_OK)
        die("cannot post", &diag);
    if (reply.status / 100 != 2) {
        fprintf(stderr, "rwgen: status %d: %.*s\n", reply.status, (int)s->answer.n,
                s->answer.n ? (const char *)s->answer.bytes : "");
        exit(1);
    }
    if (l->step < l->warm_n)
        return;
    if (s->requests == s->latency_cap) {
        s->latency_cap = s->latency_cap ? s->latency_cap * 2 : 1024;
        s->latency_ms = must(realloc(s->latency_ms, s->latency_cap * sizeof *s->latency_ms));
    }
    s->latency_ms[s->requests++] = (double)reply.duration_ns / 1e6;
}

static void send_lasting(struct sender *s)
{
    const struct load *l = s->load;
    for (uint32_t i = s->from; i < s->to; i += l->batch_n) {
        uint32_t n = s->to - i < l->batch_n ? s->to - i : l->batch_n;
        for (uint32_t k = 0; k < n; k++)
            s->runs[k] = (struct ax_rw_run){
                {(const char *)l->keys.bytes + l->ends[i + k], l->ends[i + k + 1] - l->ends[i + k]},
                &l->samples[i + k],
                1};
        post(s, n);
    }
}

/* Series that are new in this step. */
static void send_new(struct sender *s)
{
    const struct load *l = s->load;
    const struct ax_sample sample = {l->start_ms + (int64_t)l->step * STEP_MS, 1};
    char suffix[32];
    (void)snprintf(suffix, sizeof suffix, "-%u", l->step);
    for (uint32_t i = s->new_from; i < s->new_to; i += l->batch_n) {
        uint32_t n = s->new_to - i < l->batch_n ? s->new_to - i : l->batch_n;
        size_t *ends = must(calloc(n + 1, sizeof *ends));
        ax_buf_reset(&s->new_keys);
        for (uint32_t k = 0; k < n; k++) {
            fleet_key(i + k, "other", suffix, &s->new_keys);
            ends[k + 1] = s->new_keys.n;
        }
        for (uint32_t k = 0; k < n; k++)
            s->runs[k] = (struct ax_rw_run){
                {(const char *)s->new_keys.bytes + ends[k], ends[k + 1] - ends[k]}, &sample, 1};
        free(ends);
        post(s, n);
    }
}

static void *run(void *arg)
{
    struct sender *s = arg;
    for (uint32_t i = 0; i < s->load->warm_n + s->load->steps_n; i++) {
        (void)pthread_barrier_wait(&s->load->begin);
        send_lasting(s);
        send_new(s);
        (void)pthread_barrier_wait(&s->load->end);
    }
    return NULL;
}

static void start(struct sender *s, struct load *l, uint32_t i)
{
    struct ax_diag diag = {{0}};
    uint64_t n = l->connections_n;
    *s = (struct sender){.load = l};
    s->from = (uint32_t)(i * (uint64_t)l->series_n / n);
    s->to = (uint32_t)((i + 1) * (uint64_t)l->series_n / n);
    s->new_from = (uint32_t)(i * (uint64_t)l->new_n / n);
    s->new_to = (uint32_t)((i + 1) * (uint64_t)l->new_n / n);
    s->runs = must(calloc(l->batch_n, sizeof *s->runs));
    ax_rw_encoder_init(&s->encoder, REQUEST_MAX);
    ax_buf_init(&s->body, REQUEST_MAX);
    ax_buf_init(&s->answer, 4096);
    ax_buf_init(&s->new_keys, SIZE_MAX);
    const struct ax_http_client_options options = {.url = ax_str(l->url), .timeout_ms = 60000};
    if (ax_http_client_new(&options, &s->client, &diag) != AX_OK)
        die(l->url, &diag);
    if (pthread_create(&s->thread, NULL, run, s) != 0)
        die("no thread", &diag);
}

static void stop(struct sender *s)
{
    (void)pthread_join(s->thread, NULL);
    ax_http_client_free(s->client);
    ax_rw_encoder_done(&s->encoder);
    ax_buf_done(&s->body);
    ax_buf_done(&s->answer);
    ax_buf_done(&s->new_keys);
    free(s->runs);
    free(s->latency_ms);
}

static double cpu_seconds(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        abort();
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(int pid)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (in)
        fclose(in);
    return (double)kib / 1024;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Drive all senders through the steps and print the line. */
static void drive(struct load *l, clockid_t clock)
{
    struct sender *senders = must(calloc(l->connections_n, sizeof *senders));
    double *steps = must(calloc(l->steps_n, sizeof *steps)), resident = 0, cpu = 0;
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    (void)pthread_barrier_init(&l->begin, NULL, l->connections_n + 1);
    (void)pthread_barrier_init(&l->end, NULL, l->connections_n + 1);
    for (uint32_t i = 0; i < l->connections_n; i++)
        start(&senders[i], l, i);
    for (l->step = 0; l->step < l->warm_n + l->steps_n;) {
        if (l->step == l->warm_n)
            resident = resident_mib(l->pid);
        advance(l, &rng);
        double before = cpu_seconds(clock);
        (void)pthread_barrier_wait(&l->begin);
        (void)pthread_barrier_wait(&l->end);
        if (l->step >= l->warm_n)
            cpu += steps[l->step - l->warm_n] = cpu_seconds(clock) - before;
        l->step++;
    }
    size_t requests = 0;
    for (uint32_t i = 0; i < l->connections_n; i++)
        requests += senders[i].requests;
    double *latency_ms = must(calloc(requests, sizeof *latency_ms)), *to = latency_ms;
    for (uint32_t i = 0; i < l->connections_n; i++) {
        memcpy(to, senders[i].latency_ms, senders[i].requests * sizeof *to);
        to += senders[i].requests;
        stop(&senders[i]);
    }
    qsort(latency_ms, requests, sizeof *latency_ms, by_value);
    qsort(steps, l->steps_n, sizeof *steps, by_value);
    double samples = (double)l->series_n + l->new_n, end = resident_mib(l->pid);
    printf("%.0f %.0f %.3f %.2f %.2f %.1f %.1f\n", samples * l->steps_n / cpu,
           samples / steps[l->steps_n / 2], cpu, latency_ms[requests / 2],
           latency_ms[(size_t)((double)requests * 0.99)], end, end - resident);
    free(latency_ms);
    free(steps);
    free(senders);
}

/* Read --name=N into the value of that name. */
static bool read_flag(const char *argument, const char *name, uint32_t *value)
{
    size_t n = strlen(name);
    int64_t number;
    if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, n) != 0 || argument[2 + n] != '=' ||
        ax_parse_i64(ax_str(argument + 3 + n), &number) != AX_OK || number < 0 || number > INT32_MAX)
        return false;
    *value = (uint32_t)number;
    return true;
}

int main(int argc, char **argv)
{
    uint32_t version = 1, start_s = 0;
    struct load l = {.series_n = 50000,
                     .wanted_n = UINT32_MAX,
                     .batch_n = 2000,
                     .connections_n = 1,
                     .warm_n = 4,
                     .steps_n = 30};
    int i = 1;
    while (i < argc &&
           (read_flag(argv[i], "version", &version) || read_flag(argv[i], "series", &l.series_n) ||
            read_flag(argv[i], "wanted", &l.wanted_n) || read_flag(argv[i], "new", &l.new_n) ||
            read_flag(argv[i], "batch", &l.batch_n) || read_flag(argv[i], "connections", &l.connections_n) ||
            read_flag(argv[i], "warm", &l.warm_n) || read_flag(argv[i], "steps", &l.steps_n) ||
            read_flag(argv[i], "start", &start_s)))
        i++;
    if (argc - i != 2 || version < 1 || version > 2 || !l.series_n || !l.batch_n || !l.steps_n ||
        !l.connections_n || l.connections_n > CONNECTIONS_MAX) {
        fprintf(stderr, "usage: rwgen [--version=1|2] [--series=N] [--wanted=N] [--new=N] [--batch=N] "
                        "[--connections=N] [--warm=N] [--steps=N] [--start=N] URL PID\n");
        return 2;
    }
    l.version = (int)version;
    l.wanted_n = l.wanted_n < l.series_n ? l.wanted_n : l.series_n;
    l.url = argv[i];
    l.pid = (int)strtol(argv[i + 1], NULL, 10);
    clockid_t clock;
    if (clock_getcpuclockid(l.pid, &clock) != 0) {
        fprintf(stderr, "rwgen: no process %d\n", l.pid);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    make_series(&l);
    struct ax_clock wall = ax_clock_wall();
    l.start_ms =
        start_s ? (int64_t)start_s * 1000 : ax_clock_now(&wall) - (int64_t)(l.warm_n + l.steps_n) * STEP_MS;
    drive(&l, clock);
    ax_buf_done(&l.keys);
    free(l.ends);
    free(l.samples);
    return 0;
}
