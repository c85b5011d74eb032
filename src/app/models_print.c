/* models_print.c: tables of versions, of scores, of entries. */
#include "app/models_print.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_BYTES 80

/* The envelope of an answer; *data is borrowed from it. NULL with a text. */
static json_t *open_answer(struct ax_str answer, json_t **data, struct ax_diag *diag)
{
    json_t *root = json_loadb(answer.n ? answer.p : "", answer.n, 0, NULL);
    *data = json_object_get(root, "data");
    if (*data)
        return root;
    (void)ax_fail(diag, AX_CORRUPT, "the answer is not one of auspex: is it another server?");
    json_decref(root);
    return NULL;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void print_time(const json_t *seconds)
{
    char text[32] = "-";
    const time_t t = (time_t)json_number_value(seconds);
    struct tm tm;
    if (json_is_number(seconds) && gmtime_r(&t, &tm))
        (void)strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    (void)printf("%-19s", text);
}

/* A value of JSON in a few words. */
static const char *value_text(const json_t *v, char out[VALUE_BYTES])
{
    if (json_is_string(v))
        (void)snprintf(out, VALUE_BYTES, "%s", json_string_value(v));
    else if (json_is_integer(v))
        (void)snprintf(out, VALUE_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_real(v))
        (void)snprintf(out, VALUE_BYTES, "%.6g", json_real_value(v));
    else
        (void)snprintf(out, VALUE_BYTES, "%s", json_is_true(v) ? "true" : json_is_false(v) ? "false" : "-");
    return out;
}

enum ax_err ax_models_print_text(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    (void)out;
    if (fwrite(answer.p, 1, answer.n, stdout) != answer.n ||
        (answer.n && answer.p[answer.n - 1] != '\n' && putchar('\n') == EOF))
        return ax_fail(diag, AX_IO, "cannot write to standard output: %s", strerror(errno));
    return AX_OK;
}

void ax_models_print_warnings(struct ax_str answer)
{
    size_t i;
    const json_t *text;
    json_t *root = json_loadb(answer.n ? answer.p : "", answer.n, 0, NULL);
    json_array_foreach(json_object_get(root, "warnings"), i, text)(void)
        fprintf(stderr, "warning: %s\n", json_string_value(text) ? json_string_value(text) : "");
    json_decref(root);
}

enum ax_err ax_models_print_list(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    size_t i;
    const json_t *v;
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    const json_t *versions = json_object_get(data, "versions");
    if (json_array_size(versions) == 0)
        (void)printf("no model is registered yet\n");
    else
        (void)printf("%-24s %-9s %-11s %-19s %9s  %s\n", "model", "version", "stage", "registered (UTC)",
                     "samples", "what is new");
    json_array_foreach(versions, i, v)
    {
        (void)printf("%-24s %-9s %-11s ", text_of(v, "model"), text_of(v, "version"), text_of(v, "stage"));
        print_time(json_object_get(v, "createdTimestampSeconds"));
        (void)printf(" %9" JSON_INTEGER_FORMAT "  %s%s\n",
                     json_integer_value(json_object_get(json_object_get(v, "lineage"), "samples")),
                     text_of(v, "change"),
                     json_is_false(json_object_get(v, "artifactKept")) ? " (not kept)" : "");
    }
    json_decref(root);
    return AX_OK;
}

static void print_pairs(const json_t *list, const char *key)
{
    size_t i;
    const json_t *e;
    char a[VALUE_BYTES], b[VALUE_BYTES];
    json_array_foreach(list, i, e)
    {
        const json_t *change = json_object_get(e, "change");
        (void)printf("%-24s %-20.20s %-20.20s", text_of(e, key), value_text(json_object_get(e, "a"), a),
                     value_text(json_object_get(e, "b"), b));
        if (json_is_number(change))
            (void)printf(" %+8.2f %%", 100 * json_number_value(change));
        (void)printf("\n");
    }
}

/* What the newer version has been worth, with its interval. */
static void print_effect(const json_t *t)
{
    const double effect = json_number_value(json_object_get(t, "effect")),
                 low = json_number_value(json_object_get(t, "effectLower")),
                 high = json_number_value(json_object_get(t, "effectUpper"));
    const bool worse = effect < 0;
    const char *measure = text_of(t, "measure");
    if (!json_is_number(json_object_get(t, "pValue"))) {
        (void)printf("%s and %s: too little to compare them yet\n", text_of(t, "newer"), text_of(t, "older"));
        return;
    }
    (void)printf("%s is %s than %s by %.2f %% (%.2f to %.2f %%) of its %s, p %.3g that it is no better\n",
                 text_of(t, "newer"), worse ? "worse" : "better", text_of(t, "older"), 100 * fabs(effect),
                 100 * (worse ? -high : low), 100 * (worse ? -low : high),
                 strcmp(measure, "average_precision") == 0 ? "average precision"
                 : strcmp(measure, "alarms") == 0          ? "share of alarms"
                                                           : "loss",
                 json_number_value(json_object_get(t, "pValue")));
}

/* How the comparison on live data stands, and what the last one has led to. */
static void print_trial(const json_t *data)
{
    const json_t *t = json_object_get(data, "trial"), *last = json_object_get(data, "decision");
    if (json_is_object(t)) {
        (void)printf("\non live data: %s, %lld pairs\n", text_of(t, "phase"),
                     (long long)json_integer_value(json_object_get(t, "samples")));
        print_effect(t);
    }
    if (json_is_object(last))
        (void)printf("\nlast decision: %s %s\n", text_of(last, "version"), text_of(last, "detail"));
}

enum ax_err ax_models_print_compare(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    static const char *const rows[] = {"version", "stage", "change"};
    char a_text[VALUE_BYTES], b_text[VALUE_BYTES];
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    const json_t *a = json_object_get(data, "a"), *b = json_object_get(data, "b");
    (void)printf("%s\n\n", text_of(data, "model"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        (void)printf("%-24s %-20.20s %-20.20s\n", rows[i], value_text(json_object_get(a, rows[i]), a_text),
                     value_text(json_object_get(b, rows[i]), b_text));
    (void)printf("\nscores, on data that was held out\n");
    print_pairs(json_object_get(data, "scores"), "score");
    (void)printf("\nwhat differs\n");
    print_pairs(json_object_get(data, "differences"), "what");
    print_trial(data);
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_print_asked(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    const char *state = text_of(data, "state"), *when = "after the next step of its job";
    if (strcmp(state, "too_little_data") == 0)
        when = "when there is enough to learn from";
    else if (strcmp(state, "queued") == 0 || strcmp(state, "running") == 0)
        when = "after the fit that is on its way";
    (void)printf("%s is fitted %s\n", text_of(data, "model"), when);
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_print_cancelled(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    (void)printf("the fit of %s (%s, reason: %s) is called off\n", text_of(data, "model"),
                 text_of(data, "state"), text_of(data, "reason"));
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_print_baseline(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    (void)printf("the inputs of %s are tested against what version %s has learnt from, after the next step\n",
                 text_of(data, "model"), text_of(data, "version"));
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_print_ref(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    (void)printf("%s %s is in %s\n", text_of(data, "model"), text_of(data, "version"),
                 text_of(data, "stage"));
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_print_export(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    json_t *data, *root = open_answer(answer, &data, diag);
    if (!root)
        return AX_CORRUPT;
    char *text = json_dumps(data, JSON_INDENT(1));
    enum ax_err err = text ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && !*out)
        err = ax_models_print_text(ax_str(text), out, diag);
    if (err == AX_OK && *out) {
        FILE *file = fopen(out, "we");
        const bool written = file && fputs(text, file) != EOF;
        const int why = errno;
        if (file && fclose(file) != 0 && written)
            err = ax_fail(diag, AX_IO, "cannot write %s: %s", out, strerror(errno));
        else if (!written)
            err = ax_fail(diag, AX_IO, "cannot write %s: %s", out, strerror(why));
        else
            (void)printf("%s %s is in %s\n", text_of(json_object_get(data, "model"), "model"),
                         text_of(json_object_get(data, "model"), "version"), out);
    }
    free(text);
    json_decref(root);
    return err;
}

enum ax_err ax_models_print_audit(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    size_t i;
    const json_t *e;
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    json_array_foreach(json_object_get(data, "entries"), i, e)
    {
        (void)printf("%6" JSON_INTEGER_FORMAT " ", json_integer_value(json_object_get(e, "seq")));
        print_time(json_object_get(e, "timestamp"));
        (void)printf(" %-12s %-24s %-9s %-15s %s\n", text_of(e, "who"), text_of(e, "model"),
                     text_of(e, "version"), text_of(e, "action"), text_of(e, "detail"));
    }
    if (json_is_integer(json_object_get(data, "next")))
        (void)printf("there are more: --after=%" JSON_INTEGER_FORMAT "\n",
                     json_integer_value(json_object_get(data, "next")));
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_print_verify(struct ax_str answer, const char *out, struct ax_diag *diag)
{
    json_t *data, *root = open_answer(answer, &data, diag);
    (void)out;
    if (!root)
        return AX_CORRUPT;
    (void)printf("sound: %" JSON_INTEGER_FORMAT " entries of the audit log, %" JSON_INTEGER_FORMAT
                 " versions, %" JSON_INTEGER_FORMAT " artifacts\nnewest entry: %s\n",
                 json_integer_value(json_object_get(data, "entries")),
                 json_integer_value(json_object_get(data, "versions")),
                 json_integer_value(json_object_get(data, "artifacts")), text_of(data, "head"));
    json_decref(root);
    return AX_OK;
}

enum ax_err ax_models_error(struct ax_str answer, int status, struct ax_diag *diag)
{
    static const struct {
        int status;
        enum ax_err err;
    } errors[] = {
        {400, AX_UNSUPPORTED}, {401, AX_DENIED}, {403, AX_DENIED}, {404, AX_NOTFOUND}, {409, AX_CONFLICT}};
    enum ax_err err = AX_IO;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].status == status)
            err = errors[i].err;
    json_t *root = json_loadb(answer.n ? answer.p : "", answer.n, 0, NULL);
    const char *text = text_of(root, "error");
    if (*text)
        (void)ax_fail(diag, err, "%s", text);
    else
        (void)ax_fail(diag, err, "answered %d: %.*s", status, (int)(answer.n < 300 ? answer.n : 300),
                      answer.n ? answer.p : "");
    json_decref(root);
    return err;
}
