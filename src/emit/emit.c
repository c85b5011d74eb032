/* emit.c: gathers what is put and closed, and hands it to the log when it is committed. */
#include "emit/emit.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/timed_lock.h"
#include "emit/endpoints.h"
#include "emit/erasing.h"
#include "prom/sample.h"
#include "store/folder.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define KEY_BYTES_MAX ((size_t)1 << 20)
#define LABEL_BYTES_MAX ((size_t)16 << 20)
#define PUTS_MAX (1u << 25) /* of one commit */
#define SYNC_WAIT_MS 100    /* for the table of endpoints; then their positions are synced another time */
#define SYNC_MAX 64u        /* files of positions synced at a time; the others wait for the next */
#define AHEAD 8u            /* so many puts ahead is asked for the memory of a series */

struct ax_emit {
    pthread_mutex_t lock; /* of all that follows, against a reload */
    struct ax_endpoints endpoints;
    struct ax_outgoing *outgoing;
    char *dir;
    const atomic_bool *hurry;
    struct ax_outs outs;
    struct ax_put *puts; /* since the last commit; a stale marker stands for an end */
    uint32_t puts_n, puts_cap;
    uint32_t settled_n; /* of them, those whose time is settled */
    struct ax_buf scratch;
};

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    struct ax_emit *e = ctx;
    struct ax_out *out = NULL;
    (void)pthread_mutex_lock(&e->lock);
    ax_buf_reset(&e->scratch);
    ax_labels_key_write(labels, &e->scratch);
    if (e->scratch.err == AX_OK)
        out = ax_outs_find(&e->outs, ax_buf_view(&e->scratch));
    if (out)
        ax_outs_open(&e->outs, out);
    (void)pthread_mutex_unlock(&e->lock);
    return out;
}

static bool reserve(struct ax_emit *e)
{
    if (e->puts_n < e->puts_cap)
        return true;
    uint32_t cap = e->puts_cap ? e->puts_cap * 2 : 1024;
    struct ax_put *puts = cap <= PUTS_MAX ? realloc(e->puts, cap * sizeof *puts) : NULL;
    if (!puts)
        return false;
    e->puts = puts;
    e->puts_cap = cap;
    return true;
}

static void gather(struct ax_emit *e, struct ax_out *out, int64_t t_ms, double value)
{
    if (!reserve(e)) {
        ax_endpoints_count_dropped(&e->endpoints, "no_memory", 1);
        return;
    }
    struct ax_put *put = &e->puts[e->puts_n++];
    put->out = out;
    put->t_ms = t_ms;
    memcpy(&put->value, &value, sizeof put->value); /* a stale marker keeps its bits */
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    struct ax_emit *e = ctx;
    (void)pthread_mutex_lock(&e->lock);
    gather(e, out, t_ms, value);
    (void)pthread_mutex_unlock(&e->lock);
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    struct ax_emit *e = ctx;
    (void)pthread_mutex_lock(&e->lock);
    ax_outs_close(&e->outs, out);
    if (out->handles == 0 && t_ms != INT64_MIN)
        gather(e, out, t_ms, ax_stale());
    (void)pthread_mutex_unlock(&e->lock);
}

static void let_go(struct ax_emit *e)
{
    e->puts_n = e->settled_n = 0;
    ax_outs_sweep(&e->outs);
}

/* Settle the times of what was put: an end comes after the last sample of its series, and a sample that does
 * not is dropped. */
static void settle(struct ax_emit *e)
{
    uint32_t kept = e->settled_n, late = 0;
    for (uint32_t i = e->settled_n; i < e->puts_n; i++) {
        struct ax_put put = e->puts[i];
        if (i + AHEAD < e->puts_n)
            __builtin_prefetch(e->puts[i + AHEAD].out);
        bool is_late = put.out->last_ms != INT64_MIN && put.t_ms <= put.out->last_ms;
        if (is_late && !ax_is_stale(put.value)) {
            late++;
            continue;
        }
        if (is_late)
            put.t_ms = put.out->last_ms + 1;
        ax_outs_saw(&e->outs, put.out, put.t_ms);
        e->puts[kept++] = put;
    }
    e->puts_n = e->settled_n = kept;
    ax_endpoints_count_dropped(&e->endpoints, "out_of_order", late);
}

static void show_newest(const struct ax_emit *e)
{
    if (e->outs.newest_ms != INT64_MIN)
        ax_metric_set(ax_metric(AX_M_QUEUE_HIGHEST, NULL, NULL), (double)e->outs.newest_ms / 1000);
}

static enum ax_err commit(struct ax_emit *e, struct ax_str unit, int64_t t_ms, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    if (ax_outgoing_has(e->outgoing, unit, t_ms)) {
        let_go(e);
        return AX_OK;
    }
    settle(e);
    if (e->puts_n)
        err = ax_outgoing_append(e->outgoing, unit, t_ms, e->puts, e->puts_n, diag);
    if (err == AX_LIMIT) { /* nor will it be taken the next time */
        ax_log_about(AX_LOG_ERROR, "unit_too_large", unit,
                     AX_STR_FMT ": %u samples of one step do not fit into a record, and are dropped",
                     AX_STR_ARG(unit), e->puts_n);
        ax_endpoints_count_dropped(&e->endpoints, "too_large", e->puts_n);
        err = AX_OK;
    }
    if (err != AX_OK) {
        ax_metric_count(AX_M_QUEUE_FAILURES, NULL, NULL);
        return err;
    }
    let_go(e);
    show_newest(e);
    (void)ax_endpoints_measure(&e->endpoints);
    ax_outgoing_cut(e->outgoing, ax_endpoints_at(&e->endpoints));
    return AX_OK;
}

static enum ax_err sink_commit(void *ctx, struct ax_str unit, int64_t t_ms, struct ax_diag *diag)
{
    struct ax_emit *e = ctx;
    (void)pthread_mutex_lock(&e->lock);
    enum ax_err err = commit(e, unit, t_ms, diag);
    (void)pthread_mutex_unlock(&e->lock);
    return err;
}

/* Take what is erased out of what was put and is not in the log yet. AX_NOMEM with a text: not all of it. */
static enum ax_err drop_puts(struct ax_emit *e, struct ax_erasing *erasing, uint64_t *samples,
                             struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    uint32_t kept = 0, settled = 0;
    struct ax_arena scratch;
    ax_arena_init(&scratch, LABEL_BYTES_MAX);
    for (uint32_t i = 0; i < e->puts_n; i++) {
        struct ax_labels labels;
        ax_arena_reset(&scratch);
        const enum ax_err one = ax_labels_key_parse(ax_out_key(e->puts[i].out), &scratch, &labels, NULL);
        if (one == AX_NOMEM)
            err = one;
        if (one == AX_OK && ax_erasing_takes(erasing, &labels)) {
            ++*samples;
            continue;
        }
        settled += i < e->settled_n;
        e->puts[kept++] = e->puts[i];
    }
    e->puts_n = kept;
    e->settled_n = settled;
    ax_arena_done(&scratch);
    return err == AX_OK ? err : ax_fail(diag, err, "out of memory while erasing what is not queued yet");
}

/* Erase it from the log, while nobody reads that. */
static enum ax_err erase_log(struct ax_emit *e, struct ax_erasing *erasing, uint64_t *samples,
                             struct ax_diag *diag)
{
    struct ax_diag of_resume = {{0}};
    ax_endpoints_pause(&e->endpoints);
    enum ax_err err = ax_outgoing_erase(e->outgoing, ax_erasing_takes, erasing, samples, diag);
    if (ax_endpoints_resume(&e->endpoints, &of_resume) != AX_OK) {
        ax_log(AX_LOG_ERROR, "sender_lost",
               "something is not sent until the erasure is asked for again, or auspex is started again: %s",
               of_resume.text);
        err = err == AX_OK ? ax_fail(diag, AX_NOMEM, "%s", of_resume.text) : err;
    }
    return err;
}

/* Go on with an erasure that did not come to its end, unless the next one is the same. A note that is none is
 * given up: nothing can be made of it. */
static enum ax_err end_noted(struct ax_emit *e, struct ax_str next, struct ax_diag *diag)
{
    struct ax_erasing erasing = {0};
    struct ax_buf selector;
    uint64_t samples = 0;
    ax_buf_init(&selector, KEY_BYTES_MAX);
    enum ax_err err = ax_erasing_noted(e->dir, &selector, diag);
    const bool goes_on = err == AX_OK && !ax_str_eq(ax_buf_view(&selector), next);
    if (goes_on)
        err = ax_erasing_init(&erasing, ax_buf_view(&selector), diag);
    if (goes_on && err == AX_OK)
        err = erase_log(e, &erasing, &samples, diag);
    if (goes_on && err == AX_INVALID)
        ax_log(AX_LOG_ERROR, "erasing_failed",
               "an erasure that was cut off cannot be read any more; ask for it again: %s", diag->text);
    if (goes_on && (err == AX_OK || err == AX_INVALID))
        err = ax_erasing_forget(e->dir, diag);
    ax_erasing_done(&erasing);
    ax_buf_done(&selector);
    return err == AX_NOTFOUND ? AX_OK : err;
}

static enum ax_err sink_erase(void *ctx, struct ax_str selector, uint64_t *samples, struct ax_diag *diag)
{
    struct ax_emit *e = ctx;
    struct ax_erasing erasing;
    enum ax_err err = ax_erasing_init(&erasing, selector, diag);
    if (err != AX_OK)
        return err;
    (void)pthread_mutex_lock(&e->lock);
    err = end_noted(e, selector, diag); /* there is one note, and this one's takes its place */
    if (err == AX_OK)
        err = drop_puts(e, &erasing, samples, diag);
    if (err == AX_OK)
        err = ax_erasing_note(e->dir, selector, diag);
    if (err == AX_OK)
        err = erase_log(e, &erasing, samples, diag);
    if (err == AX_OK)
        err = ax_erasing_forget(e->dir, diag);
    (void)pthread_mutex_unlock(&e->lock);
    ax_erasing_done(&erasing);
    return err;
}

struct ax_sink ax_emit_sink(struct ax_emit *e)
{
    return (struct ax_sink){.ctx = e,
                            .open = sink_open,
                            .put = sink_put,
                            .close = sink_close,
                            .commit = sink_commit,
                            .erase = sink_erase};
}

static void free_all(struct ax_emit *e)
{
    ax_outgoing_close(e->outgoing);
    ax_outs_done(&e->outs);
    free(e->puts);
    free(e->dir);
    ax_buf_done(&e->scratch);
    (void)pthread_mutex_destroy(&e->lock);
    free(e);
}

/* The same at a start, before anything is sent. */
static void go_on_erasing(struct ax_emit *e)
{
    struct ax_diag diag = {{0}};
    if (end_noted(e, (struct ax_str){NULL, 0}, &diag) != AX_OK)
        ax_log(AX_LOG_ERROR, "erasing_failed",
               "an erasure that was cut off cannot be ended in the outgoing queue; ask for it again: %s",
               diag.text);
}

static enum ax_err open_all(struct ax_emit *e, const struct ax_emit_options *options, struct ax_diag *diag)
{
    const struct ax_outgoing_options log = {
        .dir = options->dir, .max_bytes = options->max_bytes, .fsync_always = options->fsync_always};
    e->hurry = options->hurry;
    e->dir = strdup(options->dir);
    if (!e->dir || ax_outs_init(&e->outs, options->seed) != AX_OK)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_outgoing_open(&log, &e->outs, &e->outgoing, diag);
    if (err != AX_OK)
        return err;
    go_on_erasing(e);
    show_newest(e);
    e->endpoints.dir = e->dir;
    e->endpoints.env = (struct ax_endpoint_env){.outgoing = e->outgoing,
                                                .clock = options->clock,
                                                .max_bytes = options->max_bytes,
                                                .seed = options->seed};
    return ax_endpoints_load(&e->endpoints, options->endpoints, options->endpoints_n, diag);
}

enum ax_err ax_emit_start(const struct ax_emit_options *options, struct ax_emit **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_emit *e = calloc(1, sizeof *e);
    if (!e)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    (void)pthread_mutex_init(&e->lock, NULL);
    ax_buf_init(&e->scratch, KEY_BYTES_MAX);
    enum ax_err err = open_all(e, options, diag);
    if (err != AX_OK) {
        free_all(e);
        return err;
    }
    *out = e;
    return AX_OK;
}

enum ax_err ax_emit_reload(struct ax_emit *e, const struct ax_remote_write *endpoints, uint32_t endpoints_n,
                           struct ax_diag *diag)
{
    (void)pthread_mutex_lock(&e->lock);
    enum ax_err err = ax_endpoints_load(&e->endpoints, endpoints, endpoints_n, diag);
    (void)pthread_mutex_unlock(&e->lock);
    return err;
}

enum ax_err ax_emit_sync(struct ax_emit *e, struct ax_diag *diag)
{
    int fds[SYNC_MAX];
    enum ax_err err = ax_outgoing_sync(e->outgoing, diag);
    uint32_t n = 0;
    if (ax_lock_within(&e->lock, SYNC_WAIT_MS)) { /* an erasure may hold it for long */
        n = ax_endpoints_unsynced(&e->endpoints, fds, SYNC_MAX);
        (void)pthread_mutex_unlock(&e->lock);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (fdatasync(fds[i]) != 0 && err == AX_OK)
            err = ax_folder_fail(diag, errno, "sync the positions in", e->dir, NULL);
        (void)close(fds[i]);
    }
    return err;
}

uint64_t ax_emit_pending(struct ax_emit *e)
{
    (void)pthread_mutex_lock(&e->lock);
    uint64_t n = ax_endpoints_measure(&e->endpoints);
    (void)pthread_mutex_unlock(&e->lock);
    return n;
}

bool ax_emit_endpoint(struct ax_emit *e, uint32_t i, struct ax_endpoint_view *out)
{
    if (!ax_lock_within(&e->lock, SYNC_WAIT_MS))
        return false;
    const bool there = i < e->endpoints.n;
    if (there)
        ax_endpoint_view(e->endpoints.v[i], out);
    (void)pthread_mutex_unlock(&e->lock);
    return there;
}

void ax_emit_stop(struct ax_emit *e, int64_t deadline_ms)
{
    if (!e)
        return;
    ax_endpoints_end(&e->endpoints, ax_mono_ns() + deadline_ms * 1000000, e->hurry);
    free_all(e);
}
