/* timed_lock.c: glibc's pthread_mutex_clocklock(), and what ThreadSanitizer can follow in its place. */
#include "base/timed_lock.h"

#include "base/clock.h"

#include <time.h>

#define MS_NS INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)

#if defined(__SANITIZE_THREAD__)
#define FOLLOWED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FOLLOWED 1
#endif
#endif

static bool lock_until(pthread_mutex_t *lock, int64_t until_ns)
{
#ifdef FOLLOWED
    while (pthread_mutex_trylock(lock) != 0) {
        if (ax_mono_ns() >= until_ns)
            return false;
        ax_sleep_ns(MS_NS);
    }
    return true;
#else
    const struct timespec until = {.tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS};
    return pthread_mutex_clocklock(lock, CLOCK_MONOTONIC, &until) == 0;
#endif
}

bool ax_lock_within(pthread_mutex_t *lock, int64_t ms)
{
    return lock_until(lock, ax_mono_ns() + ms * MS_NS);
}
