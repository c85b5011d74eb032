/* The whole process, run within this one: it takes in, reloads, shows itself and stops while all of that goes
 * on, and starts again where it ended. What ThreadSanitizer is to see. */
#include "app/commands.h"
#include "ax_test.h"
#include "base/clock.h"
#include "net/compress.h"
#include "net/http_server.h"
#include "prom/read_request.h"
#include "scratch.h"
#include "series_world.h"
#include "visitor.h"
#include "write_client.h"
#include "write_request.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WRITERS 3
#define SERIES 20
#define RELOADS 12
#define VISITS 12 /* different ones, beside a remote-read */

/* One run of the process and those who deal with it. */
struct world {
    char folder[SCRATCH_PATH];
    uint16_t port;
    struct ax_http_server *sink;
    pthread_t serving;
    int status; /* of its end */
    atomic_bool over;
    atomic_uint taken, refused; /* requests */
    atomic_uint answered;       /* of what is looked at: a bit for each */
};

static atomic_uint sunk; /* requests that reached the sink */

static void sink(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    atomic_fetch_add(&sunk, 1);
    res->status = 204;
}

static const struct ax_http_route sink_routes[] = {
    {"POST", "/write", "sink", sink, NULL, 1 << 20, NULL, false, NULL}};

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&a, n), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)close(fd);
    return ntohs(a.sin_port);
}

#define JOBS                                                                                                 \
    "- {name: kept, expr: load, forecast: {output: predicted_load, horizons: [1s]}, anomaly: {}}\n"          \
    "- {name: job%d, expr: sum(load), anomaly: {}, drift: {}}\n"

/* Put a configuration in force: there are two of them, which differ in a job; more of it goes before them. */
static void write_config_with(const struct world *w, int which, const char *path_written, const char *more)
{
    char path[SCRATCH_PATH + 64], new_path[SCRATCH_PATH + 64];
    (void)snprintf(path, sizeof path, "%s/auspex.yml", w->folder);
    (void)snprintf(new_path, sizeof new_path, "%s/auspex.new", w->folder);
    FILE *f = fopen(new_path, "we");
    assert_non_null(f);
    (void)fprintf(f,
                  "global: {step: 200ms, evaluation_delay: 0s}\n"
                  "remote_write:\n"
                  "- url: http://127.0.0.1:%u%s\n"
                  "  queue_config: {batch_send_deadline: 100ms}\n"
                  "%s"
                  "jobs:\n" JOBS,
                  ax_http_server_port(w->sink), path_written, more, which);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(new_path, path), 0);
}

static void write_config(const struct world *w, int which)
{
    write_config_with(w, which, "/write", "");
}

static void *serve(void *world)
{
    struct world *w = world;
    char config[SCRATCH_PATH + 64], storage[SCRATCH_PATH + 64], listen[64];
    (void)snprintf(config, sizeof config, "--config.file=%s/auspex.yml", w->folder);
    (void)snprintf(storage, sizeof storage, "--storage.path=%s/data", w->folder);
    (void)snprintf(listen, sizeof listen, "--web.listen-address=127.0.0.1:%u", w->port);
    char *argv[] = {(char[]){"serve"},
                    config,
                    storage,
                    listen,
                    (char[]){"--web.enable-lifecycle"},
                    (char[]){"--storage.remote.flush-deadline=2s"},
                    (char[]){"--log.level=error"},
                    (char[]){"--debug.allow-core-dumps"},
                    NULL};
    w->status = ax_cmd_serve(8, argv);
    return NULL;
}

/* Send samples of now until it is over; each writer has series of its own. */
static void *write_often(void *world)
{
    static atomic_uint writers;
    struct world *w = world;
    unsigned writer = atomic_fetch_add(&writers, 1) % WRITERS;
    char url[64];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/write", w->port);
    static const char *const headers[] = {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                                          NULL};
    struct ax_clock wall = ax_clock_wall();
    while (!atomic_load(&w->over)) {
        struct write_request r;
        char instance[SERIES][16];
        write_begin(&r, 1);
        for (unsigned i = 0; i < SERIES; i++) {
            (void)snprintf(instance[i], sizeof instance[i], "%u", writer * SERIES + i);
            write_series(&r, (const char *const[]){"__name__", "load", "instance", instance[i], NULL});
            write_sample(&r, i, ax_clock_now(&wall));
        }
        size_t n;
        const uint8_t *bytes = write_pack_v1(&r, &n);
        struct ax_buf body;
        ax_buf_init(&body, 1 << 20);
        bool ok = ax_snappy_compress((struct ax_str){(const char *)bytes, n}, &body) == AX_OK;
        struct write_answer a = write_ask(url, "POST", headers, ax_buf_view(&body));
        atomic_fetch_add(ok && a.status == 204 ? &w->taken : &w->refused, 1);
        ax_buf_done(&body);
        write_done(&r);
        ax_sleep_ns(2000000);
    }
    return NULL;
}

/* Read the forecast paths, as Prometheus does: the status. */
static long read_paths(const struct world *w)
{
    static const struct ax_read_matcher m[] = {
        {AX_MATCH_RE, {"__name__", 8}, {"predicted_load_future|model_input", 33}}};
    static const struct ax_read_query q[] = {{0, INT64_MAX, m, 1}};
    static const char *const headers[] = {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                                          NULL};
    char url[64];
    struct ax_buf message, body;
    ax_buf_init(&message, 1 << 16);
    ax_buf_init(&body, 1 << 16);
    ax_read_request_write(q, 1, &message);
    assert_int_equal(ax_snappy_compress(ax_buf_view(&message), &body), AX_OK);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/api/v1/read", w->port);
    long status = write_ask(url, "POST", headers, ax_buf_view(&body)).status;
    ax_buf_done(&message);
    ax_buf_done(&body);
    return status;
}

/* Look at everything that there is to see, and ask what can be asked. */
static void *look_often(void *world)
{
    static const struct visit visits[VISITS] = {
        {.path = "/"},
        {.path = "/metrics"},
        {.path = "/-/ready"},
        {.path = "/api/v1/status/jobs"},
        {.path = "/api/v1/status/config"},
        {.path = "/api/v1/features?job=kept"},
        {.path = "/api/v1/features/export?job=kept"},
        {.path = "/api/v1/features/statistics?job=kept"},
        {.path = "/api/v1/predict", .body = "{\"job\": \"kept\"}"},
        {.path = "/api/v1/explain?series=%7Bfor%3D%22kept%22%7D"},
        {.path = "/api/v1/models"},
        {.path = "/api/v1/models/audit"},
    };
    struct world *w = world;
    struct visitor *v = visitor_new(w->port);
    for (size_t i = 0; !atomic_load(&w->over); i++) {
        size_t which = i % (VISITS + 1);
        long status = which < VISITS ? visitor_ask(v, &visits[which]) : read_paths(w);
        if (status == 200)
            (void)atomic_fetch_or(&w->answered, 1u << which);
        ax_sleep_ns(5000000);
    }
    visitor_free(v);
    return NULL;
}

static void open_world(struct world *w)
{
    const struct ax_http_options o = {.listen_address = "127.0.0.1:0"};
    *w = (struct world){.port = free_port()};
    scratch_make(w->folder, NULL);
    assert_int_equal(ax_http_server_start(&o, sink_routes, 1, &w->sink, NULL), AX_OK);
    write_config(w, 0);
}

static void start(struct world *w)
{
    assert_int_equal(pthread_create(&w->serving, NULL, serve, w), 0);
    struct visitor *v = visitor_new(w->port);
    for (int i = 0; i < 6000 && visitor_ask(v, &(struct visit){.path = "/-/ready"}) != 200; i++)
        ax_sleep_ns(10000000);
    assert_int_equal(visitor_ask(v, &(struct visit){.path = "/-/ready"}), 200);
    visitor_free(v);
}

static void stop(struct world *w)
{
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(pthread_join(w->serving, NULL), 0);
    assert_int_equal(w->status, 0);
}

static void it_serves_reloads_and_stops_under_load_and_starts_again(void **state)
{
    (void)state;
    struct world w;
    pthread_t writers[WRITERS], looker;
    open_world(&w);
    start(&w);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_often, &w), 0);
    assert_int_equal(pthread_create(&looker, NULL, look_often, &w), 0);
    while (atomic_load(&w.taken) < 20 || atomic_load(&sunk) < 2)
        ax_sleep_ns(10000000);
    struct visitor *v = visitor_new(w.port);
    for (int i = 1; i <= RELOADS; i++) {
        write_config(&w, i % 2);
        for (int k = 0; i % 3 == 0 && k < 20; k++) /* both ways at once, and while one is under way */
            assert_int_equal(kill(getpid(), SIGHUP), 0);
        assert_int_equal(visitor_ask(v, &(struct visit){.path = "/-/reload", .body = ""}), 200);
        ax_sleep_ns(50000000);
    }
    visitor_free(v);
    assert_int_equal(atomic_load(&w.refused), 0); /* nobody was turned away so far */
    unsigned before = atomic_load(&w.taken);
    while (atomic_load(&w.taken) < before + 20 || atomic_load(&w.answered) != (2u << VISITS) - 1)
        ax_sleep_ns(10000000);
    stop(&w); /* while all write and look */
    start(&w);
    before = atomic_load(&w.taken);
    while (atomic_load(&w.taken) < before + 20)
        ax_sleep_ns(10000000);
    stop(&w);
    atomic_store(&w.over, true);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    assert_int_equal(pthread_join(looker, NULL), 0);
    ax_http_server_stop(w.sink, 1000);
    scratch_remove(w.folder);
}

/* The files of the endpoints' positions, by name and number. */
static void list_positions(const struct world *w, char *out, size_t cap)
{
    char dir[SCRATCH_PATH + 64];
    size_t n = 0;
    (void)snprintf(dir, sizeof dir, "%s/data/outgoing", w->folder);
    struct dirent **entries = NULL;
    int entries_n = scandir(dir, &entries, NULL, alphasort);
    assert_true(entries_n > 0);
    for (int i = 0; i < entries_n; i++) {
        if (strstr(entries[i]->d_name, ".position"))
            n += (size_t)snprintf(out + n, cap - n, "%s=%llu ", entries[i]->d_name,
                                  (unsigned long long)entries[i]->d_ino);
        free(entries[i]);
    }
    free((void *)entries);
}

/* What is in force: the jobs' configuration and the positions in the outgoing log. */
static char *in_force(const struct world *w, struct visitor *v)
{
    char *text = NULL, positions[1024] = "";
    struct visit config = {.path = "/api/v1/status/config"};
    assert_int_equal(visitor_ask(v, &config), 200);
    list_positions(w, positions, sizeof positions);
    assert_true(asprintf(&text, "%s\n%s", visitor_body(v), positions) > 0);
    return text;
}

/* Have the registry of a process that has ended refuse to keep one value. */
static void refuse_two_approvals(const struct world *w)
{
    static const char sql[] =
        "CREATE TRIGGER refuse BEFORE INSERT ON setting WHEN NEW.name = 'approvals' AND NEW.value = 2 "
        "BEGIN SELECT RAISE(ABORT, 'not two'); END";
    char models[SCRATCH_PATH + 64];
    sqlite3 *db = NULL;
    (void)snprintf(models, sizeof models, "%s/data/models/models.db", w->folder);
    assert_int_equal(sqlite3_open(models, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_reload_that_cannot_be_whole_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    start(&w);
    stop(&w);
    refuse_two_approvals(&w);
    start(&w);
    struct visitor *v = visitor_new(w.port);
    char *before = in_force(&w, v);
    /* A registry that does not take the limits: nor is the endpoint another one, whose queue would begin
     * anew. */
    write_config_with(&w, 1, "/elsewhere", "models: {approvals: 2}\n");
    assert_int_equal(visitor_ask(v, &(struct visit){.path = "/-/reload", .body = ""}), 500);
    assert_non_null(strstr(visitor_body(v), "not two"));
    char *after = in_force(&w, v);
    assert_string_equal(after, before);
    free(after);
    /* An endpoint for history whose client cannot be made. */
    write_config_with(
        &w, 1, "/elsewhere",
        "remote_read: [{url: http://h, basic_auth: {username: u, password_file: /nonexistent/p}}]\n");
    assert_int_equal(visitor_ask(v, &(struct visit){.path = "/-/reload", .body = ""}), 500);
    after = in_force(&w, v);
    assert_string_equal(after, before);
    free(after);
    write_config_with(&w, 1, "/elsewhere", "");
    assert_int_equal(visitor_ask(v, &(struct visit){.path = "/-/reload", .body = ""}), 200);
    after = in_force(&w, v);
    assert_string_not_equal(after, before);
    free(after);
    free(before);
    visitor_free(v);
    stop(&w);
    ax_http_server_stop(w.sink, 1000);
    scratch_remove(w.folder);
}

int main(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* for the thread that serves to wait for */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_serves_reloads_and_stops_under_load_and_starts_again),
        cmocka_unit_test(a_reload_that_cannot_be_whole_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
