/* Passwords are checked in turn; who guesses waits, and nobody waits for who guesses. */
#include "ax_test.h"
#include "net/doorman.h"

#include <crypt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIGHT "Basic YW5uYTpyaWdodA==" /* anna:right */
#define WRONG_N 3
#define MANY 40

static const char *const wrong[WRONG_N] = {
    "Basic YW5uYTp3cm9uZzE=", "Basic YW5uYTp3cm9uZzI=", "Basic YW5uYTp3cm9uZzM="};

/* A question and whether it was answered. */
struct asked {
    struct ax_door_question q; /* first */
    bool done, at_once;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t asker;

static void on_done(struct ax_door_question *q)
{
    struct asked *a = (struct asked *)(void *)q;
    pthread_mutex_lock(&lock);
    a->done = true;
    a->at_once = pthread_equal(pthread_self(), asker);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void ask(struct ax_doorman *m, struct ax_doors *d, struct asked *a, const char *authorization,
                uint64_t address)
{
    pthread_mutex_lock(&lock);
    asker = pthread_self();
    pthread_mutex_unlock(&lock);
    *a = (struct asked){
        .q = {.doors = d, .authorization = ax_str(authorization), .address = address, .done = on_done}};
    ax_doorman_ask(m, &a->q);
}

/* A question after whose answer the doorman waits until it is let go: what is asked meanwhile queues up. */
static struct {
    struct ax_door_question q;
    bool there, released;
} gate;

static void on_gate(struct ax_door_question *q)
{
    (void)q;
    pthread_mutex_lock(&lock);
    gate.there = true;
    pthread_cond_broadcast(&changed);
    while (!gate.released)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void hold(struct ax_doorman *m, struct ax_doors *d)
{
    gate.there = gate.released = false;
    gate.q = (struct ax_door_question){
        .doors = d, .authorization = ax_str("Basic Og=="), .address = 99, .done = on_gate};
    ax_doorman_ask(m, &gate.q);
    pthread_mutex_lock(&lock);
    while (!gate.there)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void let_go(void)
{
    pthread_mutex_lock(&lock);
    gate.released = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static bool is_done(const struct asked *a)
{
    pthread_mutex_lock(&lock);
    bool done = a->done;
    pthread_mutex_unlock(&lock);
    return done;
}

static enum ax_door_answer wait_for(struct asked *a)
{
    pthread_mutex_lock(&lock);
    while (!a->done)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return a->q.answer;
}

/* One user, whose check takes some tens of milliseconds. */
static struct ax_doors *make_doors(void)
{
    struct crypt_data *data = calloc(1, sizeof *data);
    assert_non_null(data);
    const char *hash = crypt_r("right", "$2b$10$abcdefghijklmnopqrstuu", data);
    assert_non_null(hash);
    const struct ax_door_user user = {ax_str("anna"), ax_str(hash)};
    struct ax_doors *d = NULL;
    assert_int_equal(ax_doors_new(&(struct ax_doors_options){.users = &user, .users_n = 1}, &d, NULL), AX_OK);
    free(data);
    return d;
}

static struct ax_doorman *make_doorman(void)
{
    struct ax_doorman *m = NULL;
    assert_int_equal(ax_doorman_new(&m, NULL), AX_OK);
    return m;
}

static void close_all(struct ax_doorman *m, struct ax_doors *d)
{
    ax_doorman_end(m);
    ax_doorman_free(m);
    ax_doors_release(d);
}

static void what_is_found_out_is_known_from_then_on(void **state)
{
    (void)state;
    struct ax_doors *d = make_doors();
    struct ax_doorman *m = make_doorman();
    struct asked right, bad;
    assert_int_equal(ax_doors_judge(d, ax_str(RIGHT)), AX_DOOR_UNKNOWN);
    ask(m, d, &right, RIGHT, 1);
    ask(m, d, &bad, wrong[0], 1);
    assert_int_equal(wait_for(&right), AX_DOOR_OPEN);
    assert_int_equal(wait_for(&bad), AX_DOOR_WRONG);
    assert_int_equal(ax_doors_judge(d, ax_str(RIGHT)), AX_DOOR_OPEN);
    assert_int_equal(ax_doors_judge(d, ax_str(wrong[0])), AX_DOOR_WRONG);
    close_all(m, d);
}

static void who_guesses_rests_and_others_do_not_wait_for_it(void **state)
{
    (void)state;
    struct ax_doors *d = make_doors();
    struct ax_doorman *m = make_doorman();
    struct asked guesses[WRONG_N], right;
    hold(m, d);
    for (int i = 0; i < WRONG_N; i++)
        ask(m, d, &guesses[i], wrong[i], 1);
    ask(m, d, &right, RIGHT, 2);
    let_go();
    assert_int_equal(wait_for(&guesses[0]), AX_DOOR_WRONG);
    assert_int_equal(wait_for(&guesses[1]), AX_DOOR_BUSY);
    assert_int_equal(wait_for(&guesses[2]), AX_DOOR_BUSY);
    assert_int_equal(wait_for(&right), AX_DOOR_OPEN);
    assert_int_equal(ax_doors_judge(d, ax_str(wrong[1])), AX_DOOR_UNKNOWN); /* no CPU was spent on it */
    close_all(m, d);
}

static void one_address_cannot_fill_the_queue(void **state)
{
    (void)state;
    struct ax_doors *d = make_doors();
    struct ax_doorman *m = make_doorman();
    struct asked many[MANY], right;
    char text[MANY][32];
    uint32_t at_once = 0, wrong_n = 0;
    hold(m, d);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text[i], sizeof text[i], "Basic YW5uYTp3%02dv", i); /* "anna:w" and more */
        ask(m, d, &many[i], text[i], 1);
    }
    ask(m, d, &right, RIGHT, 2);
    let_go();
    assert_int_equal(wait_for(&right), AX_DOOR_OPEN);
    for (int i = 0; i < MANY; i++) {
        wrong_n += wait_for(&many[i]) == AX_DOOR_WRONG;
        at_once += many[i].at_once;
    }
    assert_int_equal(at_once, MANY - AX_DOORMAN_QUEUE_PER_ADDRESS);
    assert_in_range(wrong_n, 1, AX_DOORMAN_QUEUE_PER_ADDRESS);
    close_all(m, d);
}

static void *end_it(void *doorman)
{
    ax_doorman_end(doorman);
    return NULL;
}

static void who_still_waits_at_the_end_is_told_to_try_again(void **state)
{
    (void)state;
    struct ax_doors *d = make_doors();
    struct ax_doorman *m = make_doorman();
    struct asked waiting[AX_DOORMAN_QUEUE_PER_ADDRESS], late;
    pthread_t ending;
    hold(m, d);
    for (uint64_t i = 0; i < AX_DOORMAN_QUEUE_PER_ADDRESS; i++)
        ask(m, d, &waiting[i], wrong[i % WRONG_N], i);
    assert_int_equal(pthread_create(&ending, NULL, end_it, m), 0);
    uint64_t address = 1000;
    struct asked *probes = calloc(AX_DOORMAN_QUEUE, sizeof *probes);
    assert_non_null(probes);
    do /* until it ends: then nobody is put into the queue, which has room */
        ask(m, d, &probes[address - 1000], RIGHT, address);
    while (!is_done(&probes[address++ - 1000]) && address - 1000 < AX_DOORMAN_QUEUE / 2 &&
           usleep(10000) == 0);
    let_go();
    assert_int_equal(pthread_join(ending, NULL), 0);
    for (int i = 0; i < AX_DOORMAN_QUEUE_PER_ADDRESS; i++)
        assert_int_equal(wait_for(&waiting[i]), AX_DOOR_BUSY);
    ask(m, d, &late, RIGHT, 1);
    assert_int_equal(wait_for(&late), AX_DOOR_BUSY);
    free(probes);
    ax_doorman_free(m);
    ax_doors_release(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_found_out_is_known_from_then_on),
        cmocka_unit_test(who_guesses_rests_and_others_do_not_wait_for_it),
        cmocka_unit_test(one_address_cannot_fill_the_queue),
        cmocka_unit_test(who_still_waits_at_the_end_is_told_to_try_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
