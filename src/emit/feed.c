/* feed.c: records to samples: definitions are relabelled and given to their lane once a segment. */
#include "emit/feed.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/log.h"
#include "emit/outgoing.h"
#include "store/records.h"

#include <stdlib.h>

#define KEY_BYTES_MAX ((size_t)1 << 20)
#define SCRATCH_BYTES_MAX ((size_t)64 << 20) /* labels of one series through the rules */
#define KEYS_BYTES_MAX (SIZE_MAX / 8)        /* as many as the log defines */

/* What a number may stand for instead of a series of this feed. */
static struct ax_feed_series unknown, relabelled_away, of_others; /* of_others: also what was erased */

uint32_t ax_feed_lane(struct ax_str key)
{
    return (uint32_t)(ax_hash64(key.p, key.n, 0) % AX_LANES); /* the same in every life of the process */
}

static enum ax_err open_reader(struct ax_feed *f)
{
    uint64_t at = UINT64_MAX;
    for (uint32_t i = 0; i < f->o.lanes_n; i++)
        at = f->skip[i] < at ? f->skip[i] : at;
    f->at = f->start = at;
    return ax_seglog_reader_new(f->o.log, ax_seglog_segment(f->o.log, at), &f->reader);
}

enum ax_err ax_feed_init(struct ax_feed *f, const struct ax_feed_options *options)
{
    *f = (struct ax_feed){.o = *options, .stage = AX_FEED_READ};
    AX_ASSERT(options->lanes_n > 0 && options->first_lane + options->lanes_n <= AX_LANES);
    memcpy(f->skip, options->from, options->lanes_n * sizeof *f->skip);
    ax_arena_init(&f->keys, KEYS_BYTES_MAX);
    ax_arena_init(&f->scratch, SCRATCH_BYTES_MAX);
    ax_buf_init(&f->key, KEY_BYTES_MAX);
    return open_reader(f);
}

void ax_feed_done(struct ax_feed *f)
{
    ax_seglog_reader_free(f->reader);
    free(f->series);
    ax_map_done(&f->by_hash);
    ax_arena_done(&f->keys);
    ax_arena_done(&f->scratch);
    ax_buf_done(&f->key);
    *f = (struct ax_feed){0};
}

static void count(struct ax_cell *cell, uint64_t n)
{
    if (cell && n)
        ax_metric_add(cell, (double)n);
}

static void log_damage(const struct ax_feed *f, const char *text)
{
    if (f->o.damaged)
        ax_log_about(AX_LOG_WARN, "outgoing_damaged", ax_str(f->o.url),
                     "%s: the outgoing queue has damage, which is passed over: %s", f->o.url, text);
}

/* A series through the rules: *out is a view, into key or into the feed's buffer; empty when a rule drops it.
 */
static enum ax_err relabel(struct ax_feed *f, struct ax_str key, struct ax_str *out)
{
    struct ax_labels before, after;
    *out = key;
    if (f->o.rules_n == 0)
        return AX_OK;
    out->n = 0;
    ax_arena_reset(&f->scratch);
    ax_buf_reset(&f->key);
    enum ax_err err = ax_labels_key_parse(key, &f->scratch, &before, NULL);
    if (err == AX_OK)
        err = ax_relabel_apply(f->o.rules, f->o.rules_n, &before, &f->scratch, &after);
    if (err != AX_OK)
        return err;
    ax_labels_key_write(&after, &f->key);
    *out = ax_buf_view(&f->key);
    return f->key.err;
}

/* The series of a key, one for all numbers that the rules give the same labels; NULL when out of memory. */
static struct ax_feed_series *intern(struct ax_feed *f, struct ax_str key, uint32_t lane)
{
    uint64_t hash = ax_hash64(key.p, key.n, f->o.seed);
    struct ax_feed_series *first = ax_map_get(&f->by_hash, hash);
    for (struct ax_feed_series *s = first; s; s = s->twin)
        if (ax_str_eq((struct ax_str){s->key, s->key_n}, key))
            return s;
    struct ax_feed_series *s = ax_arena_alloc(&f->keys, sizeof *s + key.n);
    if (!s)
        return NULL;
    *s = (struct ax_feed_series){.twin = first, .last_ms = INT64_MIN, .lane = lane, .key_n = (uint32_t)key.n};
    memcpy(s->key, key.p, key.n);
    return ax_map_put(&f->by_hash, hash, s) == AX_OK ? s : NULL;
}

static enum ax_err reserve(struct ax_feed *f, uint32_t number)
{
    if (number < f->series_cap)
        return AX_OK;
    uint32_t cap = number < 512 ? 1024 : number * 2;
    struct ax_feed_series **series = realloc(f->series, cap * sizeof(struct ax_feed_series *));
    if (!series)
        return AX_NOMEM;
    f->series = series;
    f->series_cap = cap;
    return AX_OK;
}

static enum ax_err define(struct ax_feed *f, uint32_t number, struct ax_str key)
{
    struct ax_str seen;
    struct ax_feed_series *s = &relabelled_away;
    if (reserve(f, number) != AX_OK)
        return AX_NOMEM;
    enum ax_err err = AX_OK;
    const bool erased = ax_outgoing_is_erased(key);
    if (erased)
        s = &of_others;
    else
        err = relabel(f, key, &seen);
    if (err != AX_OK && f->o.relabelled)
        ax_log_about(AX_LOG_WARN, "relabel_failed", ax_str(f->o.url),
                     "%s: a series is not sent: relabelling it is %s", f->o.url, ax_err_text(err));
    if (err == AX_OK && !erased && seen.n) {
        uint32_t lane = ax_feed_lane(seen) - f->o.first_lane; /* wraps round below the first */
        s = lane < f->o.lanes_n ? intern(f, seen, lane) : &of_others;
    }
    if (!s)
        return AX_NOMEM;
    while (f->series_n < number)
        f->series[f->series_n++] = &unknown;
    f->series[number] = s;
    f->series_n = number + 1;
    return AX_OK;
}

static enum ax_err define_all(struct ax_feed *f)
{
    struct ax_str key;
    for (struct ax_unit before = f->unit; ax_unit_next_key(&f->unit, &key); before = f->unit)
        if (define(f, f->unit.numbered - 1, key) != AX_OK) {
            f->unit = before; /* this one again, when there is memory */
            return AX_NOMEM;
        }
    return AX_OK;
}

static void forget_series(struct ax_feed *f)
{
    ax_map_done(&f->by_hash);
    f->by_hash = (struct ax_map){0};
    ax_arena_reset(&f->keys);
    f->series_n = 0;
}

/* The next sample of this feed in the record; false when none is left. */
static bool next_sample(struct ax_feed *f)
{
    uint32_t number;
    struct ax_feed_sample *s = &f->sample;
    while (ax_unit_next_sample(&f->unit, &number, &s->t_ms, &s->value)) {
        s->at = f->record.at + f->index++;
        s->count = f->count;
        s->series = number < f->series_n ? f->series[number] : &unknown;
        bool known = s->series != &unknown && s->series != &relabelled_away && s->series != &of_others;
        if (known && s->at >= f->skip[s->series->lane])
            return true;
        if (!known && s->at >= f->start && s->series != &of_others)
            count(s->series == &unknown ? f->o.damaged : f->o.relabelled, 1);
        f->count++;
    }
    return false;
}

/* Read the next record. AX_NOTREADY at the end of the log. */
static enum ax_err read_record(struct ax_feed *f, struct ax_diag *diag)
{
    enum ax_err err = ax_seglog_read(f->reader, &f->record, diag);
    if (err == AX_NOTREADY)
        f->at = ax_seglog_reader_at(f->reader);
    if (err == AX_OK && f->record.type != AX_OUTGOING_UNIT)
        return AX_OK;
    if (err == AX_OK) {
        err = ax_unit_read(f->record.body, &f->unit);
        uint64_t behind = f->record.at - ax_seglog_segment(f->o.log, f->record.at);
        if (err == AX_OK && !ax_unit_may_stand(&f->unit, behind))
            err = AX_CORRUPT;
        if (err != AX_OK)
            err = ax_fail(diag, AX_CORRUPT, "the record at %llu is %s", (unsigned long long)f->record.at,
                          ax_err_text(err));
    }
    if (err == AX_CORRUPT) {
        log_damage(f, diag->text);
        return AX_OK;
    }
    if (err != AX_OK)
        return err;
    if (f->has_read && f->unit.before > f->count && f->record.at >= f->start)
        count(f->o.damaged, f->unit.before - f->count);
    f->has_read = true;
    f->count = f->unit.before;
    f->index = 0;
    f->at = f->record.at;
    f->stage = f->unit.first ? AX_FEED_ENTER : AX_FEED_DEFINE;
    return AX_OK;
}

static void end_record(struct ax_feed *f)
{
    if (f->unit.rest.err != AX_OK)
        log_damage(f, "a record does not say what it should");
    f->at = f->record.end;
    f->stage = AX_FEED_READ;
}

enum ax_feed_state ax_feed_peek(struct ax_feed *f, const struct ax_feed_sample **out, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    while (err == AX_OK && !f->has_sample) {
        switch (f->stage) {
        case AX_FEED_READ:
            err = read_record(f, diag);
            if (err == AX_OK && f->stage == AX_FEED_ENTER)
                return AX_FEED_SEGMENT;
            break;
        case AX_FEED_ENTER:
            forget_series(f);
            f->stage = AX_FEED_DEFINE;
            break;
        case AX_FEED_DEFINE:
            err = define_all(f);
            if (err == AX_OK)
                f->stage = AX_FEED_GIVE;
            break;
        case AX_FEED_GIVE:
            f->has_sample = next_sample(f);
            if (f->has_sample)
                f->at = f->sample.at;
            else
                end_record(f);
            break;
        }
    }
    *out = f->has_sample ? &f->sample : NULL;
    if (f->has_sample)
        return AX_FEED_SAMPLE;
    if (err == AX_NOMEM)
        (void)ax_fail(diag, err, "out of memory reading the outgoing queue");
    return err == AX_NOTREADY ? AX_FEED_END : AX_FEED_FAILED;
}

void ax_feed_take(struct ax_feed *f)
{
    AX_ASSERT(f->has_sample);
    f->has_sample = false;
    f->at = f->sample.at + 1;
    f->count++;
}
