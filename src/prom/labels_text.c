/* labels_text.c: the exposition spelling, with Prometheus 3's quoting of names that are no identifiers
 * (Prometheus, "UTF-8 in Prometheus: selector and exposition syntax"). */
#include "prom/labels.h"

static void write_quoted(struct ax_str s, struct ax_buf *out)
{
    ax_buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\n') {
            ax_buf_put(out, "\\n", 2);
            continue;
        }
        if (c == '"' || c == '\\')
            ax_buf_byte(out, '\\');
        ax_buf_byte(out, (uint8_t)c);
    }
    ax_buf_byte(out, '"');
}

void ax_labels_write(const struct ax_labels *ls, struct ax_buf *out)
{
    struct ax_str metric_name = ax_str(AX_METRIC_NAME);
    struct ax_str metric = ax_labels_get(ls, metric_name);
    bool plain = ax_name_is_metric(metric);
    if (plain)
        ax_buf_str(out, metric);
    if (plain && ls->n == 1)
        return;
    ax_buf_byte(out, '{');
    bool first = true;
    if (metric.n && !plain) {
        write_quoted(metric, out);
        first = false;
    }
    for (uint32_t i = 0; i < ls->n; i++) {
        struct ax_str name = ls->v[i].name;
        if (ax_str_eq(name, metric_name))
            continue;
        if (!first)
            ax_buf_byte(out, ',');
        first = false;
        if (ax_name_is_label(name))
            ax_buf_str(out, name);
        else
            write_quoted(name, out);
        ax_buf_byte(out, '=');
        write_quoted(ls->v[i].value, out);
    }
    ax_buf_byte(out, '}');
}

/* Where the reader is in the text, and what it has made so far. */
struct reader {
    struct ax_str text;
    size_t at;
    char *bytes; /* room for the unescaped rest of the text */
    struct ax_label *v;
    uint32_t n;
    struct ax_diag *diag;
};

/* Error at a place; columns count from 1. */
static enum ax_err bad(const struct reader *r, size_t at, const char *what)
{
    return ax_fail(r->diag, AX_INVALID, "column %zu: %s", at + 1, what);
}

static char peek(const struct reader *r)
{
    return r->at < r->text.n ? r->text.p[r->at] : '\0';
}

static void skip_space(struct reader *r)
{
    while (r->at < r->text.n && (r->text.p[r->at] == ' ' || r->text.p[r->at] == '\t'))
        r->at++;
}

/* An identifier; empty when there is none. Views the text. */
static struct ax_str read_name(struct reader *r, bool (*is)(struct ax_str))
{
    size_t start = r->at;
    while (r->at < r->text.n && is((struct ax_str){r->text.p + start, r->at - start + 1}))
        r->at++;
    return (struct ax_str){r->text.p + start, r->at - start};
}

/* A quoted string, unescaped into the reader's bytes. */
static enum ax_err read_quoted(struct reader *r, struct ax_str *out)
{
    size_t open = r->at++;
    char *start = r->bytes;
    for (; r->at < r->text.n && r->text.p[r->at] != '"'; r->at++) {
        char c = r->text.p[r->at];
        if (c == '\\') {
            r->at++;
            c = peek(r);
            if (c == 'n')
                c = '\n';
            else if (c != '\\' && c != '"')
                return bad(r, r->at - 1, "unknown escape; only \\\\, \\\" and \\n are known");
        }
        *r->bytes++ = c;
    }
    if (r->at == r->text.n)
        return bad(r, open, "this quote is not closed");
    r->at++;
    *out = (struct ax_str){start, (size_t)(r->bytes - start)};
    return AX_OK;
}

/* `name="value"`, `"name"="value"`, or the metric's name in quotes. */
static enum ax_err read_item(struct reader *r)
{
    size_t start = r->at;
    struct ax_str name = {NULL, 0}, value;
    enum ax_err err = AX_OK;
    bool quoted = peek(r) == '"';
    if (quoted)
        err = read_quoted(r, &name);
    else
        name = read_name(r, ax_name_is_label);
    if (err != AX_OK)
        return err;
    if (name.n == 0)
        return bad(r, start, quoted ? "empty name" : "expected a label name, or '}'");
    skip_space(r);
    if (quoted && (peek(r) == ',' || peek(r) == '}')) {
        r->v[r->n++] = (struct ax_label){ax_str(AX_METRIC_NAME), name};
        return AX_OK;
    }
    if (peek(r) != '=')
        return bad(r, r->at, "expected '=' after a label name");
    r->at++;
    skip_space(r);
    if (peek(r) != '"')
        return bad(r, r->at, "expected a label value in double quotes");
    err = read_quoted(r, &value);
    if (err == AX_OK)
        r->v[r->n++] = (struct ax_label){name, value};
    return err;
}

/* Everything between the braces. */
static enum ax_err read_braces(struct reader *r)
{
    size_t open = r->at++;
    for (;;) {
        skip_space(r);
        if (peek(r) == '}') {
            r->at++;
            return AX_OK;
        }
        if (r->at == r->text.n)
            return bad(r, open, "this '{' is not closed");
        enum ax_err err = read_item(r);
        if (err != AX_OK)
            return err;
        skip_space(r);
        if (peek(r) == ',')
            r->at++;
        else if (peek(r) != '}')
            return bad(r, r->at, "expected ',' or '}'");
    }
}

static enum ax_err read_set(struct reader *r)
{
    skip_space(r);
    size_t start = r->at;
    struct ax_str metric = read_name(r, ax_name_is_metric);
    if (metric.n)
        r->v[r->n++] = (struct ax_label){ax_str(AX_METRIC_NAME), metric};
    skip_space(r);
    enum ax_err err = AX_OK;
    if (peek(r) == '{')
        err = read_braces(r);
    else if (metric.n == 0)
        return bad(r, start, "expected a metric name or '{'");
    if (err != AX_OK)
        return err;
    skip_space(r);
    if (r->at < r->text.n)
        return bad(r, r->at, "unexpected text after the series");
    return AX_OK;
}

enum ax_err ax_labels_parse(struct ax_str text, struct ax_arena *arena, struct ax_labels *out,
                            struct ax_diag *diag)
{
    size_t quotes = 0;
    for (size_t i = 0; i < text.n; i++)
        quotes += text.p[i] == '"';
    /* Every pair but the metric's name in front has at least two quotes. Names that are no quoted text
     * are copied too, so that the set does not depend on the text. */
    struct ax_label *v = ax_arena_array(arena, quotes / 2 + 1, sizeof *v);
    struct ax_str copy = ax_arena_str(arena, text);
    char *bytes = ax_arena_alloc(arena, text.n);
    if (!v || !copy.p || !bytes)
        return ax_fail(diag, AX_NOMEM, "no memory for a series of %zu bytes", text.n);
    struct reader r = {.text = copy, .bytes = bytes, .v = v, .diag = diag};
    enum ax_err err = read_set(&r);
    if (err == AX_OK) {
        err = ax_labels_canonical(v, &r.n, diag);
        if (err != AX_OK)
            return ax_wrap(diag, err, "column 1");
    }
    *out = (struct ax_labels){r.n, v};
    return err;
}
