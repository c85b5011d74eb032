/* journal.c: the record of a request is built in two buffers, definitions and runs, and written as one. */
#include "series/journal.h"

#include "base/bytes.h"
#include "series/shard.h"
#include "store/records.h"

#define VARINT_MAX ((size_t)10)

void ax_journal_init(struct ax_journal *j)
{
    *j = (struct ax_journal){0};
    ax_buf_init(&j->definitions, AX_SEGLOG_RECORD_MAX);
    ax_buf_init(&j->runs, AX_SEGLOG_RECORD_MAX);
    ax_buf_init(&j->histograms, AX_SEGLOG_RECORD_MAX);
}

void ax_journal_reset(struct ax_journal *j)
{
    ax_buf_reset(&j->definitions);
    ax_buf_reset(&j->runs);
    ax_buf_reset(&j->histograms);
    j->ref = j->histogram_ref = 0;
    j->t_ms = j->histogram_t_ms = 0;
}

void ax_journal_done(struct ax_journal *j)
{
    ax_buf_done(&j->definitions);
    ax_buf_done(&j->runs);
    ax_buf_done(&j->histograms);
}

size_t ax_journal_bytes(const struct ax_journal *j)
{
    size_t n = j->runs.n + j->histograms.n;
    return n ? j->definitions.n + n : 0;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (uint8_t)(v | 0x80);
    *p++ = (uint8_t)v;
    return p;
}

/* a - b, zigzag, without overflow. */
static uint64_t distance(uint64_t a, uint64_t b)
{
    uint64_t d = a - b;
    return d << 1 ^ (d >> 63 ? UINT64_MAX : 0);
}

static void define(struct ax_journal *j, const struct ax_series *s)
{
    struct ax_buf key;
    ax_buf_init(&key, AX_SEGLOG_RECORD_MAX);
    ax_labels_key_write(s->labels, &key);
    if (j->definitions.n == 0)
        ax_put_u8(&j->definitions, AX_JOURNAL_VERSION);
    ax_put_varint(&j->definitions, s->ref);
    ax_put_str(&j->definitions, (struct ax_str){s->tenant, s->tenant_n});
    ax_put_str(&j->definitions, ax_buf_view(&key));
    if (key.err != AX_OK)
        j->definitions.err = key.err;
    ax_buf_done(&key);
}

void ax_journal_add(struct ax_journal *j, const struct ax_series *s, const struct ax_sample *samples,
                    uint32_t n)
{
    if (!atomic_load_explicit(&s->defined, memory_order_acquire))
        define(j, s);
    if (!ax_buf_reserve(&j->runs, 2 * VARINT_MAX + n * (VARINT_MAX + sizeof samples->value)))
        return;
    uint8_t *p = j->runs.bytes + j->runs.n;
    p = put_varint(p, distance(s->ref, j->ref) << 1 | (n > 1));
    if (n > 1)
        p = put_varint(p, n);
    uint64_t t = (uint64_t)j->t_ms;
    for (uint32_t i = 0; i < n; i++) {
        p = put_varint(p, distance((uint64_t)samples[i].t_ms, t));
        memcpy(p, &samples[i].value, sizeof samples[i].value);
        p += sizeof samples[i].value;
        t = (uint64_t)samples[i].t_ms;
    }
    j->runs.n = (size_t)(p - j->runs.bytes);
    j->ref = s->ref;
    j->t_ms = (int64_t)t;
}

void ax_journal_add_each(struct ax_journal *j, const struct ax_kept *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!atomic_load_explicit(&v[i].series->defined, memory_order_acquire))
            define(j, v[i].series);
    if (!ax_buf_reserve(&j->runs, n * (2 * VARINT_MAX + sizeof v->sample->value)))
        return;
    uint8_t *p = j->runs.bytes + j->runs.n;
    uint64_t ref = j->ref, t = (uint64_t)j->t_ms;
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_sample *s = v[i].sample;
        p = put_varint(p, distance(v[i].series->ref, ref) << 1);
        p = put_varint(p, distance((uint64_t)s->t_ms, t));
        memcpy(p, &s->value, sizeof s->value);
        p += sizeof s->value;
        ref = v[i].series->ref;
        t = (uint64_t)s->t_ms;
    }
    j->runs.n = (size_t)(p - j->runs.bytes);
    j->ref = ref;
    j->t_ms = (int64_t)t;
}

void ax_journal_add_histogram(struct ax_journal *j, const struct ax_series *s, int64_t t_ms,
                              struct ax_str message)
{
    if (!atomic_load_explicit(&s->defined, memory_order_acquire))
        define(j, s);
    ax_put_svarint(&j->histograms, (int64_t)(s->ref - j->histogram_ref));
    ax_put_svarint(&j->histograms, (int64_t)((uint64_t)t_ms - (uint64_t)j->histogram_t_ms));
    ax_put_str(&j->histograms, message);
    j->histogram_ref = s->ref;
    j->histogram_t_ms = t_ms;
}

/* Finish the record: what stands before the runs, and the histograms behind them. */
static enum ax_err finish(struct ax_journal *j)
{
    struct ax_buf *head = &j->definitions, *body = &j->runs;
    if (head->n == 0)
        ax_put_u8(head, AX_JOURNAL_VERSION);
    ax_put_varint(head, 0);
    if (j->histograms.n) {
        head->bytes[0] = AX_JOURNAL_HISTOGRAMS;
        ax_put_varint(head, body->n);
        ax_buf_str(body, ax_buf_view(&j->histograms));
    }
    return head->err ? head->err : body->err ? body->err : j->histograms.err;
}

/* The log says now what the refs of these definitions stand for. */
static void mark_defined(struct ax_db *db, struct ax_str definitions)
{
    struct ax_bytes r = ax_bytes_of(definitions);
    (void)ax_get_u8(&r);
    pthread_rwlock_rdlock(&db->structure);
    for (uint64_t ref = ax_get_varint(&r); ref; ref = ax_get_varint(&r)) {
        struct ax_str tenant = ax_get_str(&r), key = ax_get_str(&r);
        struct ax_series *s = ax_db_find(db, tenant, key); /* it may have been evicted, and come back */
        if (s && s->ref == ref)
            atomic_store_explicit(&s->defined, true, memory_order_release);
    }
    pthread_rwlock_unlock(&db->structure);
}

/* What is kept of a cluster of replicas hangs on which one is listened to: its election lasts before its
 * samples do. */
static enum ax_err append_elections(struct ax_db *db, struct ax_seglog *log, struct ax_diag *diag)
{
    if (!db->ha || !ax_ha_has_news(db->ha))
        return AX_OK;
    uint64_t until;
    struct ax_buf body;
    ax_buf_init(&body, AX_SEGLOG_RECORD_MAX);
    ax_ha_save_news(db->ha, &body, &until);
    enum ax_err err = body.err;
    if (err == AX_OK)
        err = ax_seglog_append(log, AX_WAL_ELECTIONS, ax_buf_view(&body), NULL, diag);
    else
        err = ax_fail(diag, err, "no room to write to the log which replicas are listened to");
    ax_buf_done(&body);
    if (err == AX_OK)
        ax_ha_saved(db->ha, until);
    return err;
}

enum ax_err ax_journal_append(struct ax_journal *j, struct ax_db *db, struct ax_seglog *log,
                              struct ax_diag *diag)
{
    struct ax_buf *head = &j->definitions;
    enum ax_err err = head->err ? head->err : j->runs.err ? j->runs.err : j->histograms.err;
    if (err == AX_OK && j->runs.n + j->histograms.n == 0)
        return AX_OK;
    bool defines = head->n > 0;
    if (err == AX_OK) {
        err = append_elections(db, log, diag);
        if (err != AX_OK) {
            ax_journal_reset(j);
            return err;
        }
        err = finish(j);
    }
    if (err != AX_OK) {
        ax_journal_reset(j);
        return ax_fail(diag, err, "no room to write the samples of this request to the log");
    }
    err = ax_seglog_append2(log, AX_WAL_SAMPLES, ax_buf_view(head), ax_buf_view(&j->runs), NULL, diag);
    if (err == AX_OK && defines)
        mark_defined(db, ax_buf_view(head));
    ax_journal_reset(j);
    return err;
}
