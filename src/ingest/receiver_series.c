/* receiver_series.c: from the walk to the database.
 *
 * Series go in runs, in their order; a series that is not plain (refused, in the future, bare labels, native
 * histograms) goes alone, after those before it. */
#include "ingest/receiver_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RECORD_BYTES ((size_t)16 << 20) /* of the log; a request that makes more writes several */

static enum ax_refuse fault_reason(const struct ax_rw_fault *fault)
{
    return strcmp(fault->reason, "refs") == 0        ? AX_REFUSE_REFS
           : strcmp(fault->reason, "histogram") == 0 ? AX_REFUSE_HISTOGRAM
                                                     : AX_REFUSE_LIMIT;
}

/* Hand one series to the database; diag says why it is invalid. Returns false when the walk ends. */
static bool hand_over(struct ax_request *q, struct ax_append *a, struct ax_diag *diag)
{
    if (q->ended == AX_OK && a->symbols) {
        struct ax_diag end = {{0}};
        enum ax_err err = ax_rw_spell(&q->scratch->decoder, a->refs, a->refs_n, &a->key, &end);
        if (err != AX_OK)
            ax_request_end(q, AX_END_SPELLED_LABELS, err, &end);
    }
    if (q->ended != AX_OK)
        return false;
    ax_db_append_one(q->receiver->db, ax_str(""), a, q->journal, diag);
    return true;
}

/* The same, and add up what became of it. Returns false when it is refused, or the walk ends. */
static bool append(struct ax_request *q, uint64_t number, struct ax_append *a)
{
    struct ax_diag diag = {{0}};
    return hand_over(q, a, &diag) && ax_request_account(q, number, a, diag.text);
}

/* Write what came so far to the log, whatever ended the walk. Without it all of it is to come again: it is in
 * the rings, and then they are duplicates. */
static void write_log(struct ax_request *q)
{
    struct ax_diag diag = {{0}};
    if (!q->journal || q->unlogged)
        return;
    if (ax_journal_append(q->journal, q->receiver->db, q->receiver->opt.log, &diag) == AX_OK) {
        q->logged.samples = q->written_samples;
        q->logged.histograms = q->written_histograms;
        q->logged.exemplars = q->written_exemplars;
        return;
    }
    q->unlogged = true;
    q->written_samples = q->logged.samples; /* records of it that are in the log last */
    q->written_histograms = q->logged.histograms;
    q->written_exemplars = q->logged.exemplars;
    q->ended = ax_fail(&q->end, AX_BUSY, "not written to the log, send it again: %s", diag.text);
    ax_metric_add(q->receiver->unlogged, 1);
}

/* Do the bytes of a key stay where they are until the end of the request? */
static bool lasts(const struct ax_request *q, struct ax_str key)
{
    const struct ax_buf *plain = &q->scratch->plain;
    return (uintptr_t)key.p - (uintptr_t)plain->bytes < plain->n;
}

/* The labels of a series for the database. */
static struct ax_append append_of(struct ax_request *q, const struct ax_rw_series *s)
{
    struct ax_append a = {.key = s->key, .refs = s->refs, .refs_n = s->refs_n};
    a.symbols = q->version == 2 ? &q->scratch->symbols : NULL;
    return a;
}

/* Some samples, or some histograms, of a series that goes alone. */
static struct ax_append part_of(struct ax_request *q, const struct ax_rw_series *s, uint32_t from,
                                uint32_t to)
{
    struct ax_append a = append_of(q, s);
    if (s->histograms_n) {
        a.histograms = s->histograms + from;
        a.histograms_n = to - from;
    } else if (to > from) {
        a.samples = s->samples + from;
        a.starts = s->starts ? s->starts + from : NULL;
        a.n = to - from;
    }
    return a;
}

static void add_result(struct ax_append_result *sum, const struct ax_append_result *r)
{
    sum->appended += r->appended;
    sum->duplicates += r->duplicates;
    sum->conflicts += r->conflicts;
    sum->too_old += r->too_old;
    sum->created += r->created;
    sum->full += r->full;
    sum->nomem += r->nomem;
}

/* Hand over a part, and add what became of it to the others'. False when no more need be handed over. */
static bool append_part(struct ax_request *q, struct ax_append *part, struct ax_append *all,
                        struct ax_diag *diag)
{
    if (!hand_over(q, part, diag))
        return false;
    all->n += part->n;
    all->histograms_n += part->histograms_n;
    add_result(&all->result, &part->result);
    add_result(&all->histogram_result, &part->histogram_result);
    all->fate = part->fate;
    return part->fate < AX_FATE_CLUSTERS && part->fate != AX_FATE_FULL; /* else the rest would fare as this */
}

/* Append what is not too far in the future: runs between the ones that are. A series has samples or
 * histograms; without any the database still judges its labels. */
static void append_up_to(struct ax_request *q, uint64_t number, const struct ax_rw_series *s)
{
    struct ax_append all = append_of(q, s);
    struct ax_diag diag = {{0}};
    bool histograms = s->histograms_n > 0, going = true;
    uint32_t from = 0, ahead = 0, n = histograms ? s->histograms_n : s->samples_n;
    for (uint32_t i = 0; i <= n && going; i++) {
        bool end = i == n,
             late = !end && (histograms ? s->histograms[i].t_ms : s->samples[i].t_ms) > q->latest_ms;
        if (!end && !late)
            continue;
        if (i > from || n == 0) {
            struct ax_append part = part_of(q, s, from, i);
            going = append_part(q, &part, &all, &diag);
        }
        ahead += late;
        from = i + 1;
    }
    if (q->ended != AX_OK || (ahead < n || n == 0 ? !ax_request_account(q, number, &all, diag.text) : false))
        return;
    if (ahead) {
        char why[96];
        (void)snprintf(why, sizeof why, "%u sample(s) more than %lld s ahead of the clock here", ahead,
                       (long long)(q->receiver->opt.future_max_ms / 1000));
        ax_request_refuse(q, number, &all, AX_REFUSE_FUTURE, why);
        return;
    }
    q->written_exemplars += s->exemplars_n;
}

/* Take a series that goes alone. */
static void take_alone(struct ax_request *q, uint64_t number, const struct ax_rw_series *s,
                       const struct ax_rw_fault *fault)
{
    const struct ax_append labels = append_of(q, s);
    if (fault)
        ax_request_refuse(q, number, &labels, fault_reason(fault), fault->text);
    else if (s->samples_n && s->histograms_n)
        ax_request_refuse(q, number, &labels, AX_REFUSE_MIXED, "samples and histograms in one series");
    else
        append_up_to(q, number, s);
}

/* Hand the run to the database, and empty it. */
static void flush(struct ax_request *q)
{
    struct ax_run *run = &q->scratch->run;
    uint32_t i = 0;
    for (; i < run->n && q->ended == AX_OK; i++) {
        uint32_t known =
            i + ax_db_append_known(q->receiver->db, ax_str(""), run->v + i, run->n - i, q->journal);
        for (; i < known; i++)
            if (ax_request_account(q, run->number[i], &run->v[i], ""))
                q->written_exemplars += run->exemplars[i];
        if (i < run->n && append(q, run->number[i], &run->v[i]))
            q->written_exemplars += run->exemplars[i];
    }
    q->skipped += i < run->n ? run->n - i : 0;
    run->n = run->samples_n = run->refs_n = 0;
    run->keys_n = 0;
    if (q->journal && ax_journal_bytes(q->journal) > RECORD_BYTES)
        write_log(q);
}

/* Put a series into the run, which is flushed first when it is full. False when it must go alone. */
static bool join(struct ax_request *q, const struct ax_rw_series *s)
{
    struct ax_run *run = &q->scratch->run;
    size_t key_n = lasts(q, s->key) ? 0 : s->key.n;
    if (s->samples_n == 0 || s->samples_n > AX_RUN_SAMPLES || s->refs_n > AX_RUN_REFS ||
        key_n > AX_RUN_KEYS || s->histograms_n)
        return false;
    for (uint32_t i = 0; i < s->samples_n; i++)
        if (s->samples[i].t_ms > q->latest_ms)
            return false;
    if (run->n == AX_RUN_SERIES || run->samples_n + s->samples_n > AX_RUN_SAMPLES ||
        run->refs_n + s->refs_n > AX_RUN_REFS || run->keys_n + key_n > AX_RUN_KEYS)
        flush(q);
    struct ax_append *a = &run->v[run->n];
    *a = append_of(q, s);
    if (s->refs_n)
        a->refs = memcpy(run->refs + run->refs_n, s->refs, s->refs_n * sizeof *s->refs);
    if (key_n)
        a->key.p = memcpy(run->keys + run->keys_n, s->key.p, key_n);
    a->samples = run->samples + run->samples_n;
    memcpy(run->samples + run->samples_n, s->samples, sizeof *s->samples); /* mostly there is one */
    if (s->samples_n > 1)
        memcpy(run->samples + run->samples_n, s->samples, s->samples_n * sizeof *s->samples);
    if (s->starts)
        a->starts = memcpy(run->starts + run->samples_n, s->starts, s->samples_n * sizeof *s->starts);
    a->n = s->samples_n;
    run->number[run->n] = s->number;
    run->exemplars[run->n++] = s->exemplars_n;
    run->keys_n += key_n;
    run->refs_n += s->refs_n;
    run->samples_n += s->samples_n;
    return true;
}

/* At the first series of a 2.0 request its symbols are all there. */
static void see_symbols(struct ax_request *q)
{
    struct ax_rw_decoder *d = &q->scratch->decoder;
    if (q->seen || q->version == 1)
        return;
    q->seen = true;
    if (ax_db_see(q->receiver->db, &q->scratch->symbols, d->symbols, d->symbols_n) != AX_OK)
        q->ended = ax_fail(&q->end, AX_NOMEM, "no memory for %u symbols", d->symbols_n);
}

enum ax_err ax_request_visit(void *request, const struct ax_rw_series *s, const struct ax_rw_fault *fault)
{
    struct ax_request *q = request;
    q->series++;
    see_symbols(q);
    q->skipped += q->ended != AX_OK;
    if (q->ended != AX_OK || (!fault && join(q, s)))
        return q->ended;
    flush(q);
    take_alone(q, s->number, s, fault);
    return q->ended;
}

static bool any_later(const struct ax_plain_series *v, uint32_t n, int64_t latest_ms)
{
    bool later = false;
    for (uint32_t i = 0; i < n; i++)
        later |= v[i].sample.t_ms > latest_ms;
    return later;
}

enum ax_err ax_request_take_plain(void *request, const struct ax_plain_series *v, uint32_t n,
                                  uint32_t *unread)
{
    struct ax_request *q = request;
    struct ax_seen_symbols *symbols = q->version == 2 ? &q->scratch->symbols : NULL;
    see_symbols(q);
    flush(q);
    if (q->ended != AX_OK)
        return q->ended;
    if (any_later(v, n, q->latest_ms)) {
        *unread = UINT32_MAX >> (AX_PLAIN_RUN - n);
        return AX_OK;
    }
    ax_db_append_plain(q->receiver->db, ax_str(""), symbols, &q->scratch->trail, v, n, q->journal, &q->plain);
    ax_request_account_plain(q, &q->plain);
    *unread = q->plain.unread;
    return AX_OK;
}

void ax_request_finish(struct ax_request *q)
{
    flush(q);
    write_log(q);
}
