/* The whole process while memory runs out in its start or in a reload: a start ends with a status or serves,
 * a reload is whole or not at all, and the next one works. Allocations of all its threads count. */
#include "app/commands.h"
#include "ax_test.h"
#include "base/clock.h"
#include "failing.h"
#include "scratch.h"
#include "series_world.h"
#include "visitor.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST 40  /* allocations that fail one by one from the first on */
#define TRIES 300 /* and about so many of those behind them */

/* The process. */
struct world {
    char folder[SCRATCH_PATH], flags[5][SCRATCH_PATH + 64];
    uint16_t port;
    pthread_t serving;
    atomic_int status; /* of its end; -1: it runs */
    struct visitor *visitor;
};

static void *serve(void *world)
{
    struct world *w = world;
    char *argv[] = {(char[]){"serve"}, w->flags[0], w->flags[1], w->flags[2], w->flags[3], w->flags[4], NULL};
    atomic_store(&w->status, ax_cmd_serve(6, argv));
    return NULL;
}

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

static void write_config(const struct world *w, uint32_t which)
{
    char path[SCRATCH_PATH + 64];
    (void)snprintf(path, sizeof path, "%s/auspex.yml", w->folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    (void)fprintf(
        f,
        "remote_write: [{url: http://127.0.0.1:9/write}]\n"
        "jobs:\n"
        "- {name: kept, expr: load, forecast: {output: predicted_load, horizons: [1m]}, anomaly: {}}\n"
        "- {name: job%u, expr: sum(load), anomaly: {}, drift: {}}\n",
        which);
    assert_int_equal(fclose(f), 0);
}

static void open_world(struct world *w)
{
    *w = (struct world){.port = free_port()};
    scratch_make(w->folder, NULL);
    write_config(w, 0);
    (void)snprintf(w->flags[0], sizeof w->flags[0], "--config.file=%s/auspex.yml", w->folder);
    (void)snprintf(w->flags[1], sizeof w->flags[1], "--storage.path=%s/data", w->folder);
    (void)snprintf(w->flags[2], sizeof w->flags[2], "--web.listen-address=127.0.0.1:%u", w->port);
    (void)snprintf(w->flags[3], sizeof w->flags[3], "--web.enable-lifecycle");
    (void)snprintf(w->flags[4], sizeof w->flags[4], "--debug.allow-core-dumps");
    w->visitor = visitor_new(w->port);
}

static void close_world(struct world *w)
{
    visitor_free(w->visitor);
    scratch_remove(w->folder);
}

/* Start it and wait until it serves or has ended. */
static bool start(struct world *w)
{
    const struct visit ready = {.path = "/-/ready"};
    atomic_store(&w->status, -1);
    assert_int_equal(pthread_create(&w->serving, NULL, serve, w), 0);
    while (atomic_load(&w->status) < 0 && visitor_ask(w->visitor, &ready) != 200)
        ax_sleep_ns(2000000);
    return atomic_load(&w->status) < 0;
}

static void stop(struct world *w)
{
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(pthread_join(w->serving, NULL), 0);
    assert_int_equal(atomic_load(&w->status), 0);
}

/* The next of the allocations to fail, of n. */
static uint32_t after(uint32_t nth, uint32_t n)
{
    return nth < FIRST ? nth + 1 : nth + 1 + n / TRIES;
}

static void a_start_without_memory_ends_or_serves(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
    assert_true(start(&w));
    uint32_t n = failing_calls(), ended = 0;
    (void)failing_end();
    stop(&w);
    for (uint32_t nth = 1; nth <= n; nth = after(nth, n)) {
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        bool serves = start(&w);
        (void)failing_end();
        if (serves) {
            stop(&w);
        } else {
            assert_int_equal(pthread_join(w.serving, NULL), 0);
            assert_in_range(atomic_load(&w.status), 1, 2);
            ended++;
        }
    }
    assert_true(ended > 20);
    assert_true(start(&w));
    stop(&w);
    close_world(&w);
}

/* Is it this configuration that is in force? */
static bool in_force(struct world *w, uint32_t which)
{
    char name[16];
    (void)snprintf(name, sizeof name, "job%u", which);
    assert_int_equal(visitor_insist(w->visitor, &(struct visit){.path = "/api/v1/status/config"}), 200);
    return strstr(visitor_body(w->visitor), name) != NULL;
}

static void a_reload_without_memory_is_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct visit reload = {.path = "/-/reload", .body = ""};
    struct world w;
    open_world(&w);
    assert_true(start(&w));
    failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
    assert_int_equal(visitor_ask(w.visitor, &reload), 200);
    uint32_t n = failing_calls(), refused = 0, now = 0, next = 1;
    (void)failing_end();
    for (uint32_t nth = 1; nth <= n; nth = after(nth, n), next++) {
        write_config(&w, next);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        int status = visitor_ask(w.visitor, &reload);
        (void)failing_end();
        if (status == 200)
            now = next;
        else
            refused++;
        if (!in_force(&w, now) && status > 0)
            fail_msg("allocation %u of %u fails: %d, and job%u is not in force", nth, n, status, now);
        assert_int_equal(visitor_ask(w.visitor, &reload), 200);
        assert_true(in_force(&w, next));
        now = next;
    }
    assert_true(refused > 20);
    stop(&w);
    close_world(&w);
}

int main(void)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_start_without_memory_ends_or_serves),
        cmocka_unit_test(a_reload_without_memory_is_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
