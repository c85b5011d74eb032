/* window.c: the fine and the coarse past of one modelled series.
 *
 * Each of the two is a track: an array longer than what it shows by a little slack. A point is written
 * behind the newest one; when the slack is used up, what is shown moves to the front in one memmove, so
 * that views are contiguous and a push costs O(1) amortised. Arrays start small and double.
 * The open coarse point is a sum and a count, and becomes a point at its last step, or once a later span
 * begins.
 *
 * While something is excluded a second window, `whole`, takes what is pushed, too: what is shown is made anew
 * from it whenever an exclusion comes or goes. */
#include "series/window.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define START_POINTS 32 /* room at first, before doubling */
#define SLACK_DIVISOR 16
#define SLACK_MAX 8 /* a push of the default fine window moves 480 bytes in the mean, and keeps 32 */
#define STATE_VERSION 2

struct track {
    float *v;
    uint32_t first, n; /* shown: v[first .. first + n) */
    uint32_t room;     /* points that v has room for */
    uint32_t n_max;    /* shown at most */
};

/* What is excluded, both ends included. */
struct excluded {
    uint64_t id;
    int64_t from_ms, to_ms;
};

/* All that is, and the window without it. */
struct exclusions {
    struct ax_window *whole;
    uint32_t n;
    struct excluded v[AX_WINDOW_EXCLUDED_MAX];
};

struct ax_window {
    struct track fine, coarse;
    int64_t step_ms, coarse_ms;
    int64_t end_ms;     /* newest step */
    int64_t open_start; /* start of the open coarse span: it covers (start, start + coarse_ms] */
    double open_sum;
    uint32_t open_n;
    bool any;                      /* something was pushed */
    struct exclusions *exclusions; /* NULL: none */
};

static uint32_t track_room_max(const struct track *t)
{
    uint32_t slack = t->n_max / SLACK_DIVISOR + 1;
    return t->n_max + (slack < SLACK_MAX ? slack : SLACK_MAX);
}

/* Room for more further points, by doubling; afterwards track_add() of as many cannot fail. */
static enum ax_err track_reserve(struct track *t, uint64_t more)
{
    uint32_t room_max = track_room_max(t);
    uint64_t need = (uint64_t)t->n + more;
    uint64_t room = t->room ? t->room : START_POINTS;
    while (room < need && room < room_max)
        room *= 2;
    if (room > room_max)
        room = room_max;
    if (room <= t->room)
        return AX_OK;
    float *v = realloc(t->v, (size_t)room * sizeof *v);
    if (!v)
        return AX_NOMEM;
    t->v = v;
    t->room = (uint32_t)room;
    return AX_OK;
}

static void track_add(struct track *t, float value)
{
    if (t->n == t->n_max) {
        t->first++;
        t->n--;
    }
    if (t->first + t->n == t->room) {
        AX_ASSERT(t->first > 0);
        memmove(t->v, t->v + t->first, t->n * sizeof *t->v);
        t->first = 0;
    }
    t->v[t->first + t->n++] = value;
}

/* Add count gaps; as many as fit are enough, older points fall out. */
static void track_gaps(struct track *t, uint64_t count)
{
    if (count > t->n_max)
        count = t->n_max;
    for (uint64_t i = 0; i < count; i++)
        track_add(t, NAN);
}

struct ax_window *ax_window_new(int64_t step_ms, uint32_t fine_n, uint32_t coarse_n)
{
    AX_ASSERT(step_ms > 0 && fine_n > 0 && coarse_n > 0);
    struct ax_window *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->step_ms = step_ms;
    w->coarse_ms = step_ms > AX_WINDOW_COARSE_MS ? step_ms : AX_WINDOW_COARSE_MS;
    w->fine.n_max = fine_n;
    w->coarse.n_max = coarse_n;
    return w;
}

void ax_window_free(struct ax_window *w)
{
    if (!w)
        return;
    if (w->exclusions)
        ax_window_free(w->exclusions->whole);
    free(w->exclusions);
    free(w->fine.v);
    free(w->coarse.v);
    free(w);
}

/* Start of the coarse span (start, start + coarse_ms] that t_ms falls into; also before the epoch. */
static int64_t span_start(int64_t coarse_ms, int64_t t_ms)
{
    int64_t past = t_ms - 1;
    int64_t q = past / coarse_ms;
    if (past % coarse_ms < 0)
        q--;
    return q * coarse_ms;
}

/* Is any of (from_ms, to_ms] excluded? */
static bool is_excluded(const struct ax_window *w, int64_t from_ms, int64_t to_ms)
{
    const struct exclusions *e = w->exclusions;
    for (uint32_t i = 0; e && i < e->n; i++)
        if (e->v[i].from_ms <= to_ms && e->v[i].to_ms > from_ms)
            return true;
    return false;
}

/* A coarse point of which some is excluded is excluded. */
static void coarse_close(struct ax_window *w, int64_t start)
{
    uint64_t spans = (uint64_t)((start - w->open_start) / w->coarse_ms);
    if (spans == 0)
        return;
    const bool shown = w->open_n && !is_excluded(w, w->open_start, w->open_start + w->coarse_ms);
    track_add(&w->coarse, shown ? (float)(w->open_sum / w->open_n) : NAN);
    track_gaps(&w->coarse, spans - 1);
    w->open_start = start;
    w->open_sum = 0;
    w->open_n = 0;
}

static void free_exclusions(struct ax_window *w)
{
    if (w->exclusions)
        ax_window_free(w->exclusions->whole);
    free(w->exclusions);
    w->exclusions = NULL;
}

/* Exclusions of a time that the window has forgotten are over. */
static void forget_excluded(struct ax_window *w)
{
    const int64_t coarse_ms = w->open_start - (int64_t)w->coarse.n * w->coarse_ms,
                  fine_ms = w->end_ms - (int64_t)w->fine.n * w->step_ms,
                  oldest_ms = coarse_ms < fine_ms ? coarse_ms : fine_ms;
    struct exclusions *e = w->exclusions;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < e->n; i++)
        if (e->v[i].to_ms > oldest_ms)
            e->v[kept++] = e->v[i];
    e->n = kept;
    if (!kept)
        free_exclusions(w);
}

/* Room in both for a push of so many points, after which none of it can fail. */
static enum ax_err reserve(struct ax_window *w, uint64_t fine, uint64_t coarse)
{
    struct ax_window *whole = w->exclusions ? w->exclusions->whole : w;
    if (track_reserve(&w->fine, fine) || track_reserve(&w->coarse, coarse) ||
        track_reserve(&whole->fine, fine) || track_reserve(&whole->coarse, coarse))
        return AX_NOMEM;
    return AX_OK;
}

enum ax_err ax_window_push(struct ax_window *w, int64_t t_ms, double value)
{
    int64_t start = span_start(w->coarse_ms, t_ms);
    uint64_t gaps = 0, spans = 0;
    if (w->any) {
        if (t_ms <= w->end_ms)
            return AX_CONFLICT;
        gaps = (uint64_t)((t_ms - w->end_ms) / w->step_ms);
        gaps = gaps > 0 ? gaps - 1 : 0;
        spans = start > w->open_start ? (uint64_t)((start - w->open_start) / w->coarse_ms) : 0;
    }
    if (w->exclusions)
        forget_excluded(w);
    if (reserve(w, gaps + 1, spans + 1) != AX_OK)
        return AX_NOMEM;
    enum ax_err err = w->exclusions ? ax_window_push(w->exclusions->whole, t_ms, value) : AX_OK;
    AX_ASSERT(err == AX_OK);
    if (w->any)
        coarse_close(w, start);
    else
        w->open_start = start;
    w->any = true;
    track_gaps(&w->fine, gaps);
    bool has = isfinite(value) && isfinite((float)value);
    track_add(&w->fine, has ? (float)value : NAN);
    w->end_ms = t_ms;
    if (has) {
        w->open_sum += value;
        w->open_n++;
    }
    if (t_ms - w->open_start == w->coarse_ms)
        coarse_close(w, t_ms);
    return AX_OK;
}

struct ax_view ax_window_fine(const struct ax_window *w)
{
    return (struct ax_view){.v = w->fine.v ? w->fine.v + w->fine.first : NULL,
                            .n = w->fine.n,
                            .end_ms = w->end_ms,
                            .step_ms = w->step_ms};
}

struct ax_view ax_window_coarse(const struct ax_window *w)
{
    return (struct ax_view){.v = w->coarse.v ? w->coarse.v + w->coarse.first : NULL,
                            .n = w->coarse.n,
                            .end_ms = w->open_start,
                            .step_ms = w->coarse_ms};
}

/* Show the points of a view but for what is excluded. */
static void show(const struct ax_window *w, struct track *t, const struct ax_view *points)
{
    for (uint32_t i = 0; i < points->n && i < t->n && points->v && t->v; i++) {
        const int64_t t_ms = points->end_ms - (int64_t)(points->n - 1 - i) * points->step_ms;
        t->v[t->first + i] = is_excluded(w, t_ms - points->step_ms, t_ms) ? NAN : points->v[i];
    }
}

static void show_all(struct ax_window *w)
{
    const struct ax_view fine = ax_window_fine(w->exclusions->whole),
                         coarse = ax_window_coarse(w->exclusions->whole);
    show(w, &w->fine, &fine);
    show(w, &w->coarse, &coarse);
}

/* Has a view a value in that range? */
static bool has_value(const struct ax_view *points, int64_t from_ms, int64_t to_ms)
{
    for (uint32_t i = 0; i < points->n && points->v; i++) {
        const int64_t t_ms = points->end_ms - (int64_t)(points->n - 1 - i) * points->step_ms;
        if (t_ms >= from_ms && t_ms - points->step_ms < to_ms && !isnan(points->v[i]))
            return true;
    }
    return false;
}

/* The same window once more, which has no exclusions. */
static struct ax_window *copy(const struct ax_window *w)
{
    struct ax_window *c = ax_window_new(w->step_ms, w->fine.n_max, w->coarse.n_max);
    if (!c || track_reserve(&c->fine, w->fine.n) != AX_OK ||
        track_reserve(&c->coarse, w->coarse.n) != AX_OK) {
        ax_window_free(c);
        return NULL;
    }
    memcpy(c->fine.v, w->fine.v + w->fine.first, w->fine.n * sizeof *c->fine.v);
    if (w->coarse.n)
        memcpy(c->coarse.v, w->coarse.v + w->coarse.first, w->coarse.n * sizeof *c->coarse.v);
    c->fine.n = w->fine.n;
    c->coarse.n = w->coarse.n;
    c->end_ms = w->end_ms;
    c->open_start = w->open_start;
    c->open_sum = w->open_sum;
    c->open_n = w->open_n;
    c->any = true;
    return c;
}

static enum ax_err new_exclusions(struct ax_window *w)
{
    struct exclusions *e = calloc(1, sizeof *e);
    if (!e || !(e->whole = copy(w))) {
        free(e);
        return AX_NOMEM;
    }
    w->exclusions = e;
    return AX_OK;
}

enum ax_err ax_window_exclude(struct ax_window *w, uint64_t id, int64_t from_ms, int64_t to_ms)
{
    const struct ax_window *all = w->exclusions ? w->exclusions->whole : w;
    const struct ax_view fine = ax_window_fine(all), coarse = ax_window_coarse(all);
    if (!has_value(&fine, from_ms, to_ms) && !has_value(&coarse, from_ms, to_ms))
        return AX_NOTFOUND;
    if (w->exclusions && w->exclusions->n == AX_WINDOW_EXCLUDED_MAX)
        return AX_LIMIT;
    if (!w->exclusions && new_exclusions(w) != AX_OK)
        return AX_NOMEM;
    struct exclusions *e = w->exclusions;
    e->v[e->n++] = (struct excluded){id, from_ms, to_ms < w->end_ms ? to_ms : w->end_ms};
    show_all(w);
    return AX_OK;
}

bool ax_window_include(struct ax_window *w, uint64_t id)
{
    struct exclusions *e = w->exclusions;
    uint32_t i = 0;
    while (e && i < e->n && e->v[i].id != id)
        i++;
    if (!e || i == e->n)
        return false;
    memmove(&e->v[i], &e->v[i + 1], (e->n - i - 1) * sizeof e->v[0]);
    e->n--;
    show_all(w);
    forget_excluded(w);
    return true;
}

uint64_t ax_window_bytes(const struct ax_window *w)
{
    return sizeof *w + ((uint64_t)w->fine.room + w->coarse.room) * sizeof(float) +
           (w->exclusions ? sizeof *w->exclusions + ax_window_bytes(w->exclusions->whole) : 0);
}

void ax_window_save(const struct ax_window *w, struct ax_buf *out)
{
    struct ax_view fine = ax_window_fine(w), coarse = ax_window_coarse(w);
    ax_put_u8(out, STATE_VERSION);
    ax_put_i64(out, w->step_ms);
    ax_put_u8(out, w->any);
    if (!w->any)
        return;
    ax_put_i64(out, w->end_ms);
    ax_put_i64(out, w->open_start);
    ax_put_f64(out, w->open_sum);
    ax_put_varint(out, w->open_n);
    ax_put_f32s(out, fine.v, fine.n);
    ax_put_f32s(out, coarse.v, coarse.n);
    const struct exclusions *e = w->exclusions;
    ax_put_varint(out, e ? e->n : 0);
    for (uint32_t i = 0; e && i < e->n; i++) {
        ax_put_u64(out, e->v[i].id);
        ax_put_i64(out, e->v[i].from_ms);
        ax_put_i64(out, e->v[i].to_ms);
    }
    if (e)
        ax_window_save(e->whole, out);
}

/* The newest of the points that were saved, as many as it may show. */
static enum ax_err track_load(struct track *t, struct ax_bytes *in)
{
    struct ax_bytes ahead = *in;
    uint32_t n = ax_get_count(&ahead, UINT32_MAX), kept = n < t->n_max ? n : t->n_max;
    if (ahead.err != AX_OK || n > ax_bytes_left(&ahead) / sizeof *t->v)
        return ax_bytes_fail(in);
    if (kept && (track_reserve(t, kept) != AX_OK || !t->v))
        return AX_NOMEM;
    ahead.p += (size_t)(n - kept) * sizeof *t->v;
    if (kept)
        memcpy(t->v, ahead.p, kept * sizeof *t->v);
    t->n = kept;
    in->p = ahead.p + kept * sizeof *t->v;
    for (uint32_t i = 0; i < kept; i++)
        if (isinf(t->v[i]))
            return ax_bytes_fail(in);
    return AX_OK;
}

/* All but what is excluded. */
static enum ax_err window_load(struct ax_window *w, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    int64_t step_ms = ax_get_i64(in);
    w->any = ax_get_bool(in);
    if (in->err != AX_OK || step_ms != w->step_ms)
        return ax_bytes_fail(in);
    if (!w->any)
        return AX_OK;
    w->end_ms = ax_get_ms(in);
    w->open_start = ax_get_ms(in);
    w->open_sum = ax_get_f64_in(in, -INFINITY, INFINITY);
    w->open_n = ax_get_count(in, UINT32_MAX);
    if (in->err != AX_OK || w->open_start == INT64_MIN || w->open_start > w->end_ms ||
        w->end_ms - w->open_start >= w->coarse_ms || w->open_start % w->coarse_ms != 0 ||
        w->open_n > w->end_ms - w->open_start)
        return ax_bytes_fail(in);
    enum ax_err err = track_load(&w->fine, in);
    if (err == AX_OK)
        err = track_load(&w->coarse, in);
    return err == AX_OK && w->fine.n == 0 ? ax_bytes_fail(in) : err;
}

/* What is excluded, and the window without that, which goes on from the same step and has none itself. */
static enum ax_err exclusions_load(struct ax_window *w, struct ax_bytes *in)
{
    const uint32_t n = ax_get_count(in, AX_WINDOW_EXCLUDED_MAX);
    if (n == 0 || in->err != AX_OK)
        return in->err;
    struct exclusions *e = w->exclusions = calloc(1, sizeof *e);
    if (!e || !(e->whole = ax_window_new(w->step_ms, w->fine.n_max, w->coarse.n_max)))
        return AX_NOMEM;
    for (; e->n < n; e->n++) {
        struct excluded *at = &e->v[e->n];
        at->id = ax_get_u64(in);
        at->from_ms = ax_get_i64(in);
        at->to_ms = ax_get_i64(in);
        if (at->to_ms < at->from_ms || at->to_ms > w->end_ms)
            return ax_bytes_fail(in);
    }
    enum ax_err err = window_load(e->whole, in);
    if (err != AX_OK)
        return err;
    const bool same = e->whole->any && e->whole->end_ms == w->end_ms &&
                      e->whole->open_start == w->open_start && e->whole->fine.n == w->fine.n &&
                      e->whole->coarse.n == w->coarse.n;
    return same && ax_get_count(in, 0) == 0 ? in->err : ax_bytes_fail(in);
}

enum ax_err ax_window_load(struct ax_window *w, struct ax_bytes *in)
{
    enum ax_err err = window_load(w, in);
    return err == AX_OK && w->any ? exclusions_load(w, in) : err;
}
