/* timed_lock.h: a mutex that is waited for no longer than so. */
#ifndef AX_BASE_TIMED_LOCK_H
#define AX_BASE_TIMED_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Lock it, or give up after ms milliseconds of the monotonic clock, whatever becomes of the wall clock
 * meanwhile. True: it is locked. */
bool ax_lock_within(pthread_mutex_t *lock, int64_t ms);

#endif
