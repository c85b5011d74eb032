/* What was erased is never sent and in no file, what was not arrives, and a kill between the two leaves it to
 * the next start. */
#include "ax_test.h"
#include "emit/erasing.h"
#include "emitting.h"
#include "received.h"
#include "strict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SELECTOR "{host=\"secret\"}"
#define SECRET "m{horizon=\"1m\",host=\"secret\"}"
#define OTHER "m{horizon=\"1m\",host=\"other\"}"
#define VALUE 8765.4321 /* of what is erased */
#define COMMITS 20

static const struct answer refuse[] = {{.status = 503}}, accept[] = {{.status = 204}};

/* An endpoint that takes nothing yet. */
struct world {
    struct receiver *r;
    struct ax_remote_write w;
    char url[128];
    uint16_t port;
    struct emitting e;
    struct ax_out *secret, *other;
};

static void open_both(struct world *w)
{
    w->secret = emitting_open(&w->e, SECRET);
    w->other = emitting_open(&w->e, OTHER);
}

static void put_both(struct world *w, int64_t t_ms)
{
    emitting_put(&w->e, w->secret, t_ms, VALUE);
    emitting_put(&w->e, w->other, t_ms, (double)t_ms);
}

static void begin(struct world *w)
{
    *w = (struct world){.r = receiver_start(0, refuse, 1)};
    w->port = receiver_port(w->r);
    (void)snprintf(w->url, sizeof w->url, "%s", receiver_url(w->r));
    w->w = emitting_endpoint(w->url);
    w->e = emitting_start(&w->w, 1, NULL);
    open_both(w);
    for (int64_t i = 1; i <= COMMITS; i++) {
        put_both(w, 1000 * i);
        emitting_commit(&w->e);
    }
    (void)receiver_wait(w->r, 2, 0); /* a request with both is tried again and again */
}

static uint64_t erase(struct world *w)
{
    struct ax_diag diag = {{0}};
    uint64_t samples = 0;
    if (w->e.sink.erase(w->e.sink.ctx, ax_str(SELECTOR), &samples, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return samples;
}

/* Files of the queue that hold these bytes. */
static size_t files_with(const struct world *w, const void *bytes, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < scratch_count(w->e.dir, ""); i++) {
        char name[SCRATCH_PATH], path[SCRATCH_PATH];
        size_t size;
        scratch_name(name, w->e.dir, "", i);
        scratch_in(path, w->e.dir, name);
        uint8_t *all = scratch_read(path, &size);
        found += memmem(all, size, bytes, n) != NULL;
        free(all);
    }
    return found;
}

static void require_gone(const struct world *w)
{
    const double value = VALUE;
    assert_int_equal(files_with(w, "secret", 6), 0);
    assert_int_equal(files_with(w, &value, sizeof value), 0);
    assert_true(files_with(w, "other", 5) > 0);
}

/* Let it take what waits, and see that of the secret one it gets only these times. */
static void require_received(struct world *w, int64_t secret_from_ms, uint32_t others)
{
    uint32_t of_secret = 0, of_other = 0;
    receiver_stop(w->r);
    w->r = receiver_start(w->port, accept, 1);
    emitting_drain(&w->e);
    const uint32_t requests = receiver_count(w->r);
    for (uint32_t i = 0; i < requests; i++) {
        struct received got = received_read(receiver_wait(w->r, requests, i));
        for (uint32_t k = 0; k < got.n; k++) {
            const bool secret = strcmp(got.v[k].series, SECRET) == 0;
            if (secret && got.v[k].sample.t_ms < secret_from_ms)
                fail_msg("a sample that was erased was sent, of %lld", (long long)got.v[k].sample.t_ms);
            if (!secret)
                assert_string_equal(got.v[k].series, OTHER);
            of_secret += secret;
            of_other += !secret;
        }
        received_done(&got);
    }
    assert_int_equal(of_other, others);
    assert_int_equal(of_secret > 0, secret_from_ms != INT64_MAX);
}

static void end(struct world *w)
{
    emitting_stop(&w->e, SOON_MS);
    receiver_stop(w->r);
}

static void what_waits_is_erased_and_what_comes_later_is_not(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    assert_true(files_with(&w, "secret", 6) > 0);
    assert_int_equal(erase(&w), COMMITS);
    require_gone(&w);
    assert_int_equal(erase(&w), 0);
    put_both(&w, INT64_C(1000) * (COMMITS + 1)); /* it is sent again, and so taken again */
    emitting_commit(&w.e);
    require_received(&w, INT64_C(1000) * (COMMITS + 1), COMMITS + 1);
    end(&w);
}

static void senders_send_while_it_is_erased_again_and_again(void **state)
{
    (void)state;
    enum { STEPS = 40, OTHERS = 12, SECRETS = 4 };
    struct strict *r = strict_start(0);
    struct world w = {.w = emitting_endpoint(strict_url(r))};
    struct ax_out *others[OTHERS], *secrets[SECRETS];
    char text[64];
    w.w.max_shards = 4;
    w.w.max_samples_per_send = 7;
    strict_be(r, STRICT_DOUBTFUL);
    w.e = emitting_start(&w.w, 1, NULL);
    for (int i = 0; i < OTHERS; i++) {
        (void)snprintf(text, sizeof text, "m{host=\"other\",i=\"%d\"}", i);
        others[i] = emitting_open(&w.e, text);
    }
    for (int i = 0; i < SECRETS; i++) {
        (void)snprintf(text, sizeof text, "m{host=\"secret\",i=\"%d\"}", i);
        secrets[i] = emitting_open(&w.e, text);
    }
    for (int64_t t = 1; t <= STEPS; t++) {
        for (int i = 0; i < OTHERS; i++)
            emitting_put(&w.e, others[i], t * 1000, (double)t);
        for (int i = 0; i < SECRETS; i++)
            emitting_put(&w.e, secrets[i], t * 1000, VALUE);
        emitting_commit(&w.e);
        if (t % 2)
            assert_true(erase(&w) <= STEPS * SECRETS);
    }
    emitting_drain(&w.e);
    for (int i = 0; i < OTHERS; i++) {
        (void)snprintf(text, sizeof text, "m{host=\"other\",i=\"%d\"}", i);
        const struct strict_series *got = strict_find(r, text);
        assert_non_null(got);
        assert_int_equal(got->n, STEPS);
        for (int64_t t = 1; t <= STEPS; t++)
            assert_true(got->v[t - 1].t_ms == t * 1000);
    }
    assert_int_equal(strict_counts(r).broken, 0);
    assert_int_equal(strict_counts(r).doubled, 0);
    emitting_stop(&w.e, SOON_MS);
    strict_stop(r);
}

static void what_is_put_and_not_committed_goes_too(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    put_both(&w, INT64_C(1000) * (COMMITS + 1));
    assert_int_equal(erase(&w), COMMITS + 1);
    emitting_commit(&w.e);
    require_gone(&w);
    require_received(&w, INT64_MAX, COMMITS + 1);
    end(&w);
}

static void an_erasure_that_was_cut_off_goes_on_at_the_next_start(void **state)
{
    struct world w;
    char segment[SCRATCH_PATH], copy[SCRATCH_PATH + 8], path[SCRATCH_PATH];
    struct ax_diag diag;
    size_t n;
    (void)state;
    begin(&w);
    emitting_halt(&w.e, 0);
    assert_int_equal(ax_erasing_note(w.e.dir, ax_str(SELECTOR), &diag), AX_OK);
    scratch_name(segment, w.e.dir, ".log", 0); /* killed while it wrote the first segment anew */
    scratch_in(path, w.e.dir, segment);
    uint8_t *bytes = scratch_read(path, &n);
    (void)snprintf(copy, sizeof copy, "%s.edit", path);
    scratch_write(copy, bytes, n / 2);
    free(bytes);
    emitting_resume(&w.e, &w.w, 1, NULL);
    require_gone(&w);
    assert_int_equal(scratch_count(w.e.dir, "erase"), 0);
    assert_int_equal(scratch_count(w.e.dir, ".edit"), 0);
    open_both(&w);
    require_received(&w, INT64_MAX, COMMITS);
    end(&w);
}

static void after_it_a_restart_goes_on_as_without_it(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    assert_int_equal(erase(&w), COMMITS);
    emitting_restart(&w.e, 0, &w.w, 1, NULL);
    open_both(&w);
    put_both(&w, INT64_C(1000) * (COMMITS + 1));
    emitting_commit(&w.e);
    require_received(&w, INT64_C(1000) * (COMMITS + 1), COMMITS + 1);
    end(&w);
}

static void one_that_was_cut_off_is_ended_before_the_next(void **state)
{
    struct world w;
    struct ax_diag diag = {{0}};
    uint64_t samples = 0;
    (void)state;
    begin(&w);
    assert_int_equal(ax_erasing_note(w.e.dir, ax_str(SELECTOR), &diag), AX_OK);
    assert_int_equal(w.e.sink.erase(w.e.sink.ctx, ax_str("{host=\"nobody\"}"), &samples, &diag), AX_OK);
    assert_int_equal(samples, 0);
    require_gone(&w);
    assert_int_equal(scratch_count(w.e.dir, "erase"), 0);
    require_received(&w, INT64_MAX, COMMITS);
    end(&w);
}

static bool takes(const char *selector, const char *series)
{
    struct ax_erasing e;
    struct ax_arena arena;
    struct ax_labels labels;
    struct ax_diag diag = {{0}};
    ax_arena_init(&arena, 1 << 16);
    if (ax_erasing_init(&e, ax_str(selector), &diag) != AX_OK)
        fail_msg("%s", diag.text);
    assert_int_equal(ax_labels_parse(ax_str(series), &arena, &labels, NULL), AX_OK);
    const bool yes = ax_erasing_takes(&e, &labels);
    ax_erasing_done(&e);
    ax_arena_done(&arena);
    return yes;
}

static void a_selector_means_labels_of_inputs_also_where_an_output_has_taken_their_names(void **state)
{
    struct ax_erasing e;
    struct ax_diag diag = {{0}};
    (void)state;
    assert_true(takes("{host=\"a\"}", "m{for=\"j\",host=\"a\"}"));
    assert_false(takes("{host=\"a\"}", "m{for=\"j\",host=\"b\"}"));
    assert_false(takes("{host=\"a\"}", "m{for=\"j\"}"));
    assert_true(takes("{horizon=\"far\"}", "m{exported_horizon=\"far\",horizon=\"1m\"}"));
    assert_false(takes("{horizon=\"1m\"}", "m{exported_horizon=\"far\",horizon=\"1m\"}"));
    assert_true(takes("{host=\"a\"}", "m{exported_host=\"b\",host=\"a\"}")); /* both are the input's */
    assert_false(takes("{for!=\"j\",host=\"a\"}", "m{exported_for=\"i\",for=\"j\",host=\"a\"}"));
    assert_false(takes("{source=\"a\"}", "m{exported_source=\"b\",for=\"j\",source=\"a\"}"));
    assert_true(takes("{for=\"j\",source=\"a\"}", "m{exported_source=\"b\",for=\"j\",source=\"a\"}"));
    assert_true(takes("{host=~\"a|b\",for=\"j\"}", "m{for=\"j\",host=\"b\"}"));
    assert_int_equal(ax_erasing_init(&e, ax_str("m{host=\"a\"}"), &diag), AX_INVALID);
    assert_int_equal(ax_erasing_init(&e, ax_str("1 + 1"), &diag), AX_INVALID);
    assert_int_equal(ax_erasing_init(&e, ax_str("{host="), &diag), AX_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_erased_and_what_comes_later_is_not),
        cmocka_unit_test(senders_send_while_it_is_erased_again_and_again),
        cmocka_unit_test(what_is_put_and_not_committed_goes_too),
        cmocka_unit_test(an_erasure_that_was_cut_off_goes_on_at_the_next_start),
        cmocka_unit_test(one_that_was_cut_off_is_ended_before_the_next),
        cmocka_unit_test(after_it_a_restart_goes_on_as_without_it),
        cmocka_unit_test(a_selector_means_labels_of_inputs_also_where_an_output_has_taken_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
