/* Scores of two ensembles wait for what people say of their points, and are compared by it. */
#include "ax_test.h"
#include "base/rng.h"
#include "pipeline/entity_trial.h"

#include <math.h>
#include <string.h>

#define POINT 300000
#define START (5666666LL * POINT)
#define ENTITIES 4
#define POINTS 200

/* Every 40th point of an entity begins an incident of 4 points; `said` are what people said of them. */
struct world {
    struct ax_entity_trial t;
    struct ax_said *said[ENTITIES];
    struct ax_entity_labels labels;
    uint32_t gone; /* the entity that is not known any more */
};

static bool is_incident(uint32_t i)
{
    return i % 40 >= 36;
}

static const struct ax_said *said_of(void *ctx, uint64_t entity, bool *known)
{
    const struct world *w = ctx;
    *known = entity != w->gone;
    return w->said[entity];
}

/* The challenger sees incidents and the champion does not. */
static void begin(struct world *w)
{
    struct ax_rng rng;
    *w = (struct world){.gone = UINT32_MAX, .labels = {.said = said_of, .point_ms = POINT, .seed = 7}};
    w->labels.ctx = w;
    ax_rng_seed(&rng, 1);
    assert_int_equal(ax_entity_trial_begin(&w->t, "a", "b", ENTITIES, POINTS), AX_OK);
    for (uint32_t i = 0; i < POINTS; i++)
        for (uint32_t e = 0; e < ENTITIES; e++)
            ax_entity_trial_add(
                &w->t, &(struct ax_entity_score){e, START + (int64_t)i * POINT, (float)ax_rng_double(&rng),
                                                 (float)(ax_rng_double(&rng) + is_incident(i))});
    assert_int_equal(w->t.n, ENTITIES * POINTS);
}

/* People say so of the incidents of the first `entities`. */
static void say(struct world *w, uint32_t entities, enum ax_lesson_verdict verdict)
{
    for (uint32_t e = 0; e < entities; e++)
        for (uint32_t i = 36; i < POINTS; i += 40) {
            const struct ax_lesson_range lesson = {.id = i,
                                                   .verdict = verdict,
                                                   .from_ms = START + (int64_t)i * POINT,
                                                   .to_ms = START + (int64_t)(i + 3) * POINT};
            assert_int_equal(ax_said_add(&w->said[e], &lesson), AX_OK);
        }
}

static void end(struct world *w)
{
    ax_entity_trial_end(&w->t);
    for (uint32_t e = 0; e < ENTITIES; e++)
        ax_said_free(w->said[e]);
}

static void who_sees_the_incidents_that_people_told_of_is_better(void **state)
{
    struct world w;
    struct ax_comparison c, watched;
    (void)state;
    begin(&w);
    assert_int_equal(ax_entity_trial_compare(&w.t, &w.labels, false, &c), AX_NOTREADY);
    say(&w, 2, AX_LESSON_MISSED);
    assert_int_equal(ax_entity_trial_compare(&w.t, &w.labels, false, &c), AX_OK);
    assert_int_equal(c.n, ENTITIES * POINTS);
    assert_true(c.challenger > 0.4 && c.champion < 0.2 && c.low > 0.5 && c.p_value < 0.005);
    assert_int_equal(ax_entity_trial_compare(&w.t, &w.labels, true, &watched), AX_OK);
    ax_assert_close(watched.champion, c.challenger, 1e-12); /* what serves in a watch is the newer one */
    assert_true(watched.p_worse < 0.005 && watched.p_value > 0.5 && watched.effect < -0.5);
    end(&w);
}

static void what_is_excluded_or_gone_has_no_part_in_it(void **state)
{
    struct world w;
    struct ax_comparison c;
    (void)state;
    begin(&w);
    say(&w, 2, AX_LESSON_MISSED);
    say(&w, 2, AX_LESSON_EXCLUDED); /* the last word */
    assert_int_equal(ax_entity_trial_compare(&w.t, &w.labels, false, &c), AX_NOTREADY);
    end(&w);
    begin(&w);
    say(&w, 3, AX_LESSON_MISSED);
    w.gone = 3;
    assert_int_equal(ax_entity_trial_compare(&w.t, &w.labels, false, &c), AX_OK);
    assert_int_equal(c.n, (ENTITIES - 1) * POINTS);
    w.gone = 1;
    assert_int_equal(ax_entity_trial_compare(&w.t, &w.labels, false, &c), AX_OK);
    end(&w);
}

static void of_many_entities_a_sample_is_kept_and_another_pair_begins_anew(void **state)
{
    struct ax_entity_trial t = {.v = NULL}, read = {.v = NULL};
    struct ax_buf saved;
    (void)state;
    assert_int_equal(ax_entity_trial_begin(&t, "a", "b", 1000, 100), AX_OK);
    for (uint32_t i = 0; i < 100; i++)
        for (uint32_t e = 0; e < 1000; e++)
            ax_entity_trial_add(&t, &(struct ax_entity_score){e, i, 1, 1});
    assert_true(t.n <= AX_ENTITY_TRIAL_SCORES && t.n > AX_ENTITY_TRIAL_SCORES / 2);
    assert_int_equal(t.v[0].entity, t.v[t.n / 100].entity); /* the same ones at each point */
    assert_int_equal(ax_entity_trial_begin(&t, "a", "b", 1, 1), AX_OK);
    assert_true(t.n > 0);
    assert_int_equal(ax_entity_trial_begin(&t, "b", "c", 1, 1), AX_OK);
    assert_int_equal(t.n, 0);
    for (uint32_t i = 0; i < 2 * AX_ENTITY_TRIAL_SCORES; i++)
        ax_entity_trial_add(&t, &(struct ax_entity_score){0, i, 1, 1});
    assert_int_equal(t.n, AX_ENTITY_TRIAL_SCORES);
    ax_entity_trial_add(&t, &(struct ax_entity_score){0, 2 * AX_ENTITY_TRIAL_SCORES, 1, 1});
    for (uint32_t i = 0; i < t.n; i++) /* the newest ones */
        assert_true(t.v[i].t_ms > AX_ENTITY_TRIAL_SCORES);
    ax_buf_init(&saved, 1u << 20);
    ax_entity_trial_save(&t, &saved);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_entity_trial_load(&read, &in), AX_OK);
    for (uint32_t i = 0; i < t.n; i++)
        assert_int_equal(read.v[i].t_ms, AX_ENTITY_TRIAL_SCORES + 1 + i);
    ax_entity_trial_add(&read, &(struct ax_entity_score){0, 0, 1, 1}); /* takes the place of the oldest */
    assert_int_equal(read.v[0].t_ms, 0);
    ax_buf_done(&saved);
    ax_entity_trial_end(&read);
    ax_entity_trial_end(&t);
}

static void what_is_kept_is_saved(void **state)
{
    struct world w;
    struct ax_entity_trial b = {.v = NULL};
    struct ax_buf saved, again;
    (void)state;
    begin(&w);
    ax_buf_init(&saved, 1u << 20);
    ax_buf_init(&again, 1u << 20);
    ax_entity_trial_save(&b, &saved);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_entity_trial_load(&b, &in), AX_OK); /* nothing */
    ax_buf_reset(&saved);
    ax_entity_trial_save(&w.t, &saved);
    in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_entity_trial_load(&b, &in), AX_OK);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    ax_entity_trial_save(&b, &again);
    assert_true(saved.n == again.n && memcmp(saved.bytes, again.bytes, saved.n) == 0);
    for (size_t n = 0; n < saved.n; n += 997) { /* cut */
        ax_entity_trial_end(&b);
        in = ax_bytes_of((struct ax_str){(const char *)saved.bytes, n});
        assert_int_not_equal(ax_entity_trial_load(&b, &in), AX_OK);
    }
    ax_entity_trial_end(&b);
    ax_buf_reset(&saved); /* a pair that is nobody, and a score of it */
    ax_put_str(&saved, (struct ax_str){"\0", 1});
    ax_put_str(&saved, ax_str(""));
    ax_put_varint(&saved, 1);
    ax_put_varint(&saved, 1);
    ax_put_str(&saved, ax_str("................................"));
    in = ax_bytes_of(ax_buf_view(&saved));
    assert_int_equal(ax_entity_trial_load(&b, &in), AX_CORRUPT);
    ax_entity_trial_end(&b);
    ax_buf_done(&saved);
    ax_buf_done(&again);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_sees_the_incidents_that_people_told_of_is_better),
        cmocka_unit_test(what_is_excluded_or_gone_has_no_part_in_it),
        cmocka_unit_test(of_many_entities_a_sample_is_kept_and_another_pair_begins_anew),
        cmocka_unit_test(what_is_kept_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
