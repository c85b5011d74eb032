/* Endpoints come, go and change, while the process runs and while it does not: each gets what is its own. */
#include "ax_test.h"
#include "emitting.h"
#include "received.h"
#include "strict.h"

#include <stdio.h>
#include <stdlib.h>

static const struct answer hang_then_accept[] = {{.hang = true}, {.status = 204}};

static void put_one(struct emitting *e, struct ax_out *out, int64_t t_ms)
{
    emitting_put(e, out, t_ms, (double)t_ms);
    emitting_commit(e);
}

static void assert_from_to(struct strict *r, int64_t first_ms, int64_t last_ms)
{
    const struct strict_series *s = strict_find(r, "m");
    if (last_ms < first_ms) {
        assert_null(s);
        return;
    }
    assert_non_null(s);
    assert_int_equal(s->n, last_ms - first_ms + 1);
    for (uint32_t i = 0; i < s->n; i++)
        assert_true(s->v[i].t_ms == first_ms + i);
    assert_int_equal(strict_counts(r).broken, 0);
}

static void reload(struct emitting *e, const struct ax_remote_write *w, uint32_t n)
{
    struct ax_diag diag = {{0}};
    if (ax_emit_reload(e->emit, w, n, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void a_reload_moves_what_waits_and_keeps_what_is_unchanged(void **state)
{
    (void)state;
    struct strict *kept = strict_start(0);
    struct receiver *changed = receiver_start(0, hang_then_accept, 2);
    struct ax_remote_write before[2] = {emitting_endpoint(strict_url(kept)),
                                        emitting_endpoint(receiver_url(changed))};
    struct emitting e = emitting_start(before, 2, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    put_one(&e, out, 1);
    (void)receiver_wait(changed, 1, 0);
    put_one(&e, out, 2);

    struct ax_diag diag = {{0}};
    struct ax_remote_write broken = emitting_endpoint("gopher://127.0.0.1/");
    assert_int_equal(ax_emit_reload(e.emit, &broken, 1, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "gopher"));
    assert_int_equal(scratch_count(e.dir, ".position"), 2);

    struct ax_remote_write after[2] = {emitting_endpoint(receiver_url(changed)), before[0]};
    after[0].http.who.auth_credentials = ax_str("token");
    reload(&e, after, 2);
    put_one(&e, out, 3);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(receiver_count(changed), 4);
    for (uint32_t i = 1; i < 4; i++) {
        const struct got *g = receiver_wait(changed, 4, i);
        struct received got = received_read(g);
        assert_string_equal(g->authorization, "Bearer token");
        assert_int_equal(got.n, 1);
        assert_true(got.v[0].sample.t_ms == i);
        received_done(&got);
    }
    assert_from_to(kept, 1, 3);
    strict_stop(kept);
    receiver_stop(changed);
}

static void a_new_endpoint_begins_with_what_comes_then(void **state)
{
    (void)state;
    struct strict *old = strict_start(0), *new = strict_start(0), *later = strict_start(0);
    struct ax_remote_write w[3] = {emitting_endpoint(strict_url(old)), emitting_endpoint(strict_url(new)),
                                   emitting_endpoint(strict_url(later))};
    struct emitting e = emitting_start(w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    put_one(&e, out, 1);
    reload(&e, w, 2);
    put_one(&e, out, 2);
    emitting_restart(&e, SOON_MS, w, 3, NULL);
    out = emitting_open(&e, "m");
    put_one(&e, out, 3);
    emitting_stop(&e, SOON_MS);
    assert_from_to(old, 1, 3);
    assert_from_to(new, 2, 3);
    assert_from_to(later, 3, 3);
    strict_stop(old);
    strict_stop(new);
    strict_stop(later);
}

static void an_endpoint_that_was_removed_is_forgotten(void **state)
{
    (void)state;
    struct strict *stays = strict_start(0), *goes = strict_start(0);
    struct ax_remote_write w[2] = {emitting_endpoint(strict_url(stays)), emitting_endpoint(strict_url(goes))};
    strict_be(goes, STRICT_AWAY);
    struct emitting e = emitting_start(w, 2, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    put_one(&e, out, 1);
    strict_await(stays, 1);
    reload(&e, w, 1);
    assert_int_equal(scratch_count(e.dir, ".position"), 1);
    emitting_drain(&e);
    put_one(&e, out, 2);
    strict_be(goes, STRICT_WELL);
    reload(&e, w, 2); /* as a new one */
    put_one(&e, out, 3);
    strict_await(stays, 3);
    emitting_restart(&e, SOON_MS, w, 1, NULL);
    assert_int_equal(scratch_count(e.dir, ".position"), 1);
    emitting_stop(&e, SOON_MS);
    assert_from_to(stays, 1, 3);
    assert_from_to(goes, 3, 3);
    strict_stop(stays);
    strict_stop(goes);
}

/* An endpoint is away; then its block is changed in some way, and it is there again. */
static void takes_over(const char *name, const char *new_name, bool moves, bool restarts)
{
    struct strict *away = strict_start(0), *there = moves ? strict_start(0) : away;
    struct ax_remote_write w = emitting_endpoint(strict_url(away)),
                           changed = emitting_endpoint(strict_url(there));
    w.name = ax_str(name);
    changed.name = ax_str(new_name);
    changed.max_shards = 4;
    changed.max_samples_per_send = 7;
    strict_be(away, STRICT_AWAY);
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    for (int64_t t = 1; t <= 3; t++)
        put_one(&e, out, t);
    if (restarts) {
        emitting_halt(&e, 0);
        strict_be(away, moves ? STRICT_AWAY : STRICT_WELL);
        emitting_resume(&e, &changed, 1, NULL);
        out = emitting_open(&e, "m");
    } else {
        strict_be(away, moves ? STRICT_AWAY : STRICT_WELL);
        reload(&e, &changed, 1);
    }
    put_one(&e, out, 4);
    strict_await(there, 4);
    assert_int_equal(scratch_count(e.dir, ".position"), 1);
    emitting_stop(&e, SOON_MS);
    assert_from_to(there, 1, 4);
    if (moves)
        strict_stop(there);
    strict_stop(away);
}

static void a_changed_block_goes_on_where_the_old_one_was(void **state)
{
    (void)state;
    for (int restarts = 0; restarts < 2; restarts++) {
        takes_over("one", "one", true, restarts);  /* another URL under the same name */
        takes_over("one", "two", false, restarts); /* another name of the same URL */
        takes_over("", "named", false, restarts);
        takes_over("", "", false, restarts);
    }
}

static void names_are_looked_at_before_urls(void **state)
{
    (void)state;
    struct strict *a = strict_start(0), *b = strict_start(0);
    struct ax_remote_write w[2] = {emitting_endpoint(strict_url(a)), emitting_endpoint(strict_url(b))};
    w[0].name = ax_str("a");
    w[1].name = ax_str("b");
    strict_be(a, STRICT_AWAY);
    struct emitting e = emitting_start(w, 2, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    put_one(&e, out, 1);
    strict_await(b, 1);
    struct ax_str url = w[0].url; /* they change places: what waits for a goes to where b was */
    w[0].url = w[1].url;
    w[1].url = url;
    emitting_halt(&e, 0);
    strict_be(a, STRICT_WELL);
    emitting_resume(&e, w, 2, NULL);
    emitting_drain(&e);
    assert_int_equal(strict_counts(a).samples, 0);
    assert_int_equal(strict_counts(b).samples, 1); /* which has it already */
    assert_int_equal(strict_counts(b).requests, 2);
    emitting_stop(&e, SOON_MS);
    strict_stop(a);
    strict_stop(b);
}

static void whose_position_is_damaged_begins_with_all_that_is_there(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    strict_be(r, STRICT_AWAY);
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    for (int64_t t = 1; t <= 3; t++)
        put_one(&e, out, t);
    emitting_halt(&e, 0);
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t n;
    scratch_name(name, e.dir, ".position", 0);
    scratch_in(path, e.dir, name);
    uint8_t *bytes = scratch_read(path, &n);
    bytes[20] ^= 1;
    scratch_write(path, bytes, n);
    free(bytes);
    strict_be(r, STRICT_WELL);
    emitting_resume(&e, &w, 1, NULL);
    strict_await(r, 3);
    assert_int_equal(scratch_count(e.dir, ".position"), 1);
    emitting_stop(&e, SOON_MS);
    assert_from_to(r, 1, 3);
    strict_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_moves_what_waits_and_keeps_what_is_unchanged),
        cmocka_unit_test(a_new_endpoint_begins_with_what_comes_then),
        cmocka_unit_test(an_endpoint_that_was_removed_is_forgotten),
        cmocka_unit_test(a_changed_block_goes_on_where_the_old_one_was),
        cmocka_unit_test(names_are_looked_at_before_urls),
        cmocka_unit_test(whose_position_is_damaged_begins_with_all_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
