/* check.c: loads a config with its expressions, or the file of the doors with the files that it names, and
 * prints what was found, as compilers do. */
#include "app/check.h"

#include "app/commands.h"
#include "app/flags.h"
#include "base/log.h"
#include "base/parse.h"
#include "config/web.h"
#include "expr/expr.h"
#include "net/http_client.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FLAGS 3

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
        ax_problem_add(problems, text->place, false,
                       "%.*s: the result is a number, not series: there is nothing to model",
                       (int)(what.n < 64 ? what.n : 64), what.p);
    }
    ax_expr_free(expr);
    return AX_OK;
}

/* Expression k of a job: its features, its own, that of its capacity; empty when it does not have it. */
static const struct ax_text *expression(const struct ax_job_config *job, uint32_t k, struct ax_str *name)
{
    if (k < job->features_n) {
        *name = job->features[k].name;
        return &job->features[k].expr;
    }
    *name = ax_str(k == job->features_n ? "expr" : "capacity");
    return k == job->features_n ? &job->expr : &job->capacity.expr;
}

static enum ax_err check_expressions(int64_t max_range_ms, const struct ax_config *c,
                                     struct ax_problems *problems)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < c->jobs_n; i++) {
        const struct ax_job_config *job = &c->jobs[i];
        for (uint32_t k = 0; k <= job->features_n + 1 && err == AX_OK; k++) {
            struct ax_str name;
            const struct ax_text *text = expression(job, k, &name);
            if (text->text.n)
                err = check_one(text, name, max_range_ms, problems);
        }
    }
    return err;
}

/* The client of one endpoint. One without a URL has a problem already. */
static enum ax_err check_client(const struct ax_http_client_options *http, struct ax_str url,
                                struct ax_place place, struct ax_problems *problems)
{
    struct ax_diag diag = {{0}};
    struct ax_http_client *client = NULL;
    struct ax_http_client_options options = *http;
    options.url = url;
    enum ax_err err = url.n ? ax_http_client_new(&options, &client, &diag) : AX_OK;
    if (err != AX_OK && err != AX_NOMEM)
        ax_problem_add(problems, place, false, "%s", diag.text);
    ax_http_client_free(client);
    return err == AX_NOMEM ? err : AX_OK;
}

static enum ax_err check_clients(const struct ax_config *c, struct ax_problems *problems)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < c->remote_write_n && err == AX_OK; i++)
        err = check_client(&c->remote_write[i].http, c->remote_write[i].url, c->remote_write[i].place,
                           problems);
    for (uint32_t i = 0; i < c->remote_read_n && err == AX_OK; i++)
        err = check_client(&c->remote_read[i].http, c->remote_read[i].url, c->remote_read[i].place, problems);
    return err;
}

/* What is to be looked at beyond the file. */
struct beyond {
    int64_t max_range_ms;
    bool clients;
};

/* Of a config with errors, too: it lacks what they are about. */
static enum ax_err check_beyond(const void *ctx, const struct ax_config *c, struct ax_problems *problems)
{
    const struct beyond *b = ctx;
    enum ax_err err = check_expressions(b->max_range_ms, c, problems);
    return err == AX_OK && b->clients ? check_clients(c, problems) : err;
}

enum ax_err ax_check_load(const char *path, int64_t max_range_ms, bool clients, struct ax_config **out,
                          struct ax_problems *problems)
{
    const struct beyond beyond = {max_range_ms, clients};
    const struct ax_config_check check = {check_beyond, &beyond};
    return ax_config_load(path, &check, out, problems);
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

/* "FILE:LINE:COLUMN: text"; of what concerns the whole file "FILE: text". */
static void place_text(char *out, size_t size, const char *name, const struct ax_problem *p)
{
    if (p->place.line > 0)
        (void)snprintf(out, size, "%s:%" PRIu32 ":%" PRIu32 ": %s", name, p->place.line, p->place.column,
                       p->text);
    else
        (void)snprintf(out, size, "%s: %s", name, p->text);
}

void ax_problems_log(const struct ax_problems *problems, const char *name, const char *error_id,
                     const char *warning_id, enum ax_err err, struct ax_diag *diag)
{
    char text[sizeof diag->text];
    uint32_t errors = 0;
    for (uint32_t i = 0; i < problems->n; i++) {
        const struct ax_problem *p = &problems->v[i];
        place_text(text, sizeof text, name, p);
        ax_log(p->warning ? AX_LOG_WARN : AX_LOG_ERROR, p->warning ? warning_id : error_id, "%s", text);
        if (p->warning || errors++ > 0)
            continue;
        uint32_t more = problems->errors_n - 1;
        if (more)
            (void)ax_fail(diag, err, "%.400s (and %" PRIu32 " more error%s)", text, more,
                          more == 1 ? "" : "s");
        else
            (void)ax_fail(diag, err, "%s", text);
    }
}

/* What a check of a file says at its end. */
struct verdict {
    enum ax_err err;
    char text[600];
};

/* Put problems and errors into words, unless the verdict has its own. */
static void conclude(struct verdict *v, const struct ax_problems *problems)
{
    if (v->err == AX_OK || v->text[0])
        return;
    if (problems && problems->errors_n)
        (void)snprintf(v->text, sizeof v->text, "%" PRIu32 " error%s", problems->errors_n,
                       problems->errors_n == 1 ? "" : "s");
    else
        (void)snprintf(v->text, sizeof v->text, "%s", ax_err_text(v->err));
}

/* A configuration: its problems into out. */
static struct verdict check_config(const char *path, int64_t max_range_ms, bool clients, struct ax_buf *out)
{
    struct verdict v = {AX_NOMEM, ""};
    struct ax_problems *problems = malloc(sizeof *problems);
    struct ax_config *c = NULL;
    if (problems) {
        v.err = ax_check_load(path, max_range_ms, clients, &c, problems);
        ax_problems_write(problems, path, out);
    }
    if (v.err == AX_OK)
        (void)snprintf(v.text, sizeof v.text, "ok, %" PRIu32 " job%s", c->jobs_n, c->jobs_n == 1 ? "" : "s");
    conclude(&v, problems);
    ax_config_free(c);
    free(problems);
    return v;
}

/* A file of the listener's doors, and the files that it names, as `serve` would read them. */
static struct verdict check_web(const char *path, struct ax_buf *out)
{
    struct verdict v = {AX_NOMEM, ""};
    struct ax_problems *problems = malloc(sizeof *problems);
    struct ax_web_config *c = NULL;
    struct ax_doors *doors = NULL;
    struct ax_diag diag = {{0}};
    if (problems) {
        v.err = ax_web_config_load(path, &c, problems);
        ax_problems_write(problems, path, out);
    }
    if (v.err == AX_OK) {
        v.err = ax_doors_new(&c->doors, &doors, &diag);
        if (v.err == AX_OK)
            (void)snprintf(v.text, sizeof v.text, "ok, %s, %" PRIu32 " user%s%s", c->tls ? "TLS" : "no TLS",
                           c->doors.users_n, c->doors.users_n == 1 ? "" : "s",
                           c->doors.bearer_token_file.n ? ", bearer tokens" : "");
        else
            (void)snprintf(v.text, sizeof v.text, "error: %s", diag.text);
    }
    conclude(&v, problems);
    ax_doors_release(doors);
    ax_web_config_free(c);
    free(problems);
    return v;
}

/* Print what was found, and the verdict. Returns whether the file is good. */
static bool report(const char *path, const struct verdict *v, struct ax_buf *out)
{
    (void)fwrite(out->bytes, 1, out->n, stderr);
    (void)fprintf(v->err == AX_OK ? stdout : stderr, "%s: %s\n", path, v->text);
    ax_buf_reset(out);
    return v->err == AX_OK;
}

int ax_cmd_check(int argc, char **argv)
{
    int64_t max_range_ms = 0;
    enum ax_help help = AX_HELP_NONE;
    bool good = true, syntax_only = false;
    const char *web = NULL, **words = calloc((size_t)argc + 1, sizeof *words);
    int words_n = 0;
    struct ax_diag diag = {{0}};
    const struct ax_flag flags[] = {
        {"query.max-range", AX_FLAG_DURATION, &max_range_ms, "1h",
         "longest range that an expression may have"},
        {"syntax-only", AX_FLAG_BOOL, &syntax_only, "false",
         "leave alone the files of passwords, credentials and certificates that FILE names"},
        {"web.config.file", AX_FLAG_STRING, &web, "", "a file of the listener's doors to check, too"}};
    enum ax_err err = words ? ax_flags_parse(flags, FLAGS, argc, argv, words, &words_n, &help, &diag)
                            : ax_fail(&diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && !help && words_n == 0 && !*web)
        err = ax_fail(&diag, AX_INVALID, "say which file: auspex check FILE (--help lists the flags)");
    if (err != AX_OK) {
        (void)fprintf(stderr, "auspex check: %s\n", diag.text);
        free(words);
        return 2;
    }
    if (help) {
        ax_flags_usage(flags, FLAGS, "auspex check [--flag=value ...] FILE ...", help, stdout);
        free(words);
        return 0;
    }
    struct ax_buf out;
    ax_buf_init(&out, 1u << 20);
    for (int i = 0; i < words_n; i++) {
        struct verdict v = check_config(words[i], max_range_ms, !syntax_only, &out);
        good &= report(words[i], &v, &out);
    }
    if (*web) {
        struct verdict v = check_web(web, &out);
        good &= report(web, &v, &out);
    }
    ax_buf_done(&out);
    free(words);
    return good ? 0 : 1;
}
