/* emit.c: the table of open output series in front of the endpoints.
 *
 * A series that was closed is remembered for a while with the time of its last sample, because a receiver
 * refuses a whole request for one sample that is not newer than what it has. */
#include "emit/emit.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metrics.h"
#include "emit/endpoint.h"
#include "prom/sample.h"

#include <pthread.h>
#include <stdlib.h>

#define KEY_BYTES_MAX ((size_t)1 << 20)
#define ARENA_BYTES_MAX ((size_t)8 << 20)     /* labels of one series through the rules of one endpoint */
#define REMEMBER_MS (INT64_C(10) * 60 * 1000) /* a closed series, counted in the time of samples */
#define SWEEP_LEAST 1024u
#define FIRST_BUCKETS 1024u

static const enum ax_metric endpoint_gauges[] = {AX_M_QUEUE_SAMPLES, AX_M_QUEUE_CAPACITY, AX_M_SEND_HIGHEST};

/* One output series; the handle that users hold. */
struct ax_out {
    struct ax_out *next;      /* in its bucket */
    struct ax_out_key *key;   /* complete labels */
    uint32_t handles;         /* 0: closed, remembered */
    int64_t last_ms;          /* newest sample accepted from the user; INT64_MIN: none yet */
    struct ax_out_key **sent; /* for each endpoint: the key there; NULL: relabelled away */
};

struct ax_emit {
    pthread_mutex_t lock; /* of all that follows */
    struct ax_clock clock;
    struct ax_endpoint **endpoints;
    uint32_t endpoints_n;
    struct ax_out **buckets;
    uint32_t buckets_n, outs_n, closed_n, sweep_at;
    int64_t newest_ms;
    struct ax_buf scratch;
    struct ax_arena arena;
};

static void free_sent(struct ax_out_key **sent, uint32_t n)
{
    for (uint32_t i = 0; sent && i < n; i++)
        ax_out_key_unref(sent[i]);
    free(sent);
}

static void free_out(struct ax_emit *e, struct ax_out *out)
{
    free_sent(out->sent, e->endpoints_n);
    ax_out_key_unref(out->key);
    free(out);
}

/* The keys of a series at n endpoints; NULL when out of memory. */
static struct ax_out_key **make_sent(struct ax_emit *e, struct ax_endpoint *const *endpoints, uint32_t n,
                                     struct ax_out_key *key)
{
    struct ax_out_key **sent = calloc(n + (size_t)1, sizeof(struct ax_out_key *));
    for (uint32_t i = 0; sent && i < n; i++) {
        ax_arena_reset(&e->arena);
        enum ax_err err = ax_endpoint_key(endpoints[i], key, &e->arena, &sent[i]);
        if (err == AX_NOMEM) {
            free_sent(sent, n);
            return NULL;
        }
        if (err != AX_OK)
            ax_log(AX_LOG_WARN, "relabel_failed", "%s: a series is not sent: relabelling it is %s",
                   ax_endpoint_url(endpoints[i]), ax_err_text(err));
    }
    return sent;
}

static struct ax_out **bucket_of(struct ax_emit *e, uint64_t hash)
{
    return &e->buckets[hash & (e->buckets_n - 1)];
}

static void grow_buckets(struct ax_emit *e)
{
    uint32_t n = e->buckets_n * 2;
    struct ax_out **buckets = n ? calloc(n, sizeof(struct ax_out *)) : NULL;
    if (!buckets)
        return; /* longer chains */
    for (uint32_t i = 0; i < e->buckets_n; i++)
        for (struct ax_out *o = e->buckets[i], *next; o; o = next) {
            next = o->next;
            o->next = buckets[o->key->hash & (n - 1)];
            buckets[o->key->hash & (n - 1)] = o;
        }
    free(e->buckets);
    e->buckets = buckets;
    e->buckets_n = n;
}

/* Forget closed series whose last sample is long past. */
static void sweep(struct ax_emit *e)
{
    for (uint32_t i = 0; i < e->buckets_n; i++)
        for (struct ax_out **at = &e->buckets[i]; *at;) {
            struct ax_out *o = *at;
            if (o->handles || (o->last_ms != INT64_MIN && o->last_ms > e->newest_ms - REMEMBER_MS)) {
                at = &o->next;
                continue;
            }
            *at = o->next;
            e->outs_n--;
            e->closed_n--;
            free_out(e, o);
        }
    e->sweep_at = e->closed_n * 2 > SWEEP_LEAST ? e->closed_n * 2 : SWEEP_LEAST;
}

static struct ax_out *add_out(struct ax_emit *e, struct ax_str bytes)
{
    struct ax_out *out = calloc(1, sizeof *out);
    if (!out)
        return NULL;
    out->last_ms = INT64_MIN;
    out->key = ax_out_key_new(bytes);
    out->sent = out->key ? make_sent(e, e->endpoints, e->endpoints_n, out->key) : NULL;
    if (!out->sent) {
        ax_out_key_unref(out->key);
        free(out);
        return NULL;
    }
    if (e->closed_n >= e->sweep_at)
        sweep(e);
    if (e->outs_n >= e->buckets_n)
        grow_buckets(e);
    struct ax_out **bucket = bucket_of(e, out->key->hash);
    out->next = *bucket;
    *bucket = out;
    e->outs_n++;
    return out;
}

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    struct ax_emit *e = ctx;
    (void)pthread_mutex_lock(&e->lock);
    ax_buf_reset(&e->scratch);
    ax_labels_key_write(labels, &e->scratch);
    struct ax_out *out = NULL;
    if (e->scratch.err == AX_OK) {
        struct ax_str key = ax_buf_view(&e->scratch);
        uint64_t hash = ax_out_key_hash(key);
        for (out = *bucket_of(e, hash); out; out = out->next)
            if (out->key->hash == hash && ax_str_eq((struct ax_str){out->key->bytes, out->key->n}, key))
                break;
        if (out && out->handles == 0)
            e->closed_n--;
        if (!out)
            out = add_out(e, key);
        if (out)
            out->handles++;
    }
    (void)pthread_mutex_unlock(&e->lock);
    return out;
}

/* Pass a sample on to every endpoint. */
static void send_all(struct ax_emit *e, struct ax_out *out, int64_t t_ms, double value)
{
    bool late = t_ms <= out->last_ms && out->last_ms != INT64_MIN;
    if (!late) {
        out->last_ms = t_ms;
        if (t_ms > e->newest_ms)
            e->newest_ms = t_ms;
    }
    for (uint32_t i = 0; i < e->endpoints_n; i++) {
        if (!out->sent[i])
            ax_endpoint_count_relabelled(e->endpoints[i]);
        else if (late)
            ax_endpoint_count_out_of_order(e->endpoints[i]);
        else
            ax_endpoint_push(e->endpoints[i], out->sent[i], t_ms, value);
    }
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    struct ax_emit *e = ctx;
    (void)pthread_mutex_lock(&e->lock);
    AX_ASSERT(out->handles > 0);
    send_all(e, out, t_ms, value);
    (void)pthread_mutex_unlock(&e->lock);
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    struct ax_emit *e = ctx;
    (void)pthread_mutex_lock(&e->lock);
    AX_ASSERT(out->handles > 0);
    if (--out->handles == 0) {
        e->closed_n++;
        if (t_ms != INT64_MIN) /* after the last sample, so that the end is not out of order */
            send_all(e, out, t_ms > out->last_ms ? t_ms : out->last_ms + 1, ax_stale());
    }
    (void)pthread_mutex_unlock(&e->lock);
}

static void free_endpoints(struct ax_endpoint **endpoints, uint32_t n, const char *reason)
{
    for (uint32_t i = 0; endpoints && i < n; i++)
        ax_endpoint_free(endpoints[i], reason);
    free(endpoints);
}

static void free_all(struct ax_emit *e)
{
    for (uint32_t i = 0; e->buckets && i < e->buckets_n; i++)
        for (struct ax_out *o = e->buckets[i], *next; o; o = next) {
            next = o->next;
            free_out(e, o);
        }
    free(e->buckets);
    free_endpoints(e->endpoints, e->endpoints_n, "shutdown");
    ax_buf_done(&e->scratch);
    ax_arena_done(&e->arena);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

enum ax_err ax_emit_start(const struct ax_remote_write *endpoints, uint32_t endpoints_n,
                          struct ax_clock clock, struct ax_emit **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_emit *e = calloc(1, sizeof *e);
    if (!e)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    (void)pthread_mutex_init(&e->lock, NULL);
    e->clock = clock;
    e->newest_ms = INT64_MIN;
    e->sweep_at = SWEEP_LEAST;
    e->buckets_n = FIRST_BUCKETS;
    e->buckets = calloc(e->buckets_n, sizeof(struct ax_out *));
    ax_buf_init(&e->scratch, KEY_BYTES_MAX);
    ax_arena_init(&e->arena, ARENA_BYTES_MAX);
    enum ax_err err = e->buckets ? ax_emit_reload(e, endpoints, endpoints_n, diag)
                                 : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err != AX_OK) {
        free_all(e);
        return err;
    }
    *out = e;
    return AX_OK;
}

struct ax_sink ax_emit_sink(struct ax_emit *e)
{
    return (struct ax_sink){.ctx = e, .open = sink_open, .put = sink_put, .close = sink_close};
}

static bool same(struct ax_hash128 a, struct ax_hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* The running endpoint of an unchanged block that no other block has claimed; -1 when there is none. */
static int64_t find_unchanged(const struct ax_emit *e, const bool *kept, const struct ax_remote_write *config)
{
    struct ax_hash128 identity = ax_endpoint_fingerprint(config);
    for (uint32_t i = 0; i < e->endpoints_n; i++)
        if (!kept[i] && same(ax_endpoint_identity(e->endpoints[i]), identity))
            return i;
    return -1;
}

/* A plan for a reload: the endpoints to be, which of the old ones are among them, and for every series its
 * keys there. Nothing of the running state changes until it is complete. */
struct plan {
    struct ax_endpoint **endpoints;
    uint32_t endpoints_n;
    bool *is_new; /* of endpoints */
    bool *kept;   /* of the old endpoints */
    struct ax_out_key ***sent;
    uint32_t sent_n;
};

static enum ax_err plan_endpoints(struct ax_emit *e, const struct ax_remote_write *configs, uint32_t n,
                                  struct plan *p, struct ax_diag *diag)
{
    p->endpoints = calloc(n + (size_t)1, sizeof(struct ax_endpoint *));
    p->is_new = calloc(n + (size_t)1, sizeof *p->is_new);
    p->kept = calloc(e->endpoints_n + (size_t)1, sizeof *p->kept);
    if (!p->endpoints || !p->is_new || !p->kept)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        int64_t old = find_unchanged(e, p->kept, &configs[i]);
        if (old >= 0) {
            p->endpoints[i] = e->endpoints[old];
            p->kept[old] = true;
        } else {
            enum ax_err err = ax_endpoint_new(&configs[i], e->clock, &p->endpoints[i], diag);
            if (err != AX_OK)
                return err;
            p->is_new[i] = true;
        }
        p->endpoints_n++;
    }
    return AX_OK;
}

static enum ax_err plan_series(struct ax_emit *e, struct plan *p, struct ax_diag *diag)
{
    p->sent = calloc(e->outs_n + (size_t)1, sizeof(struct ax_out_key **));
    if (!p->sent)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < e->buckets_n; i++)
        for (const struct ax_out *o = e->buckets[i]; o; o = o->next) {
            struct ax_out_key **sent = make_sent(e, p->endpoints, p->endpoints_n, o->key);
            if (!sent)
                return ax_fail(diag, AX_NOMEM, "out of memory");
            p->sent[p->sent_n++] = sent;
        }
    return AX_OK;
}

static void drop_plan(struct plan *p)
{
    for (uint32_t i = 0; i < p->sent_n; i++)
        free_sent(p->sent[i], p->endpoints_n);
    for (uint32_t i = 0; i < p->endpoints_n; i++)
        if (p->is_new[i])
            ax_endpoint_free(p->endpoints[i], "shutdown");
    free(p->endpoints);
}

/* An endpoint whose block is gone: what waits goes to the new one in its place, if there is one. */
static void retire(struct ax_endpoint *old, const struct plan *p)
{
    struct ax_endpoint *heir = NULL;
    bool url_remains = false;
    for (uint32_t i = 0; i < p->endpoints_n; i++) {
        url_remains |= strcmp(ax_endpoint_url(p->endpoints[i]), ax_endpoint_url(old)) == 0;
        if (p->is_new[i] && ax_endpoint_succeeds(p->endpoints[i], old))
            heir = p->endpoints[i];
    }
    ax_endpoint_end(old, 0);
    if (heir)
        ax_endpoint_hand_over(old, heir);
    if (!url_remains) /* gauges of what is no more would look like a queue that stands still */
        for (size_t i = 0; i < sizeof endpoint_gauges / sizeof endpoint_gauges[0]; i++)
            ax_metric_forget(endpoint_gauges[i], ax_endpoint_url(old));
    ax_endpoint_free(old, "endpoint_removed");
}

static void carry_out(struct ax_emit *e, const struct ax_remote_write *configs, struct plan *p)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < e->buckets_n; i++)
        for (struct ax_out *o = e->buckets[i]; o; o = o->next) {
            free_sent(o->sent, e->endpoints_n);
            o->sent = p->sent[k++];
        }
    for (uint32_t i = 0; i < p->endpoints_n; i++)
        ax_endpoint_set_rules(p->endpoints[i], &configs[i]);
    for (uint32_t i = 0; i < e->endpoints_n; i++)
        if (!p->kept[i])
            retire(e->endpoints[i], p);
    free(e->endpoints);
    e->endpoints = p->endpoints;
    e->endpoints_n = p->endpoints_n;
}

enum ax_err ax_emit_reload(struct ax_emit *e, const struct ax_remote_write *endpoints, uint32_t endpoints_n,
                           struct ax_diag *diag)
{
    struct plan p = {0};
    (void)pthread_mutex_lock(&e->lock);
    enum ax_err err = plan_endpoints(e, endpoints, endpoints_n, &p, diag);
    if (err == AX_OK)
        err = plan_series(e, &p, diag);
    if (err == AX_OK)
        carry_out(e, endpoints, &p);
    else
        drop_plan(&p);
    (void)pthread_mutex_unlock(&e->lock);
    free(p.is_new);
    free(p.kept);
    free(p.sent);
    return err;
}

uint64_t ax_emit_pending(struct ax_emit *e)
{
    (void)pthread_mutex_lock(&e->lock);
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->endpoints_n; i++)
        n += ax_endpoint_pending(e->endpoints[i]);
    (void)pthread_mutex_unlock(&e->lock);
    return n;
}

void ax_emit_stop(struct ax_emit *e, int64_t deadline_ms)
{
    if (!e)
        return;
    int64_t until_ns = ax_mono_ns() + deadline_ms * 1000000;
    for (uint32_t i = 0; i < e->endpoints_n; i++)
        ax_endpoint_flush(e->endpoints[i]);
    for (uint32_t i = 0; i < e->endpoints_n; i++)
        ax_endpoint_end(e->endpoints[i], until_ns);
    free_all(e);
}
