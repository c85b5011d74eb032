/* A process that is killed at any moment leaves the registry whole, and a disk that is full leaves it as it
 * was. */
#include "ax_test.h"
#include "base/rng.h"
#include "registry/registry.h"
#include "scratch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILLS 40

static struct ax_registry *open_at(const char *dir, struct ax_diag *diag)
{
    struct ax_registry *r = NULL;
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall(), .keep = 4};
    return ax_registry_open(&options, &r, diag) == AX_OK ? r : NULL;
}

static enum ax_err add(struct ax_registry *r, uint32_t i, struct ax_model_ref *ref, struct ax_diag *diag)
{
    static char artifact[50000];
    const struct ax_registry_by by = {ax_str("test"), ax_str("")};
    const struct ax_model_draft d = {.name = ax_str("job/kind"), .samples = i};
    memset(artifact, 'a', sizeof artifact);
    memcpy(artifact, &i, sizeof i);
    return ax_registry_add(r, &d, (struct ax_str){artifact, sizeof artifact}, &by, ref, diag);
}

/* Register, promote and roll back until killed; what is done is told, a byte for each version promoted. */
static void work(const char *dir, uint32_t seed, int tell)
{
    const struct ax_registry_by by = {ax_str("test"), ax_str("")};
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    struct ax_registry *r = open_at(dir, &diag);
    for (uint32_t i = 0; r; i++) {
        if (add(r, seed * 100000 + i, &ref, &diag) != AX_OK ||
            ax_registry_move(r, ax_str("job/kind"), ax_str(ref.version), AX_STAGE_PRODUCTION, &by, &ref,
                             &diag) != AX_OK ||
            (i % 3 == 2 && ax_registry_rollback(r, ax_str("job/kind"), &by, &ref, &diag) != AX_OK))
            break;
        (void)!write(tell, "+", 1);
    }
    (void)fprintf(stderr, "%s\n", diag.text);
    _exit(1);
}

static void a_kill_at_any_moment_leaves_it_whole(void **state)
{
    char dir[SCRATCH_PATH], done[4096];
    struct ax_rng rng;
    uint32_t promoted = 0;
    (void)state;
    scratch_make(dir, NULL);
    ax_rng_seed(&rng, 7);
    for (uint32_t i = 0; i < KILLS; i++) {
        int tell[2], status;
        assert_int_equal(pipe(tell), 0);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            work(dir, i, tell[1]);
        (void)usleep((useconds_t)(5000 + ax_rng_u64(&rng) % 60000));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        (void)close(tell[1]);
        for (ssize_t n; (n = read(tell[0], done, sizeof done)) > 0;)
            promoted += (uint32_t)n;
        (void)close(tell[0]);
        struct ax_diag diag = {{0}};
        struct ax_registry_report report = {0};
        struct ax_registry *r = open_at(dir, &diag);
        if (!r || ax_registry_verify(r, &report, &diag) != AX_OK)
            fail_msg("after kill %u: %s", i, diag.text);
        assert_true(report.versions >= promoted);
        ax_registry_close(r);
        assert_true(scratch_count(dir, ".model") == report.artifacts);
    }
    assert_true(promoted > 0);
    scratch_remove(dir);
}

/* Files cannot grow any more: what a disk that is full looks like, without one. */
static void a_full_disk_is_said_and_nothing_has_changed(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    struct ax_registry_report before, after;
    struct rlimit limit, small;
    (void)state;
    scratch_make(dir, NULL);
    (void)signal(SIGXFSZ, SIG_IGN);
    struct ax_registry *r = open_at(dir, &diag);
    assert_non_null(r);
    assert_int_equal(add(r, 1, &ref, &diag), AX_OK);
    assert_int_equal(ax_registry_verify(r, &before, &diag), AX_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    for (rlim_t bytes = 1000; bytes <= 61000;
         bytes += 20000) { /* the artifact, then the database, does not fit */
        small = (struct rlimit){bytes, limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        diag.text[0] = '\0';
        const enum ax_err err = add(r, 2, &ref, &diag);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(err, AX_IO);
        assert_true(diag.text[0] != '\0');
        assert_int_equal(ax_registry_verify(r, &after, &diag), AX_OK);
        assert_string_equal(before.head, after.head);
        assert_int_equal(scratch_count(dir, ".model"), 1);
        assert_int_equal(scratch_count(dir, ".tmp"), 0);
    }
    assert_int_equal(add(r, 2, &ref, &diag), AX_OK);
    assert_string_equal(ref.version, "1.0.1");
    ax_registry_close(r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_at_any_moment_leaves_it_whole),
        cmocka_unit_test(a_full_disk_is_said_and_nothing_has_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
