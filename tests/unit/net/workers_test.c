/* Long answers are made on a few threads; of more questions some wait, and the others are turned away. */
#include "ax_test.h"
#include "net/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define WAITING 128

/* A query that is held while the gate is shut, and what became of it. */
struct asked {
    struct ax_task q; /* first */
    bool done, turned_away, on_own_thread;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint32_t held, done;
static bool open;
static pthread_t asker;

static void on_turn(struct ax_task *q, bool turned_away)
{
    struct asked *a = (struct asked *)(void *)q;
    pthread_mutex_lock(&lock);
    held++;
    pthread_cond_broadcast(&changed);
    while (!open && !turned_away)
        pthread_cond_wait(&changed, &lock);
    held--;
    done++;
    a->done = true;
    a->turned_away = turned_away;
    a->on_own_thread = pthread_equal(pthread_self(), asker);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static struct ax_workers *begin(uint32_t threads)
{
    struct ax_workers *m = NULL;
    held = done = 0;
    open = false;
    asker = pthread_self();
    assert_int_equal(ax_workers_new(threads, WAITING, &m, NULL), AX_OK);
    return m;
}

static void give(struct ax_workers *m, struct asked *a)
{
    *a = (struct asked){.q = {.run = on_turn}};
    ax_workers_give(m, &a->q);
}

static void wait_for(const uint32_t *n, uint32_t wanted)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&lock);
    bool late = false;
    while (*n != wanted && !late)
        late = pthread_cond_timedwait(&changed, &lock, &until) != 0;
    pthread_mutex_unlock(&lock);
    assert_false(late);
}

static void open_gate(void)
{
    pthread_mutex_lock(&lock);
    open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void as_many_are_answered_at_once_as_there_may_be_threads(void **state)
{
    (void)state;
    struct ax_workers *m = begin(3);
    struct asked v[8];
    for (int i = 0; i < 8; i++)
        give(m, &v[i]);
    wait_for(&held, 3);
    open_gate();
    wait_for(&done, 8);
    ax_workers_end(m);
    for (int i = 0; i < 8; i++) {
        assert_false(v[i].turned_away);
        assert_false(v[i].on_own_thread);
    }
    ax_workers_free(m);
}

static void beyond_those_that_may_wait_they_are_turned_away_at_once(void **state)
{
    (void)state;
    struct ax_workers *m = begin(1);
    struct asked *v = calloc(WAITING + 2, sizeof *v);
    assert_non_null(v);
    give(m, &v[0]);
    wait_for(&held, 1);
    for (int i = 1; i <= WAITING + 1; i++)
        give(m, &v[i]);
    const struct asked *last = &v[WAITING + 1];
    assert_true(last->done && last->turned_away && last->on_own_thread);
    assert_int_equal(done, 1);
    open_gate();
    wait_for(&done, WAITING + 2);
    for (int i = 0; i <= WAITING; i++)
        assert_false(v[i].turned_away);
    ax_workers_end(m);
    ax_workers_free(m);
    free(v);
}

static void *end(void *queries)
{
    ax_workers_end(queries);
    return NULL;
}

static void at_the_end_who_waits_is_turned_away_and_who_is_being_answered_is_waited_for(void **state)
{
    (void)state;
    struct ax_workers *m = begin(1);
    struct asked v[3];
    pthread_t ender;
    give(m, &v[0]);
    wait_for(&held, 1);
    give(m, &v[1]);
    assert_int_equal(pthread_create(&ender, NULL, end, m), 0);
    wait_for(&done, 1); /* while the first is still held */
    assert_true(v[1].turned_away);
    open_gate();
    assert_int_equal(pthread_join(ender, NULL), 0);
    assert_true(v[0].done && !v[0].turned_away);
    give(m, &v[2]);
    assert_true(v[2].turned_away && v[2].on_own_thread);
    ax_workers_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_are_answered_at_once_as_there_may_be_threads),
        cmocka_unit_test(beyond_those_that_may_wait_they_are_turned_away_at_once),
        cmocka_unit_test(at_the_end_who_waits_is_turned_away_and_who_is_being_answered_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
