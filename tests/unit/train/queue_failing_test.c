/* The queue of fits while memory, files or threads fail, each call in turn: a fit is refused with its data,
 * or ends with its artifact in the store or with a reason; nothing is lost, and the next one goes on. */
#include "ax_test.h"
#include "failing.h"
#include "nn/model_file.h"
#include "registry/digest.h"
#include "scratch.h"
#include "toy_kind.h"
#include "train/queue.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static enum ax_err toy_scores(struct ax_str artifact, struct ax_fit_scores *out, struct ax_diag *diag)
{
    struct ax_nn_file *f = NULL;
    float mean = 0;
    const enum ax_err err = ax_nn_file_parse(artifact, &f, diag);
    if (err == AX_OK && ax_nn_file_floats(f, "mean", &mean, 1))
        *out = (struct ax_fit_scores){.loss = fabs((double)mean - 3)};
    ax_nn_file_free(f);
    return err;
}

static void toy_set(void *data, const double *x)
{
    ((struct toy_data *)data)->mean = x[0];
}

static const struct ax_search_param searched[] = {{"mean", AX_SEARCH_LINEAR, 0, 10}};

/* Is what a fit that is done has made in the store? */
static void require_stored(const struct ax_artifacts *store, const struct ax_fit *f)
{
    char sha256[AX_SHA256_TEXT];
    struct ax_buf kept;
    ax_sha256_text(ax_fit_artifact(f), sha256);
    ax_buf_init(&kept, AX_ARTIFACT_MAX);
    assert_int_equal(store->get(store->ctx, sha256, &kept, NULL), AX_OK);
    ax_buf_done(&kept);
}

/* A fit with a search of some trials, with the nth call failing; false when none did. */
static bool try(const struct ax_artifacts *store, const char *dir, unsigned kinds, uint32_t nth,
                uint32_t *refused)
{
    struct ax_train_kind kind = toy_kind;
    struct ax_training *t = NULL;
    struct ax_fit *f = NULL, *next = NULL;
    struct ax_diag diag = {{0}};
    kind.scores = toy_scores;
    kind.set = toy_set;
    kind.params = searched;
    kind.params_n = 1;
    const struct ax_training_options o = {
        .artifacts = *store, .cpu_share = 1, .bytes_max = 10, .states = dir, .synchronous = true};
    struct ax_fit_task task = {.kind = &kind,
                               .about = {.job = "job", .kind = "toy", .feature = ""},
                               .data = toy_data(1, 7, "a"),
                               .bytes = 10,
                               .seed = 42,
                               .search = {.trials = 3}};
    struct toy_data *data = task.data;
    failing_begin(&(struct failing){.kinds = kinds, .nth = nth, .error = ENOSPC});
    enum ax_err err = ax_training_start(&o, &t, &diag);
    const bool started = err == AX_OK;
    if (started)
        err = ax_training_offer(t, &task, &f, &diag);
    const bool failed = failing_end() > 0;
    assert_true((err == AX_OK) == (f != NULL));
    assert_true(err == AX_OK || (failed && diag.text[0]));
    if (f && ax_fit_look(f) == AX_FIT_DONE) {
        require_stored(store, f);
    } else if (f) {
        assert_int_equal(ax_fit_look(f), AX_FIT_FAILED);
        assert_true(failed && ax_fit_error(f) != AX_OK);
    } else {
        toy_kind.free_data(data); /* which stayed the caller's */
    }
    *refused += !f || ax_fit_look(f) == AX_FIT_FAILED;
    ax_fit_drop(f);
    if (started) { /* there is room again, and the next one goes on */
        task.data = toy_data(2, 8, "a");
        assert_int_equal(ax_training_offer(t, &task, &next, &diag), AX_OK);
        assert_int_equal(ax_fit_look(next), AX_FIT_DONE);
        require_stored(store, next);
        ax_fit_drop(next);
    }
    ax_training_stop(t);
    assert_int_equal(toy_alive(), 0);
    return failed;
}

static void try_all(unsigned kinds)
{
    char dir[SCRATCH_PATH];
    uint32_t refused = 0, nth = 1;
    scratch_make(dir, NULL);
    const struct ax_artifacts store = ax_artifact_files(dir);
    while (try(&store, dir, kinds, nth, &refused))
        nth++;
    assert_true(nth > 3 && refused > 0);
    scratch_empty(dir);
    scratch_remove(dir);
}

static void without_memory_a_fit_is_refused_or_says_why(void **state)
{
    (void)state;
    try_all(FAILING_MEMORY);
}

static void on_a_disk_that_is_full_a_fit_says_why(void **state)
{
    (void)state;
    try_all(FAILING_IO);
}

static void without_a_thread_there_is_no_queue_and_a_text(void **state)
{
    (void)state;
    struct ax_training *t = NULL;
    struct ax_diag diag = {{0}};
    const struct ax_training_options o = {.cpu_share = 1, .bytes_max = 10};
    failing_begin(&(struct failing){.kinds = FAILING_THREAD, .nth = 1});
    const enum ax_err err = ax_training_start(&o, &t, &diag);
    assert_int_equal(failing_end(), 1);
    assert_int_equal(err, AX_IO);
    assert_null(t);
    assert_true(diag.text[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_a_fit_is_refused_or_says_why),
        cmocka_unit_test(on_a_disk_that_is_full_a_fit_says_why),
        cmocka_unit_test(without_a_thread_there_is_no_queue_and_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
