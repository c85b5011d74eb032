/* state.c: what lasts of the series: written as sections, read back from sections and records.
 *
 * A section: version (u8, 1), the ref of the next new series (varint); then to the end series, each
 * `varint distance of ref from the one before (0 at first), tenant str, key str, n varint` and n times
 * `svarint change of the distance from the time before, f64 value`: a steady interval costs a byte. Behind
 * them its native histograms: their number (varint), and each `svarint distance from the time before, message
 * str`. */
#include "series/state.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/map.h"
#include "series/journal.h"
#include "series/shard.h"
#include "store/records.h"

#include <stdlib.h>

#define SECTION_VERSION 1
#define SECTION_BYTES ((size_t)1 << 20)
#define SECTION_REFS 256 /* refs of a section: the same series are together the next time */
#define REF_MAX ((uint64_t)1 << 60)
#define PUT_TOGETHER 64u

/* ---- saving ---- */

/* A series to be saved; `series` may be read as long as nothing was evicted. */
struct saved {
    uint64_t ref;
    const struct ax_series *series;
};

struct saver {
    struct ax_db *db;
    struct saved *v; /* by ref */
    size_t n, cap;
    uint64_t evictions, ref; /* at the last look, the last one that was saved */
    uint64_t block;          /* of refs, of the section that is being made */
    struct ax_buf body, key;
    struct ax_sample *samples;
    struct ax_histograms histograms;
};

static int by_ref(const void *a, const void *b)
{
    const struct saved *x = a, *y = b;
    return (x->ref > y->ref) - (x->ref < y->ref);
}

static bool note_shard(struct saver *s, const struct ax_shard *sh)
{
    for (const struct ax_series *series = sh->series; series; series = series->next) {
        if (series->ref <= s->ref)
            continue;
        if (s->n == s->cap) {
            size_t cap = s->cap ? s->cap * 2 : 1024;
            struct saved *v = realloc(s->v, cap * sizeof *v);
            if (!v)
                return false;
            s->v = v;
            s->cap = cap;
        }
        s->v[s->n++] = (struct saved){series->ref, series};
    }
    return true;
}

/* Note all series that were not saved yet. The lock is let go between shards; an eviction meanwhile means to
 * begin again. */
static bool note_series(struct saver *s)
{
    bool ok = true, evicted = true;
    while (ok && evicted) {
        evicted = false;
        s->n = 0;
        for (uint32_t i = 0; ok && !evicted && i < AX_SHARDS; i++) {
            pthread_rwlock_rdlock(&s->db->structure);
            evicted = i > 0 && s->evictions != s->db->evictions;
            s->evictions = s->db->evictions;
            ok = evicted || note_shard(s, &s->db->shards[i]);
            pthread_rwlock_unlock(&s->db->structure);
        }
    }
    if (s->n)
        qsort(s->v, s->n, sizeof *s->v, by_ref);
    return ok;
}

static void put_histograms(struct saver *s, const struct ax_series *series)
{
    struct ax_buf *out = &s->body;
    struct ax_histograms *h = &s->histograms;
    h->n = 0;
    if (ax_series_has_histograms(series) &&
        ax_db_read_histograms(s->db, series, INT64_MIN, INT64_MAX, UINT32_MAX, h) != AX_OK)
        out->err = AX_NOMEM;
    ax_put_varint(out, h->n);
    uint64_t t = 0;
    for (uint32_t i = 0; i < h->n; i++) {
        ax_put_svarint(out, (int64_t)((uint64_t)h->v[i].t_ms - t));
        ax_put_str(out, ax_histograms_message(h, i));
        t = (uint64_t)h->v[i].t_ms;
    }
}

static void put_series(struct saver *s, const struct ax_series *series)
{
    struct ax_buf *out = &s->body;
    uint32_t n = ax_db_read(s->db, series, INT64_MIN, INT64_MAX, s->samples, s->db->opt.ring_samples_max);
    ax_buf_reset(&s->key);
    ax_labels_key_write(series->labels, &s->key);
    ax_put_varint(out, series->ref - s->ref);
    ax_put_str(out, (struct ax_str){series->tenant, series->tenant_n});
    ax_put_str(out, ax_buf_view(&s->key));
    ax_put_varint(out, n);
    uint64_t t = 0, step = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t next = (uint64_t)s->samples[i].t_ms, distance = next - t;
        ax_put_svarint(out, (int64_t)(distance - step));
        ax_put_f64(out, s->samples[i].value);
        step = distance;
        t = next;
    }
    put_histograms(s, series);
    s->ref = series->ref;
}

/* The next section. Sets *out_evicted, and writes nothing, when the notes are no longer true. */
static size_t write_section(struct saver *s, size_t i, bool *out_evicted)
{
    ax_buf_reset(&s->body);
    pthread_rwlock_rdlock(&s->db->structure);
    *out_evicted = s->evictions != s->db->evictions;
    if (!*out_evicted) {
        uint64_t before = s->ref;
        s->ref = 0;
        ax_put_u8(&s->body, SECTION_VERSION);
        ax_put_varint(&s->body, s->db->next_ref);
        s->block = i < s->n ? s->v[i].ref / SECTION_REFS : 0;
        for (; i < s->n && s->v[i].ref / SECTION_REFS == s->block && s->body.n < SECTION_BYTES; i++)
            put_series(s, s->v[i].series);
        if (s->ref == 0)
            s->ref = before;
    }
    pthread_rwlock_unlock(&s->db->structure);
    return i;
}

enum ax_err ax_db_save(struct ax_db *db, struct ax_snapshot_writer *w, struct ax_diag *diag)
{
    struct saver s = {.db = db};
    ax_buf_init(&s.body, SIZE_MAX);
    ax_buf_init(&s.key, SIZE_MAX);
    s.samples = malloc(db->opt.ring_samples_max * sizeof *s.samples);
    if (db->ha) {
        ax_ha_save(db->ha, &s.body);
        ax_snapshot_put(w, AX_SECTION_ELECTIONS, ax_buf_view(&s.body));
    }
    bool ok = s.samples && s.body.err == AX_OK && note_series(&s);
    size_t i = 0;
    while (ok) {
        bool evicted;
        i = write_section(&s, i, &evicted);
        if (evicted) {
            ok = note_series(&s);
            i = 0;
            continue;
        }
        ok = s.body.err == AX_OK && s.key.err == AX_OK;
        if (ok)
            ax_snapshot_put_keyed(w, AX_SECTION_SERIES, s.block, ax_buf_view(&s.body));
        if (i == s.n)
            break;
    }
    ax_buf_done(&s.body);
    ax_buf_done(&s.key);
    ax_histograms_done(&s.histograms);
    free(s.samples);
    free(s.v);
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "no memory to save the series");
}

/* ---- restoring ---- */

struct ax_restore {
    struct ax_db *db;
    struct ax_map by_ref; /* series, or &unwanted */
    struct ax_restore_report report;
};

/* What stands in the map for a ref whose series is not kept. */
static char unwanted;

enum ax_err ax_restore_new(struct ax_db *db, struct ax_restore **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return AX_NOMEM;
    (*out)->db = db;
    return AX_OK;
}

void ax_restore_end(struct ax_restore *r, struct ax_restore_report *out)
{
    if (out)
        *out = r ? r->report : (struct ax_restore_report){0};
    if (!r)
        return;
    ax_map_done(&r->by_ref);
    free(r);
}

static enum ax_err told(enum ax_err err, const char *what, struct ax_diag *diag)
{
    if (err == AX_CORRUPT)
        return ax_fail(diag, err, "%s makes no sense, though its checksum is right", what);
    return err == AX_OK ? err : ax_fail(diag, err, "no memory to read %s back", what);
}

/* Make a ref known. A ref with a series that came back under a higher one loses it. */
static enum ax_err define(struct ax_restore *r, uint64_t ref, struct ax_str tenant, struct ax_str key)
{
    struct ax_series *s = NULL;
    if (ref == 0 || ref > REF_MAX)
        return AX_CORRUPT;
    if (ax_map_get(&r->by_ref, ref))
        return AX_OK;
    pthread_rwlock_wrlock(&r->db->structure);
    struct ax_series *known = ax_db_find(r->db, tenant, key);
    uint64_t before = known ? known->ref : 0;
    enum ax_err err = ax_db_define(r->db, ref, tenant, key, &s);
    pthread_rwlock_unlock(&r->db->structure);
    if (err == AX_OK)
        err = ax_map_put(&r->by_ref, ref, s ? (void *)s : (void *)&unwanted);
    if (err == AX_OK && s && before && before != ref)
        err = ax_map_put(&r->by_ref, before, &unwanted);
    if (err != AX_OK)
        return err;
    r->report.series += s != NULL;
    r->report.unwanted_series += s == NULL;
    return AX_OK;
}

/* What became of what was put. The start fails without memory: it would leave holes, and the next snapshot
 * would make them last. */
static enum ax_err account(struct ax_restore *r, const struct ax_append_result *result)
{
    r->report.samples += result->appended;
    r->report.beyond += result->too_old + result->full;
    return result->nomem ? AX_NOMEM : AX_OK;
}

/* Put samples into a series; NULL: there is none. */
static enum ax_err put(struct ax_restore *r, struct ax_series *s, const struct ax_sample *samples, uint32_t n)
{
    struct ax_append_result result = {0};
    if (!s || n == 0)
        return AX_OK;
    pthread_rwlock_rdlock(&r->db->structure);
    ax_db_put(r->db, s, samples, n, true, &result);
    pthread_rwlock_unlock(&r->db->structure);
    return account(r, &result);
}

/* n samples of a ref: times as distances from *t, in a section as changes of the distance. What goes wrong is
 * in in->err. */
static void take_samples(struct ax_restore *r, uint64_t ref, uint64_t n, bool section, uint64_t *t,
                         struct ax_bytes *in)
{
    void *known = ax_map_get(&r->by_ref, ref);
    struct ax_series *series = known == &unwanted ? NULL : known;
    struct ax_sample samples[PUT_TOGETHER];
    uint64_t step = 0;
    uint32_t held = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t distance = (uint64_t)ax_get_svarint(in);
        step = section ? step + distance : distance;
        *t += step;
        samples[held] = (struct ax_sample){(int64_t)*t, ax_get_f64(in)};
        if (in->err != AX_OK)
            break;
        r->report.unknown_samples += !known;
        if (++held == PUT_TOGETHER) {
            enum ax_err err = put(r, series, samples, held);
            held = 0;
            if (err != AX_OK) {
                in->err = err;
                return;
            }
        }
    }
    enum ax_err err = put(r, series, samples, held);
    if (in->err == AX_OK)
        in->err = err;
}

/* The next histogram; times as distances from *t. */
static void take_histogram(struct ax_restore *r, uint64_t ref, uint64_t *t, struct ax_bytes *in)
{
    void *known = ax_map_get(&r->by_ref, ref);
    struct ax_series *series = known == &unwanted ? NULL : known;
    struct ax_append_result result = {0};
    *t += (uint64_t)ax_get_svarint(in);
    const struct ax_histogram_sample h = {.t_ms = (int64_t)*t, .message = ax_get_str(in)};
    if (in->err != AX_OK)
        return;
    r->report.unknown_samples += !known;
    if (!series)
        return;
    pthread_rwlock_rdlock(&r->db->structure);
    ax_db_put_histograms(r->db, series, &h, 1, true, &result);
    pthread_rwlock_unlock(&r->db->structure);
    in->err = account(r, &result);
}

enum ax_err ax_restore_elections(struct ax_restore *r, struct ax_str body, struct ax_diag *diag)
{
    enum ax_err err = r->db->ha ? ax_ha_load(r->db->ha, body) : AX_OK;
    if (err == AX_CORRUPT)
        return ax_fail(diag, err, "elections of replicas make no sense");
    return err == AX_OK ? err : ax_fail(diag, err, "no memory for the elections of replicas");
}

enum ax_err ax_restore_section(struct ax_restore *r, struct ax_str body, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(body);
    uint64_t ref = 0;
    enum ax_err err = ax_get_u8(&in) == SECTION_VERSION ? AX_OK : AX_CORRUPT;
    uint64_t next = ax_get_varint(&in);
    if (next == 0 || next > REF_MAX)
        err = AX_CORRUPT;
    else if (r->db->next_ref < next)
        r->db->next_ref = next;
    while (err == AX_OK && in.err == AX_OK && ax_bytes_left(&in)) {
        uint64_t distance = ax_get_varint(&in), t = 0;
        struct ax_str tenant = ax_get_str(&in), key = ax_get_str(&in);
        uint64_t n = ax_get_varint(&in);
        err = in.err != AX_OK || distance == 0 || distance > REF_MAX ? AX_CORRUPT : AX_OK;
        ref += distance;
        if (err == AX_OK)
            err = define(r, ref, tenant, key);
        if (err == AX_OK)
            take_samples(r, ref, n, true, &t, &in);
        uint64_t histograms_n = err == AX_OK ? ax_get_varint(&in) : 0, h_t = 0;
        for (uint64_t i = 0; i < histograms_n && in.err == AX_OK; i++)
            take_histogram(r, ref, &h_t, &in);
    }
    return told(err == AX_OK ? in.err : err, "a section of series", diag);
}

static enum ax_err take_definitions(struct ax_restore *r, struct ax_bytes *in)
{
    enum ax_err err = AX_OK;
    for (uint64_t ref = ax_get_varint(in); ref && err == AX_OK; ref = ax_get_varint(in)) {
        struct ax_str tenant = ax_get_str(in), key = ax_get_str(in);
        err = in->err == AX_OK ? define(r, ref, tenant, key) : in->err;
    }
    return err == AX_OK ? in->err : err;
}

/* Take note of a ref that a record names. */
static enum ax_err name_ref(struct ax_restore *r, uint64_t ref)
{
    if (ref == 0 || ref > REF_MAX)
        return AX_CORRUPT;
    if (r->db->next_ref <= ref) /* of a definition that was lost: not to be given again */
        r->db->next_ref = ref + 1;
    return AX_OK;
}

static enum ax_err take_runs(struct ax_restore *r, struct ax_bytes *in)
{
    uint64_t ref = 0, t = 0;
    while (in->err == AX_OK && ax_bytes_left(in)) {
        uint64_t head = ax_get_varint(in), distance = head >> 1;
        ref += distance >> 1 ^ (distance & 1 ? UINT64_MAX : 0);
        uint64_t n = head & 1 ? ax_get_varint(in) : 1;
        if (in->err == AX_OK && name_ref(r, ref) != AX_OK)
            return AX_CORRUPT;
        if (in->err == AX_OK)
            take_samples(r, ref, n, false, &t, in);
    }
    return in->err;
}

static enum ax_err take_histograms(struct ax_restore *r, struct ax_bytes *in)
{
    uint64_t ref = 0, t = 0;
    while (in->err == AX_OK && ax_bytes_left(in)) {
        ref += (uint64_t)ax_get_svarint(in);
        if (in->err == AX_OK && name_ref(r, ref) != AX_OK)
            return AX_CORRUPT;
        take_histogram(r, ref, &t, in);
    }
    return in->err;
}

enum ax_err ax_restore_samples(struct ax_restore *r, struct ax_str body, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(body);
    uint8_t version = ax_get_u8(&in);
    bool histograms = version == AX_JOURNAL_HISTOGRAMS;
    enum ax_err err = histograms || version == AX_JOURNAL_VERSION ? take_definitions(r, &in) : AX_CORRUPT;
    if (err == AX_OK && histograms) {
        struct ax_bytes runs = ax_bytes_of(ax_get_str(&in));
        err = in.err == AX_OK ? take_runs(r, &runs) : in.err;
    }
    if (err == AX_OK)
        err = histograms ? take_histograms(r, &in) : take_runs(r, &in);
    return told(err, "a record of samples", diag);
}
