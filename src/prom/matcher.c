/* matcher.c: label matchers; regular expressions by PCRE2, kept to what RE2 knows, compiled to native
 * code where the machine allows it. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "prom/matcher.h"

#include "base/assert.h"

#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>

/* Bounds on one match: backtracking steps, and kilobytes of the interpreter's heap. */
#define MATCH_STEPS_MAX 1000000u
#define HEAP_KIB_MAX 16384u
#define PATTERN_BYTES_MAX 65536u

struct ax_matcher {
    enum ax_match_op op;
    struct ax_str name, value;
    pcre2_code *code; /* NULL for = and != */
    bool empty;       /* accepts the empty value */
    char bytes[];
};

/* What a match needs beside the code: one for each thread, made at its first match. */
struct scratch {
    pcre2_match_data *data;
    pcre2_match_context *context;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t scratch_key;

static void free_scratch(void *p)
{
    struct scratch *s = p;
    pcre2_match_data_free(s->data);
    pcre2_match_context_free(s->context);
    free(s);
}

static void make_key(void)
{
    int rc = pthread_key_create(&scratch_key, free_scratch);
    AX_ASSERT(rc == 0);
}

/* The calling thread's scratch; NULL when out of memory. */
static struct scratch *thread_scratch(void)
{
    pthread_once(&once, make_key);
    struct scratch *s = pthread_getspecific(scratch_key);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->data = pcre2_match_data_create(1, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->data || !s->context || pthread_setspecific(scratch_key, s) != 0) {
        free_scratch(s);
        return NULL;
    }
    pcre2_set_match_limit(s->context, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(s->context, HEAP_KIB_MAX);
    return s;
}

/* What RE2 does not know and whose cost has no bound: back-references, look-around, recursion,
 * conditions, atomic groups, possessive quantifiers, verbs. Returns its name, or NULL. */
static const char *beyond_re2(struct ax_str s)
{
    bool class = false;
    size_t class_start = 0;
    for (size_t i = 0; i < s.n; i++) {
        struct ax_str rest = {s.p + i, s.n - i};
        char c = s.p[i], next = rest.n > 1 ? rest.p[1] : '\0', third = rest.n > 2 ? rest.p[2] : '\0';
        if (c == '\\') {
            if (next == 'Q') { /* literal up to \E */
                const char *end = memmem(rest.p, rest.n, "\\E", 2);
                i = end ? (size_t)(end - s.p) + 1 : s.n;
                continue;
            }
            if (!class && ((next >= '1' && next <= '9') || next == 'g' || next == 'k'))
                return "back-references";
            if (!class && next && strchr("GKRX", next))
                return "this escape";
            i++;
        } else if (class) {
            class = !(c == ']' && i > class_start);
        } else if (c == '[') {
            class = true;
            class_start = i + 1 + (next == '^'); /* a ] that comes first is a member */
        } else if (c == '(' && next == '*') {
            return "verbs";
        } else if (c == '(' && next == '?') {
            char fourth = rest.n > 3 ? rest.p[3] : '\0';
            if (third == '=' || third == '!' || (third == '<' && (fourth == '=' || fourth == '!')))
                return "look-around";
            bool named = third == '<' || (third == 'P' && fourth == '<');
            if (!named && !(third && strchr(":imsU-", third)))
                return "this kind of group";
        } else if ((c == '*' || c == '+' || c == '?' || c == '}') && next == '+') {
            return "possessive quantifiers";
        }
    }
    return NULL;
}

static enum ax_err compile(struct ax_matcher *m, struct ax_diag *diag)
{
    struct ax_str re = m->value;
    if (re.n > PATTERN_BYTES_MAX)
        return ax_fail(diag, AX_INVALID, "regular expression of %zu bytes; at most %u are allowed", re.n,
                       PATTERN_BYTES_MAX);
    const char *beyond = beyond_re2(re);
    if (beyond)
        return ax_fail(diag, AX_INVALID,
                       "regular expression \"" AX_STR_FMT "\": %s are not allowed (RE2 syntax)",
                       AX_STR_ARG(re), beyond);
    const uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | PCRE2_UTF |
                             PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;
    int rc;
    PCRE2_SIZE at;
    m->code = pcre2_compile((PCRE2_SPTR)re.p, re.n, options, &rc, &at, NULL);
    if (!m->code) {
        PCRE2_UCHAR text[128];
        if (pcre2_get_error_message(rc, text, sizeof text) < 0)
            text[0] = '\0';
        return ax_fail(diag, AX_INVALID, "regular expression \"" AX_STR_FMT "\": %s at byte %zu",
                       AX_STR_ARG(re), (const char *)text, at + 1);
    }
    /* Native code is an optimisation: without it the interpreter matches. */
    (void)pcre2_jit_compile(m->code, PCRE2_JIT_COMPLETE);
    return AX_OK;
}

/* Does the regular expression match? A value whose match would exceed the bounds, or is not UTF-8,
 * does not. */
static bool match_code(const struct ax_matcher *m, struct ax_str value)
{
    struct scratch *s = thread_scratch();
    if (!s)
        return false;
    const char *p = value.p ? value.p : "";
    int rc = pcre2_match(m->code, (PCRE2_SPTR)p, value.n, 0, 0, s->data, s->context);
    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) /* native code has a small stack; the interpreter takes the heap */
        rc = pcre2_match(m->code, (PCRE2_SPTR)p, value.n, 0, PCRE2_NO_JIT, s->data, s->context);
    return rc >= 0;
}

static bool accepts(const struct ax_matcher *m, struct ax_str value)
{
    switch (m->op) {
    case AX_MATCH_EQ:
        return ax_str_eq(m->value, value);
    case AX_MATCH_NE:
        return !ax_str_eq(m->value, value);
    case AX_MATCH_RE:
        return match_code(m, value);
    case AX_MATCH_NRE:
        return !match_code(m, value);
    }
    return false;
}

enum ax_err ax_matcher_new(enum ax_match_op op, struct ax_str name, struct ax_str value,
                           struct ax_matcher **out, struct ax_diag *diag)
{
    *out = NULL;
    if (name.n == 0)
        return ax_fail(diag, AX_INVALID, "a matcher needs a label name");
    if (!ax_str_utf8(name) || !ax_str_utf8(value))
        return ax_fail(diag, AX_INVALID, "a matcher's name and value must be UTF-8");
    struct ax_matcher *m = calloc(1, sizeof *m + name.n + value.n + 1);
    if (!m)
        return ax_fail(diag, AX_NOMEM, "no memory for a matcher");
    memcpy(m->bytes, name.p, name.n);
    if (value.n)
        memcpy(m->bytes + name.n, value.p, value.n);
    m->op = op;
    m->name = (struct ax_str){m->bytes, name.n};
    m->value = (struct ax_str){m->bytes + name.n, value.n};
    if (op == AX_MATCH_RE || op == AX_MATCH_NRE) {
        enum ax_err err = compile(m, diag);
        if (err != AX_OK) {
            ax_matcher_free(m);
            return err;
        }
    }
    m->empty = accepts(m, (struct ax_str){"", 0});
    *out = m;
    return AX_OK;
}

void ax_matcher_free(struct ax_matcher *m)
{
    if (!m)
        return;
    pcre2_code_free(m->code);
    free(m);
}

bool ax_matcher_match(const struct ax_matcher *m, const struct ax_labels *ls)
{
    struct ax_str value = ax_labels_get(ls, m->name);
    return value.n ? accepts(m, value) : m->empty;
}

bool ax_matcher_matches_empty(const struct ax_matcher *m)
{
    return m->empty;
}

enum ax_match_op ax_matcher_op(const struct ax_matcher *m)
{
    return m->op;
}

struct ax_str ax_matcher_name(const struct ax_matcher *m)
{
    return m->name;
}

struct ax_str ax_matcher_value(const struct ax_matcher *m)
{
    return m->value;
}
