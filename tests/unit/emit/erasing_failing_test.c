/* An erasure that fails says so, and the same again brings it to its end. */
#include "ax_test.h"
#include "emitting.h"
#include "failing.h"
#include "received.h"
#include "scratch.h"

#include <stdlib.h>
#include <string.h>

#define SELECTOR "{host=\"secret\"}"
#define SECRET "m{host=\"secret\"}"
#define OTHER "m{host=\"other\"}"
#define VALUE 8765.4321 /* of what is erased */
#define COMMITS 6

static enum ax_err erase(const struct emitting *e, struct ax_diag *diag)
{
    uint64_t samples = 0;
    return e->sink.erase(e->sink.ctx, ax_str(SELECTOR), &samples, diag);
}

/* What is erased is in more than one segment, and has not been committed in part. */
static void fill(struct emitting *e)
{
    struct ax_out *secret = emitting_open(e, SECRET), *other = emitting_open(e, OTHER);
    struct ax_diag diag = {{0}};
    uint64_t samples = 0;
    for (int64_t i = 1; i <= COMMITS + 1; i++) {
        emitting_put(e, secret, 1000 * i, VALUE);
        emitting_put(e, other, 1000 * i, (double)i);
        if (i <= COMMITS)
            emitting_commit(e);
        if (i == COMMITS / 2) /* of nothing; but a segment ends by it */
            assert_int_equal(e->sink.erase(e->sink.ctx, ax_str("{host=\"nobody\"}"), &samples, &diag), AX_OK);
    }
}

static void require_gone(const struct emitting *e)
{
    const double value = VALUE;
    for (size_t i = 0; i < scratch_count(e->dir, ""); i++) {
        char name[SCRATCH_PATH], path[SCRATCH_PATH];
        size_t n;
        scratch_name(name, e->dir, "", i);
        scratch_in(path, e->dir, name);
        uint8_t *all = scratch_read(path, &n);
        assert_null(memmem(all, n, "secret", 6));
        assert_null(memmem(all, n, &value, sizeof value));
        free(all);
    }
}

static void without_memory_it_fails_and_the_same_again_erases_all(void **state)
{
    (void)state;
    uint32_t failures = 0;
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        struct emitting e = emitting_start(NULL, 0, NULL);
        struct ax_diag diag = {{0}};
        fill(&e);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth, .times = 1});
        const enum ax_err err = erase(&e, &diag);
        failed = failing_end();
        assert_int_equal(err, failed ? AX_NOMEM : AX_OK);
        failures += failed;
        if (failed)
            assert_int_equal(erase(&e, &diag), AX_OK);
        emitting_commit(&e);
        require_gone(&e);
        emitting_stop(&e, 0);
    }
    assert_true(failures > 5);
}

static void senders_that_got_no_thread_are_revived_by_the_next(void **state)
{
    static const struct answer accept[] = {{.status = 204}};
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_diag diag = {{0}};
    for (int round = 0; round < 2; round++) {
        failing_begin(&(struct failing){.kinds = FAILING_THREAD, .nth = 1, .times = round ? 1 : UINT32_MAX});
        assert_int_equal(erase(&e, &diag), AX_NOMEM);
        assert_true(failing_end() > 0);
    }
    assert_int_equal(erase(&e, &diag), AX_OK);
    struct ax_out *out = emitting_open(&e, OTHER);
    emitting_put(&e, out, 1000, 1);
    emitting_commit(&e);
    emitting_drain(&e);
    assert_int_equal(receiver_count(r), 1);
    emitting_stop(&e, SOON_MS);
    receiver_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_it_fails_and_the_same_again_erases_all),
        cmocka_unit_test(senders_that_got_no_thread_are_revived_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
