/* backtest_feedback.c: from a file of entries to lessons, in the order in which they were said. */
#include "app/backtest_feedback.h"

#include "base/parse.h"
#include "pipeline/lesson.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 10000u

/* Something that was said, or taken back (verdict 0). */
struct said {
    int64_t at_ms;
    struct ax_lesson lesson;
    struct ax_str job; /* empty: all of them */
};

struct ax_backtest_feedback {
    json_t *root; /* owns the strings */
    struct said *v;
    uint32_t n;
};

static struct ax_str text_of(const json_t *entry, const char *key)
{
    const json_t *v = json_object_get(entry, key);
    return json_is_string(v) ? (struct ax_str){json_string_value(v), json_string_length(v)}
                             : (struct ax_str){"", 0};
}

/* A time of an entry, as a number or a text; false when it is missing or none. */
static bool time_of(const json_t *entry, const char *key, int64_t *out)
{
    const json_t *v = json_object_get(entry, key);
    char number[64];
    struct ax_str text = text_of(entry, key);
    if (json_is_number(v)) {
        const int n = snprintf(number, sizeof number, "%.3f", json_number_value(v));
        text = (struct ax_str){number, n > 0 && (size_t)n < sizeof number ? (size_t)n : 0};
    }
    return text.n > 0 && ax_parse_time(text, out) == AX_OK;
}

static bool verdict_of(const json_t *entry, uint8_t *out)
{
    static const struct {
        const char *name;
        uint8_t verdict;
    } known[] = {
        {"not_anomaly", AX_LESSON_NORMAL}, {"missed", AX_LESSON_MISSED}, {"exclusion", AX_LESSON_EXCLUDED}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (ax_str_eq(text_of(entry, "verdict"), ax_str(known[i].name))) {
            *out = known[i].verdict;
            return true;
        }
    return false;
}

static enum ax_err take(struct ax_backtest_feedback *f, const json_t *entry, size_t i, struct ax_diag *diag)
{
    struct said s = {.job = text_of(entry, "job"), .lesson.selector = text_of(entry, "series")};
    struct ax_lesson_range *range = &s.lesson.range;
    uint8_t verdict = 0;
    range->id = i + 1;
    if (!verdict_of(entry, &verdict))
        return ax_fail(diag, AX_INVALID, "entry %zu: verdict must be not_anomaly, missed or exclusion",
                       i + 1);
    range->verdict = verdict;
    if (!time_of(entry, "created", &s.at_ms) || !time_of(entry, "from", &range->from_ms) ||
        !time_of(entry, "to", &range->to_ms) || range->from_ms > range->to_ms)
        return ax_fail(
            diag, AX_INVALID,
            "entry %zu needs created, from and to, which is not before it: Unix seconds or RFC 3339", i + 1);
    if (ax_lesson_check(s.lesson.selector, diag) != AX_OK)
        return ax_wrap(diag, AX_INVALID, "entry %zu", i + 1);
    f->v[f->n++] = s;
    if (time_of(entry, "revoked", &s.at_ms)) {
        range->verdict = 0;
        f->v[f->n++] = s;
    }
    return AX_OK;
}

static int by_time(const void *a, const void *b)
{
    const struct said *x = a, *y = b;
    if (x->at_ms != y->at_ms)
        return x->at_ms > y->at_ms ? 1 : -1;
    if (x->lesson.range.id != y->lesson.range.id)
        return x->lesson.range.id > y->lesson.range.id ? 1 : -1;
    return (x->lesson.range.verdict == 0) - (y->lesson.range.verdict == 0); /* said before it is taken back */
}

static enum ax_err take_all(struct ax_backtest_feedback *f, struct ax_diag *diag)
{
    const json_t *data = json_object_get(f->root, "data"),
                 *list =
                     json_is_array(f->root) ? f->root : json_object_get(data ? data : f->root, "feedback");
    const size_t n = json_array_size(list);
    enum ax_err err = AX_OK;
    if (!json_is_array(list))
        return ax_fail(diag, AX_INVALID, "there is no list `feedback` in it");
    if (n > ENTRIES_MAX)
        return ax_fail(diag, AX_LIMIT, "it has %zu entries: at most %u are read", n, ENTRIES_MAX);
    f->v = calloc(2 * n + 1, sizeof *f->v);
    if (!f->v)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (size_t i = 0; i < n && err == AX_OK; i++)
        err = take(f, json_array_get(list, i), i, diag);
    qsort(f->v, f->n, sizeof *f->v, by_time);
    return err;
}

enum ax_err ax_backtest_feedback_open(const char *path, struct ax_backtest_feedback **out,
                                      struct ax_diag *diag)
{
    struct ax_backtest_feedback *f = calloc(1, sizeof *f);
    json_error_t where;
    FILE *file = fopen(path, "re");
    enum ax_err err = f ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    *out = NULL;
    if (!file)
        err = ax_fail(diag, AX_NOTFOUND, "it cannot be read: is it there, and readable?");
    if (err == AX_OK && !(f->root = json_loadf(file, JSON_REJECT_DUPLICATES, &where)))
        err = ax_fail(diag, AX_INVALID, "it is no JSON: line %d, column %d: %s", where.line, where.column,
                      where.text);
    if (err == AX_OK)
        err = take_all(f, diag);
    if (file)
        (void)fclose(file);
    if (err != AX_OK) {
        ax_backtest_feedback_free(f);
        return ax_wrap(diag, err, "--feedback %s", path);
    }
    *out = f;
    return AX_OK;
}

void ax_backtest_feedback_free(struct ax_backtest_feedback *f)
{
    if (!f)
        return;
    json_decref(f->root);
    free(f->v);
    free(f);
}

static void count(void *ctx, const struct ax_labels *labels, enum ax_err err, double before, double after)
{
    (void)labels;
    (void)before;
    (void)after;
    *(uint32_t *)ctx += err == AX_OK;
}

static void say_nothing_came(const struct said *s, const char *why)
{
    (void)fprintf(stderr, "auspex backtest: nothing has come of entry %llu of the feedback: %s\n",
                  (unsigned long long)s->lesson.range.id, why);
}

/* Tell the job that it is for, or all of them. */
static void tell(const struct said *s, struct ax_pipeline *p)
{
    struct ax_job_status status;
    struct ax_diag diag = {{0}};
    char name[256];
    uint32_t taught = 0;
    enum ax_err err = AX_OK;
    if (s->job.n)
        err = ax_pipeline_teach(p, s->job, &s->lesson, count, &taught, &diag);
    for (uint32_t i = 0; !s->job.n && ax_pipeline_job_status(p, i, name, sizeof name, &status); i++)
        err = ax_pipeline_teach(p, ax_str(name), &s->lesson, count, &taught, &diag);
    if (taught == 0)
        say_nothing_came(s, err != AX_OK ? diag.text
                                         : "no series matches, or nothing of that time is remembered");
}

enum ax_err ax_backtest_feedback_run(const struct ax_backtest_feedback *f, struct ax_recording *r,
                                     struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; f && i < f->n && err == AX_OK; i++) {
        const struct said *s = &f->v[i];
        if (!r->end)
            err = ax_recording_run(r, s->at_ms, diag);
        if (err == AX_OK && !r->end && r->any)
            tell(s, r->pipeline);
        else if (err == AX_OK && s->lesson.range.verdict) /* of one that is taken back there it has come */
            say_nothing_came(s, r->end ? "no sample comes after it" : "no sample comes before it");
    }
    return err == AX_OK && !r->end ? ax_recording_run(r, INT64_MAX, diag) : err;
}
