/* What the receiver answers 2xx is in the log, whatever happens to the process; what the log does not take is
 * answered 503. */
#include "ax_test.h"
#include "base/rng.h"
#include "scratch.h"
#include "store/records.h"
#include "write_server.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SERIES 40

/* A fresh world filled from the folder's log. */
static void read_back(struct series_world *w)
{
    struct ax_seglog *log = test_log(scratch_folder);
    struct ax_restore_report report;
    series_world_open(w, 99, "load");
    series_world_replay(w, log, &report);
    assert_int_equal(report.unknown_samples, 0);
    ax_seglog_close(log);
}

static void a_request_is_one_record_and_unwanted_ones_are_none(void **state)
{
    (void)state;
    struct series_world w, again;
    struct write_server s;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, 1, "load");
    write_server_start(&s, &w, log, NULL);
    for (uint32_t i = 0; i < 6; i++) {
        struct write_answer a = write_server_post(s.url, (int)(1 + i % 2), i, SERIES);
        write_assert_status(&a, 204);
    }
    write_server_stop(&s);
    struct ax_restore *r;
    series_world_open(&again, 2, "load");
    assert_int_equal(ax_restore_new(again.db, &r), AX_OK);
    assert_int_equal(test_replay(log, 0, r), 6);
    ax_restore_end(r, NULL);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    uint64_t end = ax_seglog_end(log);
    series_world_open(&w, 1, "something_else");
    write_server_start(&s, &w, log, NULL);
    struct write_answer a = write_server_post(s.url, 1, 0, SERIES);
    write_assert_status(&a, 204);
    assert_true(ax_seglog_end(log) == end);
    write_server_stop(&s);
    series_world_close(&w);
    ax_seglog_close(log);
}

static void a_log_that_fails_is_503_and_the_same_request_again_heals_it(void **state)
{
    (void)state;
    struct series_world w, again;
    struct write_server s;
    struct ax_seglog *log = test_log(scratch_folder);
    struct rlimit before;
    double failures = ax_metric_get(ax_metric(AX_M_WAL_FAILURES, NULL, NULL));
    series_world_open(&w, 1, "load");
    write_server_start(&s, &w, log, NULL);
    struct write_answer a = write_server_post(s.url, 1, 0, SERIES);
    write_assert_status(&a, 204);
    /* A limit on the size of files is as good as a full disk. */
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit full = {64, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    for (int version = 1; version <= 2; version++) {
        a = write_server_post(s.url, version, 1, SERIES + 1);
        write_assert_status(&a, 503);
        write_assert_says(&a, "send it again");
        assert_string_equal(a.retry_after, "5");
        assert_int_equal(a.samples, version == 2 ? 0 : -1);
    }
    assert_true(ax_metric_get(ax_metric(AX_M_WAL_FAILURES, NULL, NULL)) == failures + 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    read_back(&again); /* nothing of the failed ones is in the log */
    struct ax_sample kept[4];
    uint32_t n;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(again.db, again.selector, &n, &epoch);
    assert_int_equal(n, SERIES - SERIES / 8);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(ax_db_read(again.db, members[i], 0, INT64_MAX, kept, 4), 1);
    series_world_close(&again);
    a = write_server_post(s.url, 1, 1, SERIES + 1);
    write_assert_status(&a, 204);
    a = write_server_post(s.url, 2, 2, SERIES + 1);
    write_assert_status(&a, 204);
    write_server_stop(&s);
    read_back(&again);
    series_world_assert_same(&w, &again);
    series_world_close(&again);
    series_world_close(&w);
    ax_seglog_close(log);
}

/* ---- the process killed ---- */

/* What listens until it is killed; tells its port through the pipe. */
static void serve(int to_parent)
{
    struct series_world w;
    struct write_server s;
    struct ax_seglog *log = test_log(scratch_folder);
    series_world_open(&w, (uint64_t)getpid(), "load");
    series_world_replay(&w, log, NULL);
    write_server_start(&s, &w, log, NULL);
    if (write(to_parent, s.url, sizeof s.url) != (ssize_t)sizeof s.url)
        _exit(1);
    for (;;)
        (void)pause();
}

/* A process that kills another one at its time. */
static pid_t kill_later(pid_t victim, uint32_t us)
{
    pid_t pid = fork();
    if (pid == 0) {
        const struct timespec t = {.tv_nsec = (long)us * 1000};
        (void)nanosleep(&t, NULL);
        (void)kill(victim, SIGKILL);
        _exit(0);
    }
    return pid;
}

/* One life of the server: sends requests from number `from` on until there is no answer. Returns the number
 * of the request that was not answered. */
static uint32_t live_and_die(uint32_t from, uint32_t us, uint32_t series_n)
{
    int ends[2];
    char url[64];
    assert_int_equal(pipe(ends), 0);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0)
        serve(ends[1]);
    assert_int_equal(read(ends[0], url, sizeof url), sizeof url);
    pid_t killer = kill_later(server, us);
    assert_true(killer >= 0);
    uint32_t i = from;
    for (;; i++) {
        struct write_answer a = write_server_post(url, (int)(1 + i % 2), i, series_n);
        if (a.status == 0)
            break;
        write_assert_status(&a, 204);
    }
    (void)waitpid(server, NULL, 0);
    (void)waitpid(killer, NULL, 0);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return i;
}

static void what_was_answered_2xx_is_there_after_any_kill(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, (uint64_t)time(NULL));
    uint32_t next = 0, series_n[12];
    struct series_world w;
    for (uint32_t life = 0; life < 12; life++) {
        /* New series come in every life; the request that got no answer is sent again first. */
        uint32_t from = next;
        series_n[life] = SERIES + 20 * life;
        next = live_and_die(from, (uint32_t)ax_rng_below(&rng, 40000), series_n[life]);
        read_back(&w);
        for (uint32_t i = from; i < next; i++)
            write_server_assert_kept(&w, i, series_n[life]);
        series_world_close(&w);
    }
    assert_true(next > 12);
}

int main(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 1;
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, scratch_begin, scratch_end)
        T(what_was_answered_2xx_is_there_after_any_kill),
        T(a_request_is_one_record_and_unwanted_ones_are_none),
        T(a_log_that_fails_is_503_and_the_same_request_again_heals_it),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
