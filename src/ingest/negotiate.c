/* negotiate.c: Content-Type (RFC 9110, 8.3.1 and 5.6.6) and Content-Encoding of remote-write. */
#include "ingest/negotiate.h"

#include <strings.h>

#define VALUE_MAX 64

static struct ax_str trim(struct ax_str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool is_word(struct ax_str s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* Cut a prefix that ends before the next ';' outside quotes; rest begins behind it. */
static struct ax_str cut(struct ax_str *rest)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < rest->n && (quoted || rest->p[i] != ';'); i++) {
        if (rest->p[i] == '"')
            quoted = !quoted;
        else if (quoted && rest->p[i] == '\\')
            i++;
    }
    if (i > rest->n)
        i = rest->n;
    struct ax_str part = {rest->p, i};
    size_t skip = i < rest->n ? i + 1 : i;
    *rest = (struct ax_str){rest->p + skip, rest->n - skip};
    return trim(part);
}

/* The value of a parameter without its quotes, in out; false when it is too long or not closed. */
static bool unquote(struct ax_str v, char out[VALUE_MAX], size_t *out_n)
{
    bool quoted = v.n && v.p[0] == '"';
    if (quoted && (v.n < 2 || v.p[v.n - 1] != '"'))
        return false;
    if (quoted)
        v = (struct ax_str){v.p + 1, v.n - 2};
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (quoted && v.p[i] == '\\' && i + 1 < v.n)
            i++;
        if (n == VALUE_MAX)
            return false;
        out[n++] = v.p[i];
    }
    *out_n = n;
    return true;
}

static enum ax_err unsupported(struct ax_diag *diag, struct ax_str content_type)
{
    return ax_fail(diag, AX_UNSUPPORTED,
                   "Content-Type '%.*s' is not supported: send application/x-protobuf (remote-write 1.0) or "
                   "application/x-protobuf;proto=io.prometheus.write.v2.Request (2.0)",
                   content_type.n > 200 ? 200 : (int)content_type.n, content_type.p);
}

enum ax_err ax_rw_version(struct ax_str content_type, int *out, struct ax_diag *diag)
{
    int version = 0;
    struct ax_str rest = trim(content_type);
    *out = 1;
    if (rest.n == 0)
        return AX_OK;
    if (!is_word(cut(&rest), "application/x-protobuf"))
        return unsupported(diag, content_type);
    while (rest.n) {
        struct ax_str parameter = cut(&rest);
        const char *equals = parameter.n ? memchr(parameter.p, '=', parameter.n) : NULL;
        size_t name_n = equals ? (size_t)(equals - parameter.p) : parameter.n;
        if (!is_word(trim((struct ax_str){parameter.p, name_n}), "proto"))
            continue;
        char value[VALUE_MAX];
        struct ax_str v = {value, 0};
        if (!equals || !unquote(trim((struct ax_str){equals + 1, parameter.n - name_n - 1}), value, &v.n))
            return unsupported(diag, content_type);
        int named = ax_str_eq(v, ax_str("prometheus.WriteRequest"))          ? 1
                    : ax_str_eq(v, ax_str("io.prometheus.write.v2.Request")) ? 2
                                                                             : 0;
        if (named == 0 || (version && version != named))
            return unsupported(diag, content_type);
        version = named;
    }
    *out = version ? version : 1;
    return AX_OK;
}

enum ax_err ax_rw_encoding(struct ax_str content_encoding, enum ax_rw_encoding *out, struct ax_diag *diag)
{
    struct ax_str word = trim(content_encoding);
    *out = AX_RW_SNAPPY;
    if (word.n == 0 || is_word(word, "snappy"))
        return AX_OK;
    *out = AX_RW_ZSTD;
    if (is_word(word, "zstd"))
        return AX_OK;
    return ax_fail(diag, AX_UNSUPPORTED,
                   "Content-Encoding '%.*s' is not supported: send snappy (block format) or zstd",
                   word.n > 100 ? 100 : (int)word.n, word.p);
}
