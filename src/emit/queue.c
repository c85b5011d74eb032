/* queue.c: a ring under a mutex that doubles up to its capacity. */
#include "emit/queue.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_ROOM 1024u

struct ax_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct ax_item *ring; /* samples head .. head + n, modulo room */
    uint32_t room, capacity, head, n;
    uint32_t wanted; /* what the taker waits for; UINT32_MAX when it does not */
    bool interrupted;
    _Atomic uint64_t pending;
};

uint64_t ax_out_key_hash(struct ax_str bytes)
{
    return ax_hash64(bytes.p, bytes.n, 0);
}

struct ax_out_key *ax_out_key_new(struct ax_str bytes)
{
    struct ax_out_key *key = malloc(sizeof *key + bytes.n);
    if (!key)
        return NULL;
    atomic_init(&key->refs, 1);
    key->hash = ax_out_key_hash(bytes);
    key->n = bytes.n;
    if (bytes.n)
        memcpy(key->bytes, bytes.p, bytes.n);
    return key;
}

struct ax_out_key *ax_out_key_ref(struct ax_out_key *key)
{
    (void)atomic_fetch_add_explicit(&key->refs, 1, memory_order_relaxed);
    return key;
}

void ax_out_key_unref(struct ax_out_key *key)
{
    if (key && atomic_fetch_sub_explicit(&key->refs, 1, memory_order_acq_rel) == 1)
        free(key);
}

struct ax_queue *ax_queue_new(uint32_t capacity)
{
    AX_ASSERT(capacity > 0);
    struct ax_queue *q = calloc(1, sizeof *q);
    if (!q)
        return NULL;
    q->capacity = capacity;
    q->room = capacity < FIRST_ROOM ? capacity : FIRST_ROOM;
    q->wanted = UINT32_MAX;
    q->ring = calloc(q->room, sizeof *q->ring);
    if (!q->ring) {
        free(q);
        return NULL;
    }
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&q->filled, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&q->lock, NULL);
    return q;
}

static struct ax_item *at(struct ax_queue *q, uint32_t i)
{
    uint64_t index = (uint64_t)q->head + i;
    return &q->ring[index < q->room ? index : index - q->room];
}

void ax_queue_free(struct ax_queue *q)
{
    if (!q)
        return;
    for (uint32_t i = 0; i < q->n; i++)
        ax_out_key_unref(at(q, i)->key);
    (void)pthread_cond_destroy(&q->filled);
    (void)pthread_mutex_destroy(&q->lock);
    free(q->ring);
    free(q);
}

/* More room, at least for need samples; false at the capacity or out of memory. */
static bool grow(struct ax_queue *q, uint32_t need)
{
    if (need > q->capacity)
        return false;
    uint64_t room = q->room;
    while (room < need)
        room *= 2;
    if (room > q->capacity)
        room = q->capacity;
    struct ax_item *ring = calloc((size_t)room, sizeof *ring);
    if (!ring)
        return false;
    for (uint32_t i = 0; i < q->n; i++)
        ring[i] = *at(q, i);
    free(q->ring);
    q->ring = ring;
    q->room = (uint32_t)room;
    q->head = 0;
    return true;
}

static void drop_oldest(struct ax_queue *q)
{
    ax_out_key_unref(at(q, 0)->key);
    q->head = q->head + 1 == q->room ? 0 : q->head + 1;
    q->n--;
}

uint32_t ax_queue_push(struct ax_queue *q, struct ax_out_key *key, int64_t t_ms, double value)
{
    uint32_t lost = 0;
    (void)pthread_mutex_lock(&q->lock);
    if (q->n == q->room && !grow(q, q->n + 1)) {
        drop_oldest(q);
        lost = 1;
    }
    q->n++;
    *at(q, q->n - 1) = (struct ax_item){ax_out_key_ref(key), t_ms, value};
    if (!lost)
        (void)atomic_fetch_add_explicit(&q->pending, 1, memory_order_relaxed);
    if (q->n >= q->wanted)
        (void)pthread_cond_signal(&q->filled);
    (void)pthread_mutex_unlock(&q->lock);
    return lost;
}

uint32_t ax_queue_wait(struct ax_queue *q, uint32_t enough, int64_t until_ns)
{
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    (void)pthread_mutex_lock(&q->lock);
    q->wanted = enough;
    while (q->n < enough && !q->interrupted) {
        if (until_ns == INT64_MAX)
            (void)pthread_cond_wait(&q->filled, &q->lock);
        else if (pthread_cond_timedwait(&q->filled, &q->lock, &until) != 0)
            break;
    }
    q->wanted = UINT32_MAX;
    uint32_t n = q->n;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

void ax_queue_interrupt(struct ax_queue *q)
{
    (void)pthread_mutex_lock(&q->lock);
    q->interrupted = true;
    (void)pthread_cond_signal(&q->filled);
    (void)pthread_mutex_unlock(&q->lock);
}

uint32_t ax_queue_take(struct ax_queue *q, struct ax_item *items, uint32_t n)
{
    (void)pthread_mutex_lock(&q->lock);
    n = n < q->n ? n : q->n;
    for (uint32_t i = 0; i < n; i++)
        items[i] = *at(q, i);
    uint64_t head = (uint64_t)q->head + n;
    q->head = (uint32_t)(head < q->room ? head : head - q->room);
    q->n -= n;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

void ax_queue_done(struct ax_queue *q, struct ax_item *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        ax_out_key_unref(items[i].key);
    (void)atomic_fetch_sub_explicit(&q->pending, n, memory_order_relaxed);
}

uint32_t ax_queue_give_back(struct ax_queue *q, struct ax_item *items, uint32_t n)
{
    (void)pthread_mutex_lock(&q->lock);
    uint32_t free_room = q->room - q->n;
    if (n > free_room && grow(q, n > q->capacity - q->n ? q->capacity : q->n + n))
        free_room = q->room - q->n;
    uint32_t lost = n > free_room ? n - free_room : 0;
    for (uint32_t i = n; i > lost; i--) {
        q->head = q->head ? q->head - 1 : q->room - 1;
        q->n++;
        *at(q, 0) = items[i - 1];
    }
    (void)pthread_mutex_unlock(&q->lock);
    ax_queue_done(q, items, lost);
    return lost;
}

uint64_t ax_queue_pending(const struct ax_queue *q)
{
    return atomic_load_explicit(&q->pending, memory_order_relaxed);
}
