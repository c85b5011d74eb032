/* db_histogram.c: the way of native histograms into their rings and out of them. A series has a ring of them
 * from its first one on; one that ends its series is a stale marker among the samples, as PromQL sees it. */
#include "base/assert.h"
#include "prom/histogram.h"
#include "series/journal.h"
#include "series/shard.h"

#include <stdlib.h>

static struct ax_histogram_limits limits_of(struct ax_db *db, const struct ax_series *s)
{
    return (struct ax_histogram_limits){.keep_ms = ax_db_keep_ms(db, s, ax_series_newest(s)),
                                        .bytes_max = db->opt.histogram_bytes_max,
                                        .all_max = db->opt.histogram_bytes_all,
                                        .all = &db->histogram_bytes};
}

uint64_t ax_db_histogram_bytes(const struct ax_db *db)
{
    return atomic_load_explicit(&db->histogram_bytes, memory_order_relaxed);
}

bool ax_series_has_histograms(const struct ax_series *s)
{
    return atomic_load_explicit(&s->histograms, memory_order_acquire) != NULL;
}

int64_t ax_series_newest(const struct ax_series *s)
{
    const struct ax_histogram_ring *r = atomic_load_explicit(&s->histograms, memory_order_acquire);
    int64_t sample = ax_ring_newest(&s->ring), histogram = r ? ax_histogram_ring_newest(r) : INT64_MIN;
    return sample > histogram ? sample : histogram;
}

void ax_series_drop_histograms(struct ax_db *db, struct ax_series *s)
{
    struct ax_histogram_ring *r = atomic_exchange(&s->histograms, NULL);
    if (r)
        ax_histogram_ring_done(r, &db->histogram_bytes);
    free(r);
}

/* Its ring, made if it has none; under the lock of the shard. NULL when out of memory. */
static struct ax_histogram_ring *ring_of(struct ax_series *s)
{
    struct ax_histogram_ring *r = atomic_load_explicit(&s->histograms, memory_order_relaxed);
    if (!r && (r = calloc(1, sizeof *r)))
        atomic_store_explicit(&s->histograms, r, memory_order_release);
    return r;
}

/* Put a histogram of nothing where the counter of this one began, if that lies behind all that is there.
 * False when out of memory. */
static bool put_created(struct ax_series *s, struct ax_histogram_ring *r, const struct ax_histogram_sample *h,
                        const struct ax_histogram_limits *limits, struct ax_append_result *out)
{
    struct ax_buf zero;
    if (h->start_ms == 0 || h->start_ms <= ax_series_newest(s) || h->start_ms >= h->t_ms ||
        (uint64_t)h->t_ms - (uint64_t)h->start_ms >= (uint64_t)limits->keep_ms)
        return true;
    ax_buf_init(&zero, 2 * h->message.n + 32);
    ax_histogram_zero(h->message, h->start_ms, &zero);
    enum ax_ring_put put = AX_RING_NOMEM;
    if (zero.err == AX_OK)
        put = ax_histogram_ring_put(r, h->start_ms, ax_buf_view(&zero), limits);
    out->created += put == AX_RING_ADDED;
    ax_buf_done(&zero);
    return put != AX_RING_NOMEM;
}

static void put_one(struct ax_db *db, struct ax_series *s, const struct ax_histogram_sample *h, bool again,
                    struct ax_append_result *out)
{
    struct ax_histogram_limits limits = limits_of(db, s);
    struct ax_histogram_ring *r = ring_of(s);
    enum ax_ring_put put = AX_RING_NOMEM;
    bool ready = r && (again || put_created(s, r, h, &limits, out));
    if (ready && !again && ax_db_is_late(db, ax_series_newest(s), h->t_ms)) {
        put = ax_histogram_ring_again(r, h->t_ms, h->message);
        if (put == AX_RING_ADDED)
            put = AX_RING_TOO_OLD;
    } else if (ready) {
        put = ax_histogram_ring_put(r, h->t_ms, h->message, &limits);
    }
    out->appended += put == AX_RING_ADDED;
    out->duplicates += put == AX_RING_DUPLICATE || put == AX_RING_CONFLICT;
    out->conflicts += put == AX_RING_CONFLICT;
    out->too_old += put == AX_RING_TOO_OLD;
    out->full += put == AX_RING_FULL;
    out->nomem += put == AX_RING_NOMEM;
    if (put == AX_RING_ADDED)
        ax_db_tell(s->wants, h->t_ms, 1, again);
}

void ax_db_put_histograms(struct ax_db *db, struct ax_series *s, const struct ax_histogram_sample *v,
                          uint32_t n, bool again, struct ax_append_result *out)
{
    struct ax_shard *sh = &db->shards[s->shard];
    for (uint32_t i = 0; i < n; i++) {
        if (v[i].ended) {
            const struct ax_sample end = {v[i].t_ms, ax_stale()};
            ax_db_put(db, s, &end, 1, again, out);
            continue;
        }
        pthread_mutex_lock(&sh->lock);
        put_one(db, s, &v[i], again, out);
        pthread_mutex_unlock(&sh->lock);
    }
}

/* Write what the ring has at a time, if it has something. */
static void write_kept(struct ax_journal *journal, const struct ax_series *s, int64_t t_ms)
{
    const struct ax_histogram_ring *r = s->histograms;
    uint32_t n = r ? ax_histogram_ring_until(r, t_ms) : 0;
    if (n && r->v[r->head + n - 1].t_ms == t_ms)
        ax_journal_add_histogram(journal, s, t_ms, ax_histogram_ring_message(r, n - 1));
}

void ax_db_journal_histograms(struct ax_db *db, const struct ax_series *s,
                              const struct ax_histogram_sample *v, uint32_t n, struct ax_journal *journal)
{
    struct ax_shard *sh = &db->shards[s->shard];
    pthread_mutex_lock(&sh->lock);
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_sample *end = v[i].ended ? ax_ring_find(&s->ring, v[i].t_ms) : NULL;
        if (end)
            ax_journal_add(journal, s, end, 1);
        if (v[i].start_ms)
            write_kept(journal, s, v[i].start_ms);
        write_kept(journal, s, v[i].t_ms);
    }
    pthread_mutex_unlock(&sh->lock);
}

struct ax_str ax_histograms_message(const struct ax_histograms *h, uint32_t i)
{
    const struct ax_histogram_place *p = &h->v[i];
    return p->n ? (struct ax_str){(const char *)h->bytes.bytes + p->at, p->n} : (struct ax_str){NULL, 0};
}

void ax_histograms_done(struct ax_histograms *h)
{
    ax_buf_done(&h->bytes);
    free(h->v);
    *h = (struct ax_histograms){0};
}

/* Room for n places. */
static bool make_room(struct ax_histograms *h, uint32_t n)
{
    if (n <= h->cap)
        return true;
    uint32_t cap = h->cap ? h->cap : 64;
    while (cap < n)
        cap *= 2;
    struct ax_histogram_place *v = realloc(h->v, cap * sizeof *v);
    if (!v)
        return false;
    h->v = v;
    h->cap = cap;
    return true;
}

enum ax_err ax_db_read_histograms(struct ax_db *db, const struct ax_series *s, int64_t after_ms,
                                  int64_t until_ms, uint32_t most, struct ax_histograms *out)
{
    struct ax_shard *sh = &db->shards[s->shard];
    out->n = 0;
    out->bytes.bytes_max = SIZE_MAX;
    ax_buf_reset(&out->bytes);
    pthread_mutex_lock(&sh->lock);
    const struct ax_histogram_ring *r = s->histograms;
    uint32_t end = r ? ax_histogram_ring_until(r, until_ms) : 0,
             i = r ? ax_histogram_ring_until(r, after_ms) : 0;
    if (end > most && end - most > i)
        i = end - most;
    bool ok = i >= end || make_room(out, end - i);
    for (; ok && i < end; i++) {
        struct ax_str message = ax_histogram_ring_message(r, i);
        out->v[out->n++] =
            (struct ax_histogram_place){r->v[r->head + i].t_ms, (uint32_t)out->bytes.n, (uint32_t)message.n};
        ax_buf_str(&out->bytes, message);
    }
    pthread_mutex_unlock(&sh->lock);
    if (ok && out->bytes.err == AX_OK)
        return AX_OK;
    out->n = 0;
    return AX_NOMEM;
}
