/* Who waits for a mutex gives up in time, also where somebody sets the wall clock. */
#include "ax_test.h"
#include "base/timed_lock.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

static time_t ahead_s; /* of the wall clock, as this process reads it */

/* In place of the C library's. */
int read_clock(clockid_t clock, struct timespec *out) __asm__("clock_gettime");

int read_clock(clockid_t clock, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    const int result = real(clock, out);
    if (clock == CLOCK_REALTIME)
        out->tv_sec += ahead_s;
    return result;
}

static void *hold(void *lock)
{
    const bool locked = ax_lock_within(lock, 20);
    if (locked)
        (void)pthread_mutex_unlock(lock);
    return locked ? lock : NULL;
}

static bool can_lock(pthread_mutex_t *lock)
{
    pthread_t other;
    void *result;
    assert_int_equal(pthread_create(&other, NULL, hold, lock), 0);
    assert_int_equal(pthread_join(other, &result), 0);
    return result != NULL;
}

static void what_is_free_is_taken_and_what_is_held_is_given_up(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    assert_true(can_lock(&lock));
    assert_true(ax_lock_within(&lock, 1500));
    assert_false(can_lock(&lock));
    (void)pthread_mutex_unlock(&lock);
    assert_true(can_lock(&lock));
}

/* Read an hour ahead, and set right: by the wall clock it would be waited for an hour. */
static void the_wall_clock_has_no_part_in_it(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    ahead_s = 3600;
    assert_true(ax_lock_within(&lock, 0));
    assert_false(can_lock(&lock));
    (void)pthread_mutex_unlock(&lock);
    ahead_s = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_free_is_taken_and_what_is_held_is_given_up),
        cmocka_unit_test(the_wall_clock_has_no_part_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
