/* series_world.c: databases, logs and folders for tests of what lasts. */
#include "series_world.h"

#include "ax_test.h"
#include "store/records.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SHOWN_MAX 65536u

void series_world_open_with(struct series_world *w, const struct ax_db_options *options, const char *metrics)
{
    struct ax_diag diag = {{0}};
    *w = (struct series_world){.db = ax_db_new(options)};
    assert_non_null(w->db);
    w->watch.newest_ms = w->watch.evaluated_ms = INT64_MIN;
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str(AX_METRIC_NAME), ax_str(metrics), &w->matcher, &diag),
                     AX_OK);
    w->selector = ax_db_add_selector(w->db, ax_str(""), &w->matcher, 1, 3600000, &w->watch);
    assert_true(w->selector >= 0);
    ax_journal_init(&w->journal);
}

void series_world_open(struct series_world *w, uint64_t seed, const char *metrics)
{
    series_world_open_with(w, &(struct ax_db_options){.seed = seed, .negative_max = 4096}, metrics);
}

void series_world_close(struct series_world *w)
{
    ax_journal_done(&w->journal);
    ax_db_free(w->db);
    ax_matcher_free(w->matcher);
}

struct ax_str series_world_key(struct ax_buf *buf, const char *series)
{
    struct ax_arena arena;
    struct ax_labels ls;
    struct ax_diag diag = {{0}};
    ax_arena_init(&arena, 1u << 20);
    assert_int_equal(ax_labels_parse(ax_str(series), &arena, &ls, &diag), AX_OK);
    ax_buf_init(buf, 1u << 20);
    ax_labels_key_write(&ls, buf);
    ax_arena_done(&arena);
    return ax_buf_view(buf);
}

enum ax_fate series_world_add(struct series_world *w, const char *series, int64_t t_ms, double value)
{
    struct ax_buf buf;
    const struct ax_sample sample = {t_ms, value};
    struct ax_append a = {.key = series_world_key(&buf, series), .samples = &sample, .n = 1};
    ax_db_append_one(w->db, ax_str(""), &a, &w->journal, NULL);
    ax_buf_done(&buf);
    return a.fate;
}

void series_world_add_histogram(struct series_world *w, const char *series, int64_t t_ms,
                                struct ax_str message, bool ended)
{
    struct ax_buf buf;
    const struct ax_histogram_sample h = {.t_ms = t_ms, .message = message, .ended = ended};
    struct ax_append a = {.key = series_world_key(&buf, series), .histograms = &h, .histograms_n = 1};
    ax_db_append_one(w->db, ax_str(""), &a, &w->journal, NULL);
    assert_int_equal(a.fate, AX_FATE_WANTED);
    assert_int_equal(a.histogram_result.too_old + a.histogram_result.full, 0);
    ax_buf_done(&buf);
}

static void show_histograms(struct series_world *w, const struct ax_series *s, struct ax_buf *out)
{
    struct ax_histograms h = {0};
    assert_int_equal(ax_db_read_histograms(w->db, s, INT64_MIN, INT64_MAX, UINT32_MAX, &h), AX_OK);
    for (uint32_t i = 0; i < h.n; i++)
        ax_buf_printf(out, " %" PRId64 ":'" AX_STR_FMT "'", h.v[i].t_ms,
                      AX_STR_ARG(ax_histograms_message(&h, i)));
    ax_histograms_done(&h);
}

void series_world_show(struct series_world *w, struct ax_buf *out)
{
    uint32_t n;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(w->db, w->selector, &n, &epoch);
    struct ax_sample *samples = malloc(SHOWN_MAX * sizeof *samples);
    assert_non_null(samples);
    for (uint32_t i = 0; i < n; i++) {
        ax_buf_printf(out, "%" PRIu64 " ", ax_series_ref(members[i]));
        ax_labels_write(ax_series_labels(members[i]), out);
        uint32_t samples_n = ax_db_read(w->db, members[i], INT64_MIN, INT64_MAX, samples, SHOWN_MAX);
        for (uint32_t k = 0; k < samples_n; k++)
            ax_buf_printf(out, " %" PRId64 ":%" PRIx64, samples[k].t_ms, ax_double_bits(samples[k].value));
        show_histograms(w, members[i], out);
        ax_buf_printf(out, "\n");
    }
    free(samples);
    assert_int_equal(out->err, AX_OK);
}

void series_world_assert_same(struct series_world *a, struct series_world *b)
{
    struct ax_buf x, y;
    ax_buf_init(&x, SIZE_MAX);
    ax_buf_init(&y, SIZE_MAX);
    series_world_show(a, &x);
    series_world_show(b, &y);
    ax_buf_byte(&x, 0);
    ax_buf_byte(&y, 0);
    if (x.n != y.n || memcmp(x.bytes, y.bytes, x.n) != 0) {
        size_t at = 0;
        while (x.bytes[at] == y.bytes[at])
            at++;
        at = at > 60 ? at - 60 : 0;
        fail_msg("not the same:\n...%.200s\n...%.200s", (const char *)x.bytes + at,
                 (const char *)y.bytes + at);
    }
    ax_buf_done(&x);
    ax_buf_done(&y);
}

struct ax_seglog *test_log(const char *dir)
{
    struct ax_seglog *log = NULL;
    struct ax_diag diag = {{0}};
    if (ax_seglog_open(&(struct ax_seglog_options){.dir = dir}, &log, NULL, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return log;
}

uint32_t test_replay(struct ax_seglog *log, uint64_t from, struct ax_restore *r)
{
    struct ax_seglog_reader *reader;
    struct ax_seglog_record record;
    struct ax_diag diag = {{0}};
    uint32_t n = 0;
    assert_int_equal(ax_seglog_reader_new(log, from, &reader), AX_OK);
    enum ax_err err;
    for (; (err = ax_seglog_read(reader, &record, &diag)) == AX_OK; n++) {
        assert_int_equal(record.type, AX_WAL_SAMPLES);
        if (ax_restore_samples(r, record.body, &diag) != AX_OK)
            fail_msg("%s", diag.text);
    }
    assert_int_equal(err, AX_NOTREADY);
    ax_seglog_reader_free(reader);
    return n;
}

void series_world_replay(struct series_world *w, struct ax_seglog *log, struct ax_restore_report *out)
{
    struct ax_restore *r;
    assert_int_equal(ax_restore_new(w->db, &r), AX_OK);
    (void)test_replay(log, 0, r);
    ax_restore_end(r, out);
}
