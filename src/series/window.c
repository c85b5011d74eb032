/* window.c: the fine and the coarse past of one modelled series.
 *
 * Each of the two is a track: an array longer than what it shows by a little slack. A point is written
 * behind the newest one; when the slack is used up, what is shown moves to the front in one memmove, so
 * that views are contiguous and a push costs O(1) amortised. Arrays start small and double.
 * The open coarse point is a sum and a count, and becomes a point at its last step, or once a later span
 * begins. */
#include "series/window.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define START_POINTS 32 /* room at first, before doubling */
#define SLACK_DIVISOR 16
#define SLACK_MAX 64
#define STATE_VERSION 1

struct track {
    float *v;
    uint32_t first, n; /* shown: v[first .. first + n) */
    uint32_t room;     /* points that v has room for */
    uint32_t n_max;    /* shown at most */
};

struct ax_window {
    struct track fine, coarse;
    int64_t step_ms, coarse_ms;
    int64_t end_ms;     /* newest step */
    int64_t open_start; /* start of the open coarse span: it covers (start, start + coarse_ms] */
    double open_sum;
    uint32_t open_n;
    bool any; /* something was pushed */
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

static void coarse_close(struct ax_window *w, int64_t start)
{
    uint64_t spans = (uint64_t)((start - w->open_start) / w->coarse_ms);
    if (spans == 0)
        return;
    track_add(&w->coarse, w->open_n ? (float)(w->open_sum / w->open_n) : NAN);
    track_gaps(&w->coarse, spans - 1);
    w->open_start = start;
    w->open_sum = 0;
    w->open_n = 0;
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
    if (track_reserve(&w->fine, gaps + 1) || track_reserve(&w->coarse, spans + 1))
        return AX_NOMEM;
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

uint64_t ax_window_bytes(const struct ax_window *w)
{
    return sizeof *w + ((uint64_t)w->fine.room + w->coarse.room) * sizeof(float);
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
}

/* The newest of the points that were saved, as many as it may show. */
static enum ax_err track_load(struct track *t, struct ax_bytes *in)
{
    struct ax_bytes ahead = *in;
    uint32_t n = ax_get_count(&ahead, UINT32_MAX), kept = n < t->n_max ? n : t->n_max;
    if (ahead.err != AX_OK || n > ax_bytes_left(&ahead) / sizeof *t->v)
        return ax_bytes_fail(in);
    if (kept && track_reserve(t, kept) != AX_OK)
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

enum ax_err ax_window_load(struct ax_window *w, struct ax_bytes *in)
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
