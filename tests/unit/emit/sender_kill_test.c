/* Killed at any moment and started again, otherwise configured, it leaves no hole and sends nothing that a
 * Prometheus refuses.
 *
 * This program starts itself as the process to be killed: it steps two jobs, as the pipeline does, from a
 * little before where it was when it died. */
#include "ax_test.h"
#include "base/parse.h"
#include "base/rng.h"
#include "emitting.h"
#include "strict.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 60
#define REPLAYED 3 /* steps before the newest that a life begins with */
#define SERIES_A 23
#define SERIES_B 4
#define STEPS_MORE 40 /* of the life that is not killed */

extern char **environ;

static double value_of(char job, int i, int64_t step)
{
    return (double)(step * 1000 + i) + (job == 'a' ? 0 : 0.5);
}

/* The process that is killed. */

static struct ax_out *open_one(const struct ax_sink *sink, char job, int i)
{
    char name[8], number[16];
    (void)snprintf(name, sizeof name, "%c", job);
    (void)snprintf(number, sizeof number, "%d", i);
    struct ax_label pairs[] = {{ax_str(AX_METRIC_NAME), ax_str(name)}, {ax_str("i"), ax_str(number)}};
    struct ax_labels labels = {2, pairs};
    return sink->open(sink->ctx, &labels);
}

/* Every fifth step of b ends its series, which go on with the next. */
static bool ends(char job, int64_t step)
{
    return job == 'b' && step % 5 == 0;
}

static bool step_job(const struct ax_sink *sink, char job, int n, int64_t step)
{
    struct ax_diag diag;
    char unit[2] = {job, '\0'};
    for (int i = 0; i < n; i++) {
        struct ax_out *out = open_one(sink, job, i);
        if (!out)
            return false;
        sink->put(sink->ctx, out, step * 10, value_of(job, i, step));
        sink->close(sink->ctx, out, ends(job, step) ? step * 10 + 1 : INT64_MIN);
    }
    return sink->commit(sink->ctx, ax_str(unit), step * 10, &diag) == AX_OK;
}

static bool number(const char *text, int64_t *out)
{
    return ax_parse_i64(ax_str(text), out) == AX_OK;
}

/* URL, folder, file of the newest step, seed, and the last step (0: none). */
static int live(char **argv)
{
    int64_t seed, last, done = 0;
    int file = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || !number(argv[3], &seed) || !number(argv[4], &last) ||
        pread(file, &done, sizeof done, 0) < 0)
        return 2;
    struct ax_rng rng;
    ax_rng_seed(&rng, (uint64_t)seed);
    struct ax_remote_write w = emitting_endpoint(argv[0]);
    w.max_shards = 1 + (uint32_t)(ax_rng_double(&rng) * 5);
    w.max_samples_per_send = 1 + (uint32_t)(ax_rng_double(&rng) * 40);
    w.batch_send_deadline_ms = 1;
    const struct ax_emit_options options = {
        .endpoints = &w, .endpoints_n = 1, .dir = argv[1], .max_bytes = 1u << 24, .clock = ax_clock_wall()};
    struct ax_emit *emit;
    struct ax_diag diag = {{0}};
    if (ax_emit_start(&options, &emit, &diag) != AX_OK) {
        (void)fprintf(stderr, "%s\n", diag.text);
        return 3;
    }
    struct ax_sink sink = ax_emit_sink(emit);
    for (int64_t step = done > REPLAYED ? done - REPLAYED : 1; !last || step <= last; step++) {
        if (!step_job(&sink, 'a', SERIES_A, step) || !step_job(&sink, 'b', SERIES_B, step))
            return 4;
        if (step > done && pwrite(file, &step, sizeof step, 0) != sizeof step)
            return 5;
        ax_sleep_ns(200000);
    }
    while (ax_emit_pending(emit)) /* however long it takes on a busy machine */
        ax_sleep_ns(1000000);
    ax_emit_stop(emit, SOON_MS);
    return 0;
}

/* The one that kills. */

struct life {
    pid_t pid;
    char dir[SCRATCH_PATH], file[SCRATCH_PATH];
};

static void begin(struct life *l, const struct strict *r, int64_t seed, int64_t last)
{
    char url[64], seed_text[24], last_text[24];
    char program[] = "/proc/self/exe", mode[] = "--live";
    (void)snprintf(url, sizeof url, "%s", strict_url(r));
    (void)snprintf(seed_text, sizeof seed_text, "%lld", (long long)seed);
    (void)snprintf(last_text, sizeof last_text, "%lld", (long long)last);
    char *argv[] = {program, mode, url, l->dir, l->file, seed_text, last_text, NULL};
    assert_int_equal(posix_spawn(&l->pid, program, NULL, NULL, argv, environ), 0);
}

static int64_t newest_step(const struct life *l)
{
    size_t n;
    int64_t step = 0;
    uint8_t *bytes = scratch_read(l->file, &n);
    if (n == sizeof step)
        memcpy(&step, bytes, sizeof step);
    free(bytes);
    return step;
}

static void assert_whole(struct strict *r, char job, int i, int64_t last)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%c{i=\"%d\"}", job, i);
    const struct strict_series *s = strict_find(r, text);
    assert_non_null(s);
    uint32_t k = 0;
    for (int64_t step = 1; step <= last; step++) {
        assert_true(k < s->n);
        assert_true(s->v[k].t_ms == step * 10 && s->v[k].value == value_of(job, i, step));
        k++;
        if (!ends(job, step))
            continue;
        assert_true(k < s->n);
        assert_true(s->v[k].t_ms == step * 10 + 1 && ax_is_stale(s->v[k].value));
        k++;
    }
    assert_int_equal(k, s->n);
}

static void killed_at_any_moment_it_leaves_no_hole_and_nothing_is_refused(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct life l = {0};
    struct ax_rng rng;
    int status;
    ax_rng_seed(&rng, 7);
    char folder[SCRATCH_PATH];
    scratch_make(folder, NULL);
    scratch_in(l.dir, folder, "outgoing");
    scratch_in(l.file, folder, "step");
    scratch_write(l.file, "", 0);
    for (int round = 0; round < ROUNDS; round++) {
        strict_be(r, round % 3 == 0 ? STRICT_DOUBTFUL : round % 7 == 1 ? STRICT_AWAY : STRICT_WELL);
        int64_t before = newest_step(&l), steps = (int64_t)(ax_rng_double(&rng) * 20);
        begin(&l, r, round, 0);
        while (steps > 4 && newest_step(&l) < before + steps) /* else it is killed while it starts */
            ax_sleep_ns(100000);
        ax_sleep_ns((int64_t)(ax_rng_double(&rng) * 10e6));
        assert_int_equal(kill(l.pid, SIGKILL), 0);
        assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
        assert_true(WIFSIGNALED(status));
    }
    strict_be(r, STRICT_WELL);
    int64_t last = newest_step(&l) + STEPS_MORE;
    begin(&l, r, ROUNDS, last);
    assert_int_equal(waitpid(l.pid, &status, 0), l.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    struct strict_counts counts = strict_counts(r);
    assert_int_equal(counts.broken, 0);
    assert_int_equal(counts.doubled, 0);
    for (int i = 0; i < SERIES_A; i++)
        assert_whole(r, 'a', i, last);
    for (int i = 0; i < SERIES_B; i++)
        assert_whole(r, 'b', i, last);
    strict_stop(r);
    scratch_remove(folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_it_leaves_no_hole_and_nothing_is_refused),
    };
    if (argc == 7 && strcmp(argv[1], "--live") == 0)
        return live(argv + 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
