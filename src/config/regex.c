/* regex.c: PCRE2 with a look at the pattern first, so that only what RE2 knows gets through. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "config/regex.h"

#include "base/assert.h"

#include <pcre2.h>
#include <stdlib.h>

#define MATCH_STEPS 1000000u /* of backtracking in one match; a label of 4 KiB needs a few thousand */
#define HEAP_KIB 4096u
#define GROUP_NAME_BYTES 33 /* PCRE2's own limit, and the end */

struct ax_regex {
    const pcre2_code *code;
    uint32_t groups;
};

static void *from_arena(size_t n, void *arena)
{
    return ax_arena_alloc(arena, n);
}

static void to_arena(void *p, void *arena)
{
    (void)p; /* the arena frees all at once */
    (void)arena;
}

/* Is the escape at s[i] (a backslash) one of RE2's? */
static bool escape_is_known(struct ax_str s, size_t i)
{
    if (i + 1 >= s.n)
        return true; /* PCRE2 complains of it */
    unsigned char c = (unsigned char)s.p[i + 1];
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return !alphanumeric || strchr("AbBzdDsSwWpPQEafnrtvx0", c);
}

/* Is the group opened at s[i] one of RE2's: plain, (?:, (?P<name>, (?<name>, (?flags), (?flags:? */
static bool group_is_known(struct ax_str s, size_t i)
{
    if (i + 1 < s.n && s.p[i + 1] == '*')
        return false;
    if (i + 2 >= s.n || s.p[i + 1] != '?')
        return true;
    const char *rest = s.p + i + 2;
    size_t n = s.n - i - 2;
    if (n >= 2 && rest[0] == 'P')
        return rest[1] == '<';
    if (n >= 2 && rest[0] == '<')
        return rest[1] != '=' && rest[1] != '!';
    size_t flags = 0;
    while (flags < n && strchr("imsU-", rest[flags]) && rest[flags])
        flags++;
    return flags < n && (rest[flags] == ':' || (flags && rest[flags] == ')'));
}

/* Index of the bracket that closes the [:name:] which opens at s[i]; i when it is none. */
static size_t end_of_named_class(struct ax_str s, size_t i)
{
    const char *end = memmem(s.p + i + 2, s.n - i - 2, ":]", 2);
    return end ? (size_t)(end - s.p) + 1 : i;
}

/* Index after the character class that opens at s[i]. */
static size_t skip_class(struct ax_str s, size_t i)
{
    i++;
    if (i < s.n && s.p[i] == '^')
        i++;
    if (i < s.n && s.p[i] == ']')
        i++;
    for (; i < s.n && s.p[i] != ']'; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] == '[' && i + 1 < s.n && s.p[i + 1] == ':')
            i = end_of_named_class(s, i);
    }
    return i + 1;
}

/* Index after the quotation \Q...\E that opens at s[i]. */
static size_t skip_quotation(struct ax_str s, size_t i)
{
    const char *end = memmem(s.p + i, s.n - i, "\\E", 2);
    return end ? (size_t)(end - s.p) + 2 : s.n;
}

/* What in the pattern RE2 would refuse and PCRE2 would take; NULL when nothing. */
static const char *foreign_construct(struct ax_str s)
{
    bool quantified = false;
    for (size_t i = 0; i < s.n;) {
        char c = s.p[i];
        if (quantified && c == '+')
            return "a possessive quantifier";
        quantified = c == '*' || c == '+' || c == '?' || c == '}';
        if (c == '\\') {
            if (!escape_is_known(s, i))
                return "a back-reference or an escape that RE2 does not know";
            i = i + 1 < s.n && s.p[i + 1] == 'Q' ? skip_quotation(s, i) : i + 2;
        } else if (c == '[') {
            i = skip_class(s, i);
        } else if (c == '(') {
            if (!group_is_known(s, i))
                return "look-around, an atomic group, a condition or a verb";
            i += i + 1 < s.n && s.p[i + 1] == '?' ? 2 : 1;
        } else {
            i++;
        }
    }
    return NULL;
}

enum ax_err ax_regex_compile(struct ax_str pattern, struct ax_arena *arena, const struct ax_regex **out,
                             struct ax_diag *diag)
{
    const char *foreign = foreign_construct(pattern);
    if (foreign)
        return ax_fail(diag, AX_INVALID, "regex \"" AX_STR_FMT "\": %s is not allowed (the syntax is RE2's)",
                       AX_STR_ARG(pattern), foreign);
    struct ax_regex *re = ax_arena_alloc(arena, sizeof *re);
    pcre2_general_context *memory = pcre2_general_context_create(from_arena, to_arena, arena);
    pcre2_compile_context *context = memory ? pcre2_compile_context_create(memory) : NULL;
    if (!re || !context)
        return ax_fail(diag, AX_NOMEM, "out of memory compiling a regex");
    int code = 0;
    size_t at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    re->code =
        pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n, options, &code, &at, context);
    if (!re->code) {
        PCRE2_UCHAR text[128] = "";
        (void)pcre2_get_error_message(code, text, sizeof text);
        enum ax_err err = code == PCRE2_ERROR_HEAP_FAILED ? AX_NOMEM : AX_INVALID;
        return ax_fail(diag, err, "regex \"" AX_STR_FMT "\": %s at offset %zu", AX_STR_ARG(pattern),
                       (const char *)text, at);
    }
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
    *out = re;
    return AX_OK;
}

/* Memory with room for every group, and the bounds on the work. */
static bool prepare(struct ax_regex_match *m, uint32_t pairs)
{
    if (m->data && pcre2_get_ovector_count(m->data) < pairs) {
        pcre2_match_data_free(m->data);
        m->data = NULL;
    }
    if (!m->data)
        m->data = pcre2_match_data_create(pairs, NULL);
    if (!m->context) {
        m->context = pcre2_match_context_create(NULL);
        if (m->context) {
            (void)pcre2_set_match_limit(m->context, MATCH_STEPS);
            (void)pcre2_set_heap_limit(m->context, HEAP_KIB);
        }
    }
    return m->data && m->context;
}

enum ax_err ax_regex_match(const struct ax_regex *re, struct ax_str subject, struct ax_regex_match *m,
                           bool *out_matched)
{
    *out_matched = false;
    if (!prepare(m, re->groups + 1))
        return AX_NOMEM;
    m->subject = subject;
    int rc =
        pcre2_match(re->code, (PCRE2_SPTR)(subject.n ? subject.p : ""), subject.n, 0, 0, m->data, m->context);
    *out_matched = rc > 0;
    if (rc > 0 || rc == PCRE2_ERROR_NOMATCH)
        return AX_OK;
    return rc == PCRE2_ERROR_NOMEMORY ? AX_NOMEM : AX_LIMIT;
}

static bool is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Number of the group that a reference names; UINT32_MAX when there is none. */
static uint32_t group_number(const struct ax_regex *re, struct ax_str name)
{
    uint64_t number = 0;
    bool digits = name.n < 9 && !(name.n > 1 && name.p[0] == '0');
    for (size_t i = 0; digits && i < name.n; i++) {
        digits = name.p[i] >= '0' && name.p[i] <= '9';
        number = number * 10 + (uint64_t)(name.p[i] - '0');
    }
    if (digits)
        return number <= re->groups ? (uint32_t)number : UINT32_MAX;
    char text[GROUP_NAME_BYTES];
    if (name.n >= sizeof text)
        return UINT32_MAX;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    int n = pcre2_substring_number_from_name(re->code, (PCRE2_SPTR)text);
    return n > 0 ? (uint32_t)n : UINT32_MAX;
}

/* Read the reference after the '$' at t[i]; returns the index after it, or i + 1 when it is none. */
static size_t read_reference(struct ax_str t, size_t i, struct ax_str *out_name)
{
    bool brace = i + 1 < t.n && t.p[i + 1] == '{';
    size_t from = i + (brace ? 2 : 1), to = from;
    while (to < t.n && is_name_byte(t.p[to]))
        to++;
    *out_name = (struct ax_str){t.p + from, to - from};
    if (to == from || (brace && (to >= t.n || t.p[to] != '}'))) {
        out_name->n = 0;
        return i + 1;
    }
    return brace ? to + 1 : to;
}

void ax_regex_expand(const struct ax_regex *re, const struct ax_regex_match *m, struct ax_str template_text,
                     struct ax_buf *out)
{
    const size_t *spans = pcre2_get_ovector_pointer(m->data);
    for (size_t i = 0; i < template_text.n;) {
        if (template_text.p[i] != '$') {
            ax_buf_byte(out, (uint8_t)template_text.p[i++]);
            continue;
        }
        if (i + 1 < template_text.n && template_text.p[i + 1] == '$') {
            ax_buf_byte(out, '$');
            i += 2;
            continue;
        }
        struct ax_str name;
        i = read_reference(template_text, i, &name);
        if (name.n == 0) {
            ax_buf_byte(out, '$'); /* no reference: the sign stands for itself */
            continue;
        }
        size_t group = group_number(re, name);
        if (group != UINT32_MAX && spans[2 * group] != PCRE2_UNSET)
            ax_buf_put(out, m->subject.p + spans[2 * group], spans[2 * group + 1] - spans[2 * group]);
    }
}

void ax_regex_match_done(struct ax_regex_match *m)
{
    pcre2_match_data_free(m->data);
    pcre2_match_context_free(m->context);
    *m = (struct ax_regex_match){0};
}
