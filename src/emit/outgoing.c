/* outgoing.c: writes records, decides where segments end, and reads the end of the log at opening. */
#include "emit/outgoing.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "emit/unit.h"
#include "store/folder.h"
#include "store/records.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define SEGMENT_BYTES ((uint64_t)16 << 20)
#define SEGMENT_BYTES_LEAST ((uint64_t)64 << 10)
#define SEGMENTS_OF_A_QUEUE 16u /* at least, however small it may be */
#define SAMPLES_TO_KEYS 8u      /* bytes of samples for a byte of keys, in a segment */
#define MARKS_MAX 4096u
#define SCRATCH_BYTES ((size_t)16 << 20) /* labels of one series */

/* The newest time of a unit. */
struct mark {
    char *name;
    size_t name_n;
    int64_t t_ms;
};

/* A segment, and the newest sample of all before it. */
struct segment {
    uint64_t start;
    int64_t newest_ms;
};

struct ax_outgoing {
    struct ax_seglog *log;
    struct ax_outs *outs;
    uint64_t max_bytes;
    _Atomic uint64_t total;
    struct mark *marks;
    uint32_t marks_n, marks_cap;
    struct segment *segments; /* the recent ones, oldest first */
    uint32_t segments_n, segments_cap;
    bool first;       /* the next record is the first of its segment */
    uint64_t segment; /* stamp of the series that have a number in it; counts segments, from 1 */
    uint64_t start, key_bytes;
    uint32_t numbered;
    struct ax_buf body;
    pthread_mutex_t lock; /* of waiting for changed */
    pthread_cond_t changed;
};

static void log_damage(const char *text)
{
    ax_log(AX_LOG_ERROR, "outgoing_damaged", "the outgoing queue has damage: %s", text);
}

static struct mark *find_mark(const struct ax_outgoing *o, struct ax_str name)
{
    for (uint32_t i = 0; i < o->marks_n; i++)
        if (ax_str_eq((struct ax_str){o->marks[i].name, o->marks[i].name_n}, name))
            return &o->marks[i];
    return NULL;
}

/* A place for one more mark: a new one, or that of the unit which has been quiet for longest. */
static struct mark *mark_place(struct ax_outgoing *o)
{
    if (o->marks_n < MARKS_MAX && o->marks_n == o->marks_cap) {
        uint32_t cap = o->marks_cap ? o->marks_cap * 2 : 16;
        struct mark *marks = realloc(o->marks, cap * sizeof *marks);
        if (!marks)
            return NULL;
        o->marks = marks;
        o->marks_cap = cap;
    }
    if (o->marks_n < MARKS_MAX) {
        o->marks[o->marks_n] = (struct mark){0};
        return &o->marks[o->marks_n++];
    }
    struct mark *oldest = &o->marks[0];
    for (uint32_t i = 1; i < o->marks_n; i++)
        if (o->marks[i].t_ms < oldest->t_ms)
            oldest = &o->marks[i];
    return oldest;
}

/* The mark of a unit, made when it is not there; NULL when out of memory. */
static struct mark *mark_of(struct ax_outgoing *o, struct ax_str name)
{
    struct mark *mark = find_mark(o, name);
    if (mark)
        return mark;
    char *copy = malloc(name.n + 1);
    mark = copy ? mark_place(o) : NULL;
    if (!mark) {
        free(copy);
        return NULL;
    }
    if (name.n)
        memcpy(copy, name.p, name.n);
    free(mark->name);
    *mark = (struct mark){copy, name.n, INT64_MIN};
    return mark;
}

static enum ax_err raise_mark(struct ax_outgoing *o, struct ax_str name, int64_t t_ms)
{
    struct mark *mark = mark_of(o, name);
    if (mark && t_ms > mark->t_ms)
        mark->t_ms = t_ms;
    return mark ? AX_OK : AX_NOMEM;
}

bool ax_outgoing_has(const struct ax_outgoing *o, struct ax_str unit, int64_t t_ms)
{
    const struct mark *mark = find_mark(o, unit);
    return mark && t_ms <= mark->t_ms;
}

/* Remember where a segment begins, and forget those that need not be kept. Without memory more is kept. */
static void note_segment(struct ax_outgoing *o, uint64_t start)
{
    uint32_t past = 0;
    while (past + 1 < o->segments_n && ax_outs_is_past(o->outs, o->segments[past + 1].newest_ms))
        past++;
    o->segments_n -= past;
    if (past)
        memmove(o->segments, o->segments + past, o->segments_n * sizeof *o->segments);
    if (o->segments_n == o->segments_cap) {
        uint32_t cap = o->segments_cap ? o->segments_cap * 2 : 16;
        struct segment *segments = realloc(o->segments, cap * sizeof *segments);
        if (!segments)
            return;
        o->segments = segments;
        o->segments_cap = cap;
    }
    o->segments[o->segments_n++] = (struct segment){start, o->outs->newest_ms};
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool segment_is_full(const struct ax_outgoing *o)
{
    uint64_t used = ax_outgoing_end(o) - o->start, least = o->max_bytes / SEGMENTS_OF_A_QUEUE;
    least = larger(least < SEGMENT_BYTES ? least : SEGMENT_BYTES, SEGMENT_BYTES_LEAST);
    return used >= larger(least, o->key_bytes * SAMPLES_TO_KEYS);
}

static void begin_segment(struct ax_outgoing *o)
{
    ax_seglog_roll(o->log);
    o->first = true;
    o->segment++;
    o->numbered = 0;
    o->key_bytes = 0;
    o->start = ax_outgoing_end(o);
}

/* Reading the end of the log. */

/* A series of the segment that is read, and its newest sample there: the table of series is told once, and
 * not for each of millions of samples. NULL for one whose record was lost. */
struct numbered {
    struct ax_out *out;
    int64_t newest_ms;
};

/* They by their number. */
struct scan {
    struct ax_outgoing *o;
    struct numbered *v;
    uint32_t n, cap;
};

/* Tell of those from a number on, which is the next to be defined. */
static void end_numbers(struct scan *s, uint32_t from)
{
    for (uint32_t i = from; i < s->n; i++)
        if (s->v[i].out && s->v[i].newest_ms != INT64_MIN)
            ax_outs_saw(s->o->outs, s->v[i].out, s->v[i].newest_ms);
    s->n = from < s->n ? from : s->n;
}

static enum ax_err set_number(struct scan *s, uint32_t number, struct ax_out *out)
{
    if (number >= s->cap) {
        uint32_t cap = number < 512 ? 1024 : number * 2;
        struct numbered *v = realloc(s->v, cap * sizeof *v);
        if (!v)
            return AX_NOMEM;
        s->v = v;
        s->cap = cap;
    }
    end_numbers(s, number); /* those of a segment whose first record was lost */
    while (s->n < number)
        s->v[s->n++] = (struct numbered){NULL, INT64_MIN};
    s->v[number] = (struct numbered){out, INT64_MIN};
    s->n = number + 1;
    return AX_OK;
}

static enum ax_err scan_unit(struct scan *s, struct ax_unit *u, uint64_t at)
{
    struct ax_outs *outs = s->o->outs;
    struct ax_str text;
    int64_t t_ms;
    double value;
    if (u->first) {
        end_numbers(s, 0);
        note_segment(s->o, ax_seglog_segment(s->o->log, at));
    }
    atomic_store(&s->o->total, u->before + u->samples_n);
    enum ax_err err = raise_mark(s->o, u->name, u->t_ms);
    while (err == AX_OK && ax_unit_next_mark(u, &text, &t_ms))
        err = raise_mark(s->o, text, t_ms);
    while (err == AX_OK && ax_unit_next_key(u, &text)) {
        const bool erased = ax_outgoing_is_erased(text);
        struct ax_out *out = erased ? NULL : ax_outs_find(outs, text);
        err = out || erased ? set_number(s, u->numbered - 1, out) : AX_NOMEM;
    }
    for (uint32_t number; err == AX_OK && ax_unit_next_sample(u, &number, &t_ms, &value);)
        if (number < s->n && t_ms > s->v[number].newest_ms)
            s->v[number].newest_ms = t_ms;
    return err == AX_OK ? u->rest.err : err;
}

/* The newest time that the first record of a segment tells of; INT64_MAX when it cannot be read. */
static int64_t time_of_segment(const struct ax_outgoing *o, uint64_t start)
{
    struct ax_seglog_reader *r = NULL;
    struct ax_seglog_record record;
    struct ax_unit u;
    struct ax_str name;
    int64_t t_ms, newest_ms = INT64_MAX;
    if (ax_seglog_reader_new(o->log, start, &r) == AX_OK && ax_seglog_read(r, &record, NULL) == AX_OK &&
        record.type == AX_OUTGOING_UNIT && ax_unit_read(record.body, &u) == AX_OK && u.first) {
        newest_ms = u.t_ms;
        while (ax_unit_next_mark(&u, &name, &t_ms))
            newest_ms = t_ms > newest_ms ? t_ms : newest_ms;
    }
    ax_seglog_reader_free(r);
    return newest_ms;
}

/* Where to begin to read: a segment so old that nothing before it needs to be remembered. */
static uint64_t scan_start(const struct ax_outgoing *o)
{
    uint64_t at = ax_seglog_segment(o->log, ax_seglog_end(o->log));
    int64_t newest_ms = time_of_segment(o, at), t_ms = newest_ms;
    while (at > ax_seglog_begin(o->log) && (t_ms == INT64_MAX || t_ms >= newest_ms ||
                                            (uint64_t)newest_ms - (uint64_t)t_ms < AX_OUTS_REMEMBER_MS)) {
        at = ax_seglog_segment(o->log, at - 1);
        t_ms = time_of_segment(o, at);
        if (newest_ms == INT64_MAX)
            newest_ms = t_ms;
    }
    return at;
}

/* Read one record; damage is logged and passed over. AX_NOTREADY at the end. */
static enum ax_err scan_record(struct scan *s, struct ax_seglog_reader *r, struct ax_diag *diag)
{
    struct ax_seglog_record record;
    struct ax_unit u;
    enum ax_err err = ax_seglog_read(r, &record, diag);
    if (err == AX_OK && record.type == AX_OUTGOING_UNIT) {
        err = ax_unit_read(record.body, &u);
        uint64_t behind = record.at - ax_seglog_segment(s->o->log, record.at);
        if (err == AX_OK)
            err = ax_unit_may_stand(&u, behind) ? scan_unit(s, &u, record.at) : AX_CORRUPT;
        if (err == AX_CORRUPT || err == AX_UNSUPPORTED)
            err = ax_fail(diag, AX_CORRUPT, "the record at %llu is %s", (unsigned long long)record.at,
                          ax_err_text(err));
    }
    if (err != AX_CORRUPT)
        return err;
    log_damage(diag->text);
    return AX_OK;
}

static enum ax_err scan(struct ax_outgoing *o, struct ax_diag *diag)
{
    struct scan s = {.o = o};
    struct ax_seglog_reader *r = NULL;
    enum ax_err err = ax_seglog_reader_new(o->log, scan_start(o), &r);
    while (err == AX_OK)
        err = scan_record(&s, r, diag);
    end_numbers(&s, 0);
    ax_seglog_reader_free(r);
    free(s.v);
    if (err == AX_NOTREADY)
        return AX_OK;
    return err == AX_NOMEM ? ax_fail(diag, err, "out of memory") : err;
}

/* Open the log. Only the last segment is checked by that: what lies before is read by those who need it. */
static enum ax_err open_log(struct ax_outgoing *o, const struct ax_outgoing_options *options,
                            struct ax_diag *diag)
{
    struct ax_seglog_options log = {.dir = options->dir,
                                    .segment_bytes = UINT64_MAX, /* segments end by begin_segment() */
                                    .fsync_always = options->fsync_always};
    struct ax_seglog_report report;
    struct ax_folder folder;
    struct ax_numbers starts;
    enum ax_err err = ax_folder_open(options->dir, true, &folder, diag);
    if (err != AX_OK)
        return err;
    err = ax_folder_list(&folder, ".log", &starts, diag);
    ax_folder_close(&folder);
    if (err != AX_OK)
        return err;
    log.check_from = starts.n ? starts.v[starts.n - 1] : 0;
    free(starts.v);
    err = ax_seglog_open(&log, &o->log, &report, diag);
    if (err == AX_OK && report.text[0])
        log_damage(report.text);
    return err;
}

enum ax_err ax_outgoing_open(const struct ax_outgoing_options *options, struct ax_outs *outs,
                             struct ax_outgoing **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_outgoing *o = calloc(1, sizeof *o);
    if (!o)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&o->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&o->lock, NULL);
    ax_buf_init(&o->body, AX_SEGLOG_RECORD_MAX);
    o->outs = outs;
    o->max_bytes = options->max_bytes;
    enum ax_err err = open_log(o, options, diag);
    if (err == AX_OK)
        err = scan(o, diag);
    if (err != AX_OK) {
        ax_outgoing_close(o);
        return err;
    }
    begin_segment(o);
    *out = o;
    return AX_OK;
}

void ax_outgoing_close(struct ax_outgoing *o)
{
    if (!o)
        return;
    ax_seglog_close(o->log);
    for (uint32_t i = 0; i < o->marks_n; i++)
        free(o->marks[i].name);
    free(o->marks);
    free(o->segments);
    ax_buf_done(&o->body);
    (void)pthread_cond_destroy(&o->changed);
    (void)pthread_mutex_destroy(&o->lock);
    free(o);
}

/* Writing. */

/* Give the series of the puts their numbers; returns how many new ones there are. */
static uint32_t number_series(struct ax_outgoing *o, struct ax_put *puts, uint32_t n)
{
    uint32_t next = o->numbered;
    for (uint32_t i = 0; i < n; i++) {
        struct ax_out *out = puts[i].out;
        if (out->segment != o->segment) {
            out->segment = o->segment;
            out->number = next++;
        }
        puts[i].number = out->number;
    }
    return next - o->numbered;
}

static void forget_numbers(const struct ax_outgoing *o, const struct ax_put *puts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (puts[i].out->segment == o->segment && puts[i].out->number >= o->numbered)
            puts[i].out->segment = 0;
}

/* Write the record into body; returns how many bytes of it are keys. */
static uint64_t encode(struct ax_outgoing *o, const struct ax_unit *u, const struct ax_put *puts)
{
    ax_buf_reset(&o->body);
    ax_unit_write(&o->body, u);
    for (uint32_t i = 0; i < u->marks_n; i++)
        ax_unit_write_mark(&o->body, (struct ax_str){o->marks[i].name, o->marks[i].name_n}, o->marks[i].t_ms);
    size_t before = o->body.n, keys;
    uint32_t next = u->numbered;
    for (uint32_t i = 0; i < u->samples_n && next < u->numbered + u->keys_n; i++)
        if (puts[i].number == next) {
            ax_unit_write_key(&o->body, ax_out_key(puts[i].out));
            next++;
        }
    keys = o->body.n - before;
    for (uint32_t i = 0; i < u->samples_n; i++)
        ax_unit_write_sample(&o->body, u, puts[i].number, puts[i].t_ms, puts[i].value);
    return keys;
}

enum ax_err ax_outgoing_append(struct ax_outgoing *o, struct ax_str unit, int64_t t_ms, struct ax_put *puts,
                               uint32_t n, struct ax_diag *diag)
{
    struct mark *mark = mark_of(o, unit);
    uint64_t end = ax_outgoing_end(o);
    if (!mark)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    if (!o->first && segment_is_full(o))
        begin_segment(o);
    uint64_t total = ax_outgoing_total(o);
    const struct ax_unit u = {.first = o->first,
                              .before = total,
                              .name = unit,
                              .t_ms = t_ms,
                              .marks_n = o->first ? o->marks_n : 0,
                              .numbered = o->numbered,
                              .keys_n = number_series(o, puts, n),
                              .samples_n = n};
    uint64_t key_bytes = encode(o, &u, puts);
    enum ax_err err = o->body.err;
    if (err == AX_OK)
        err = ax_seglog_append(o->log, AX_OUTGOING_UNIT, ax_buf_view(&o->body), &end, diag);
    else
        err = ax_fail(diag, err, "a unit of %u samples does not fit into a record of the outgoing queue", n);
    if (err != AX_OK) {
        forget_numbers(o, puts, n);
        return err;
    }
    if (o->first)
        note_segment(o, ax_seglog_segment(o->log, end - 1));
    o->first = false;
    o->numbered += u.keys_n;
    o->key_bytes += key_bytes;
    mark->t_ms = t_ms > mark->t_ms ? t_ms : mark->t_ms;
    atomic_store(&o->total, total + n);
    ax_outgoing_wake(o);
    return AX_OK;
}

/* No key begins with a name of no bytes. */
bool ax_outgoing_is_erased(struct ax_str key)
{
    return key.n > 0 && key.p[0] == 0;
}

/* What is erased of a segment. */
struct erasing {
    ax_outgoing_choose *choose;
    void *ctx;
    struct ax_map numbers; /* of its series that are erased */
    struct ax_arena scratch;
    uint64_t *erased;
};

/* Is the series of a key chosen? None is that has no labels to read. AX_NOMEM. */
static enum ax_err is_chosen(struct erasing *e, struct ax_str key, bool *chosen)
{
    struct ax_labels labels;
    ax_arena_reset(&e->scratch);
    const enum ax_err err = ax_labels_key_parse(key, &e->scratch, &labels, NULL);
    *chosen = err == AX_OK && e->choose(e->ctx, &labels);
    return err == AX_NOMEM ? err : AX_OK;
}

/* Erase what a record has of the series that are chosen. */
static enum ax_err erase_record(void *ctx, const struct ax_seglog_record *record, uint8_t *body,
                                bool *changed)
{
    struct erasing *e = ctx;
    struct ax_unit u;
    struct ax_str key;
    uint32_t number;
    int64_t t_ms;
    double value;
    bool chosen;
    enum ax_err err = AX_OK;
    if (record->type != AX_OUTGOING_UNIT || ax_unit_read(record->body, &u) != AX_OK)
        return AX_OK;
    if (u.first)
        ax_map_done(&e->numbers);
    while (err == AX_OK && ax_unit_next_key(&u, &key)) {
        err = is_chosen(e, key, &chosen);
        if (err == AX_OK && chosen) {
            err = ax_map_put(&e->numbers, (uint64_t)u.numbered, e);
            memset(body + (key.p - record->body.p), 0, key.n);
            *changed = true;
        }
    }
    while (err == AX_OK && ax_unit_next_sample(&u, &number, &t_ms, &value))
        if (ax_map_get(&e->numbers, (uint64_t)number + 1)) {
            memset(body + ((const char *)u.rest.p - record->body.p) - sizeof value, 0, sizeof value);
            ++*e->erased;
            *changed = true;
        }
    return err;
}

enum ax_err ax_outgoing_erase(struct ax_outgoing *o, ax_outgoing_choose *choose, void *ctx, uint64_t *erased,
                              struct ax_diag *diag)
{
    struct erasing e = {.choose = choose, .ctx = ctx, .erased = erased};
    ax_arena_init(&e.scratch, SCRATCH_BYTES);
    begin_segment(o); /* numbers that stood for them stand for nobody now */
    const enum ax_err err = ax_seglog_edit(o->log, erase_record, &e, diag);
    ax_map_done(&e.numbers);
    ax_arena_done(&e.scratch);
    return err;
}

enum ax_err ax_outgoing_sync(struct ax_outgoing *o, struct ax_diag *diag)
{
    return ax_seglog_sync(o->log, diag);
}

void ax_outgoing_cut(struct ax_outgoing *o, uint64_t before)
{
    uint64_t end = ax_outgoing_end(o), keep = end > o->max_bytes ? end - o->max_bytes : 0;
    for (uint32_t i = 0; i < o->segments_n; i++)
        if (ax_outs_is_past(o->outs, o->segments[i].newest_ms))
            keep = larger(keep, o->segments[i].start);
    if (before > keep)
        before = keep;
    struct ax_diag diag = {{0}};
    if (ax_seglog_second(o->log) <= before && ax_seglog_cut(o->log, before, &diag) != AX_OK)
        ax_log(AX_LOG_WARN, "outgoing_not_cut", "%s", diag.text);
}

struct ax_seglog *ax_outgoing_log(const struct ax_outgoing *o)
{
    return o->log;
}

uint64_t ax_outgoing_end(const struct ax_outgoing *o)
{
    return ax_seglog_end(o->log);
}

uint64_t ax_outgoing_total(const struct ax_outgoing *o)
{
    return atomic_load(&o->total);
}

void ax_outgoing_wait(struct ax_outgoing *o, uint64_t at, const atomic_bool *stop, int64_t until_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                                   .tv_nsec = (long)(until_ns % 1000000000)};
    (void)pthread_mutex_lock(&o->lock);
    while (ax_outgoing_end(o) <= at && !atomic_load(stop) &&
           pthread_cond_timedwait(&o->changed, &o->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&o->lock);
}

void ax_outgoing_wake(struct ax_outgoing *o)
{
    (void)pthread_mutex_lock(&o->lock);
    (void)pthread_cond_broadcast(&o->changed);
    (void)pthread_mutex_unlock(&o->lock);
}
