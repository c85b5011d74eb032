/* check.c: loads a config, parses its expressions and prints what was found, as compilers do. */
#include "app/check.h"

#include "app/commands.h"
#include "app/flags.h"
#include "base/parse.h"
#include "expr/expr.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Cut "column N: " off an expression parser's text; N is 1 when there is none. */
static const char *split_column(const char *text, size_t *column)
{
    static const char prefix[] = "column ";
    int64_t n;
    *column = 1;
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return text;
    const char *digits = text + sizeof prefix - 1, *end = digits;
    while (isdigit((unsigned char)*end))
        end++;
    if (*end != ':' || ax_parse_i64((struct ax_str){digits, (size_t)(end - digits)}, &n) != AX_OK || n < 1)
        return text;
    *column = (size_t)n;
    return end[1] == ' ' ? end + 2 : end + 1;
}

/* One expression; what says which ("expr", or a feature's name). */
static enum ax_err check_one(const struct ax_text *text, struct ax_str what, int64_t max_range_ms,
                             struct ax_problems *problems)
{
    struct ax_diag diag = {{0}};
    struct ax_expr *expr = NULL;
    size_t column;
    enum ax_err err = ax_expr_parse(text->text, max_range_ms, &expr, &diag);
    if (err == AX_NOMEM)
        return err;
    if (err != AX_OK) {
        const char *message = split_column(diag.text, &column);
        ax_problem_add(problems, ax_text_place(text, column), false, "%.*s: %s",
                       (int)(what.n < 64 ? what.n : 64), what.p, message);
    } else if (ax_expr_is_scalar(expr)) {
        err = AX_INVALID;
        ax_problem_add(problems, text->place, false,
                       "%.*s: the result is a number, not series: there is nothing to model",
                       (int)(what.n < 64 ? what.n : 64), what.p);
    }
    ax_expr_free(expr);
    return err;
}

enum ax_err ax_check_expressions(const struct ax_config *c, int64_t max_range_ms,
                                 struct ax_problems *problems)
{
    enum ax_err worst = AX_OK;
    for (uint32_t i = 0; i < c->jobs_n; i++) {
        const struct ax_job_config *job = &c->jobs[i];
        for (uint32_t k = 0; k <= job->features_n; k++) {
            enum ax_err err = AX_OK;
            if (k < job->features_n)
                err = check_one(&job->features[k].expr, job->features[k].name, max_range_ms, problems);
            else if (job->expr.text.n > 0)
                err = check_one(&job->expr, ax_str("expr"), max_range_ms, problems);
            if (err == AX_NOMEM)
                return err;
            if (err != AX_OK)
                worst = AX_INVALID;
        }
    }
    return worst;
}

void ax_problems_write(const struct ax_problems *problems, const char *path, struct ax_buf *out)
{
    uint32_t errors = 0;
    for (uint32_t i = 0; i < problems->n; i++) {
        const struct ax_problem *p = &problems->v[i];
        errors += !p->warning;
        ax_buf_printf(out, "%s:", path);
        if (p->place.line > 0)
            ax_buf_printf(out, "%" PRIu32 ":%" PRIu32 ":", p->place.line, p->place.column);
        ax_buf_printf(out, " %s: %s\n", p->warning ? "warning" : "error", p->text);
    }
    if (problems->errors_n > errors)
        ax_buf_printf(out, "%s: %" PRIu32 " more errors are not shown\n", path, problems->errors_n - errors);
}

/* The whole check of a file: its problems into out, then its summary. AX_OK when it is good. */
static enum ax_err check_file(const char *path, int64_t max_range_ms, struct ax_buf *out,
                              char summary[static 128])
{
    struct ax_problems *problems = malloc(sizeof *problems);
    struct ax_config *c = NULL;
    if (!problems)
        return AX_NOMEM;
    enum ax_err err = ax_config_load(path, &c, problems);
    uint32_t jobs_n = c ? c->jobs_n : 0;
    if (err == AX_OK && c)
        err = ax_check_expressions(c, max_range_ms, problems);
    ax_problems_write(problems, path, out);
    if (err == AX_OK)
        (void)snprintf(summary, 128, "ok, %" PRIu32 " job%s", jobs_n, jobs_n == 1 ? "" : "s");
    else if (problems->errors_n)
        (void)snprintf(summary, 128, "%" PRIu32 " error%s", problems->errors_n,
                       problems->errors_n == 1 ? "" : "s");
    else
        (void)snprintf(summary, 128, "%s", ax_err_text(err));
    ax_config_free(c);
    free(problems);
    return err;
}

int ax_cmd_check(int argc, char **argv)
{
    int64_t max_range_ms = 0;
    bool help = false;
    const char *positional[2] = {NULL, NULL},
               **words = argc <= 2 ? positional : calloc((size_t)argc, sizeof *words);
    int words_n = 0;
    struct ax_diag diag = {{0}};
    const struct ax_flag flags[] = {{"query.max-range", AX_FLAG_DURATION, &max_range_ms, "1h",
                                     "Longest range that an expression may have."}};
    const char usage[] = "auspex check [flags] FILE";
    enum ax_err err = words ? ax_flags_parse(flags, 1, argc, argv, words, &words_n, &help, &diag)
                            : ax_fail(&diag, AX_NOMEM, "out of memory");
    int status = 2;
    if (err == AX_OK && (help || words_n != 1)) {
        ax_flags_usage(flags, 1, usage, help ? stdout : stderr);
        status = help ? 0 : 2;
    } else if (err != AX_OK) {
        (void)fprintf(stderr, "auspex check: %s\n", diag.text);
    } else {
        struct ax_buf out;
        char summary[128] = "out of memory";
        ax_buf_init(&out, 1u << 20);
        err = check_file(words[0], max_range_ms, &out, summary);
        (void)fwrite(out.bytes, 1, out.n, stderr);
        (void)fprintf(err == AX_OK ? stdout : stderr, "%s: %s\n", words[0], summary);
        status = err == AX_OK ? 0 : 1;
        ax_buf_done(&out);
    }
    if (words != positional)
        free(words);
    return status;
}
