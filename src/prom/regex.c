/* regex.c: from Go's dialect to that of the library; references to groups in a template. */
#include "prom/regex.h"

#include <inttypes.h>
#include <stdlib.h>

#define INSTRUCTION_BYTES 16u /* with what goes with it while it is compiled */
#define OBJECT_BYTES 4096u    /* of the smallest, */
#define CLASS_BYTES 4096u     /* and for each class of Unicode, of which some have 600 ranges to be read */

/* The library is given one of these, for its program and for the states of the automaton that it remembers:
 * the least that leaves room for states. */
#define SMALL_BYTES ((uint64_t)32 << 10)
#define MIDDLE_BYTES ((uint64_t)512 << 10)
#define BYTES_FOR_INSTRUCTION 512u /* some twenty states */

struct ax_regex {
    struct ax_re2 *re;
};

static bool starts(struct ax_str s, size_t i, const char *with)
{
    const size_t n = strlen(with);
    return i <= s.n && s.n - i >= n && memcmp(s.p + i, with, n) == 0;
}

/* Index behind the first `end` from i on; s.n when there is none. */
static size_t behind(struct ax_str s, size_t i, const char *end)
{
    const char *found = i < s.n ? memmem(s.p + i, s.n - i, end, strlen(end)) : NULL;
    return found ? (size_t)(found - s.p) + strlen(end) : s.n;
}

/* Index behind the character class that opens at s[i]. */
static size_t behind_class(struct ax_str s, size_t i)
{
    i += starts(s, i, "[^") ? 2 : 1;
    i += starts(s, i, "]"); /* as the first it is a member */
    while (i < s.n && s.p[i] != ']')
        i = starts(s, i, "[:") ? behind(s, i + 2, ":]") : s.p[i] == '\\' ? i + 2 : i + 1;
    return i + 1;
}

/* Write what Go understands as this library does: it is older than (?<name>). False: there is a \C, which
 * only the library knows. */
static bool from_go(struct ax_str s, struct ax_buf *out)
{
    for (size_t i = 0, end; i < s.n; i = end) {
        if (starts(s, i, "\\C"))
            return false;
        const bool named = starts(s, i, "(?<") && !starts(s, i, "(?<=") && !starts(s, i, "(?<!");
        end = starts(s, i, "\\Q") ? behind(s, i, "\\E")
              : s.p[i] == '\\'    ? i + 2
              : s.p[i] == '['     ? behind_class(s, i)
              : named             ? i + 3
                                  : i + 1;
        end = end < s.n ? end : s.n;
        if (named)
            ax_buf_str(out, ax_str("(?P<"));
        else
            ax_buf_put(out, s.p + i, end - i);
    }
    return true;
}

/* What the pattern takes before it is compiled: classes cost most when they are read. */
static uint64_t memory_to_read(struct ax_str s)
{
    uint64_t bytes = OBJECT_BYTES + s.n;
    for (size_t i = 0; i + 1 < s.n; i++)
        if (s.p[i] == '\\' && (s.p[i + 1] | 0x20) == 'p')
            bytes += CLASS_BYTES;
    return bytes;
}

static enum ax_err too_large(struct ax_str pattern, uint64_t memory, struct ax_diag *diag)
{
    return ax_fail(diag, AX_INVALID,
                   "regular expression \"" AX_STR_FMT "\": compiled it has more than the %" PRIu64
                   " KiB that are left for it here: use fewer or simpler ones",
                   pattern.n < 64 ? (int)pattern.n : 64, pattern.n ? pattern.p : "", memory / 1024);
}

/* Compile with the least memory that will do, at most `left`; *took is how much. */
static enum ax_re2_end compile_within(const struct ax_buf *read, uint64_t left, uint64_t *took,
                                      struct ax_re2 **out, char *text, size_t text_cap)
{
    const uint64_t rungs[] = {SMALL_BYTES, MIDDLE_BYTES, AX_REGEX_MEMORY_MAX};
    enum ax_re2_end end = AX_RE2_LARGE;
    for (size_t i = 0; i < sizeof rungs / sizeof rungs[0]; i++) {
        *took = rungs[i] < left ? rungs[i] : left;
        end = ax_re2_new(read->n ? (const char *)read->bytes : "", read->n, (int64_t)*took, out, text,
                         text_cap);
        const bool small = end == AX_RE2_YES && (uint64_t)BYTES_FOR_INSTRUCTION * ax_re2_size(*out) > *took;
        if ((!small && end != AX_RE2_LARGE) || *took == left)
            return end;
        if (end == AX_RE2_YES && i + 1 < sizeof rungs / sizeof rungs[0])
            ax_re2_free(*out);
    }
    return end;
}

static enum ax_err compile(struct ax_str pattern, uint64_t *memory, struct ax_regex *re, struct ax_diag *diag)
{
    const uint64_t read_bytes = memory_to_read(pattern);
    const uint64_t left = *memory < AX_REGEX_MEMORY_MAX ? *memory : AX_REGEX_MEMORY_MAX;
    if (read_bytes > left)
        return too_large(pattern, left, diag);
    char text[192] = "\\C is not allowed";
    struct ax_buf read;
    uint64_t took = 0;
    ax_buf_init(&read, 2 * (size_t)AX_REGEX_BYTES_MAX);
    enum ax_re2_end end = AX_RE2_INVALID;
    if (from_go(pattern, &read))
        end =
            read.err != AX_OK ? AX_RE2_NOMEM : compile_within(&read, left, &took, &re->re, text, sizeof text);
    ax_buf_done(&read);
    if (end == AX_RE2_NOMEM)
        return ax_fail(diag, AX_NOMEM, "no memory for a regular expression");
    if (end == AX_RE2_INVALID)
        return ax_fail(diag, AX_INVALID, "regular expression \"" AX_STR_FMT "\": %s (the syntax is RE2's)",
                       AX_STR_ARG(pattern), text);
    if (end == AX_RE2_YES) {
        const uint64_t program = read_bytes + (uint64_t)INSTRUCTION_BYTES * ax_re2_size(re->re);
        took = program > took / AX_REGEX_COUNTED ? program : took / AX_REGEX_COUNTED;
    }
    if (end == AX_RE2_LARGE || took > left) {
        ax_re2_free(re->re);
        return too_large(pattern, left, diag);
    }
    *memory -= took;
    return AX_OK;
}

enum ax_err ax_regex_new(struct ax_str pattern, uint64_t *memory, struct ax_regex **out, struct ax_diag *diag)
{
    uint64_t all = AX_REGEX_MEMORY_MAX;
    *out = NULL;
    if (pattern.n > AX_REGEX_BYTES_MAX)
        return ax_fail(diag, AX_INVALID, "regular expression of %zu bytes; at most %u are allowed", pattern.n,
                       AX_REGEX_BYTES_MAX);
    struct ax_regex *re = calloc(1, sizeof *re);
    if (!re)
        return ax_fail(diag, AX_NOMEM, "no memory for a regular expression");
    enum ax_err err = compile(pattern, memory ? memory : &all, re, diag);
    if (err == AX_OK)
        *out = re;
    else
        free(re);
    return err;
}

static void end_in_arena(void *re)
{
    ax_regex_free(re);
}

enum ax_err ax_regex_in_arena(struct ax_str pattern, struct ax_arena *arena, const struct ax_regex **out,
                              struct ax_diag *diag)
{
    struct ax_regex *re;
    *out = NULL;
    enum ax_err err = ax_regex_new(pattern, NULL, &re, diag);
    if (err != AX_OK)
        return err;
    if (!ax_arena_at_end(arena, end_in_arena, re)) {
        ax_regex_free(re);
        return ax_fail(diag, AX_NOMEM, "no memory for a regular expression");
    }
    *out = re;
    return AX_OK;
}

void ax_regex_free(struct ax_regex *re)
{
    if (!re)
        return;
    ax_re2_free(re->re);
    free(re);
}

uint32_t ax_regex_groups(const struct ax_regex *re)
{
    return ax_re2_groups(re->re);
}

uint64_t ax_regex_steps(const struct ax_regex *re, size_t n)
{
    return (uint64_t)ax_re2_size(re->re) * (n + 1);
}

enum ax_err ax_regex_match(const struct ax_regex *re, struct ax_str subject, struct ax_re2_group *groups,
                           bool *out_matched)
{
    const uint32_t groups_n = groups ? ax_regex_groups(re) + 1 : 0;
    const enum ax_re2_end end = ax_re2_match(re->re, subject.n ? subject.p : "", subject.n, groups, groups_n);
    *out_matched = end == AX_RE2_YES;
    return end == AX_RE2_NOMEM ? AX_NOMEM : AX_OK;
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
        return number <= ax_regex_groups(re) ? (uint32_t)number : UINT32_MAX;
    return ax_re2_group_named(re->re, name.n ? name.p : "", name.n);
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

void ax_regex_expand(const struct ax_regex *re, const struct ax_re2_group *groups,
                     struct ax_str template_text, struct ax_buf *out)
{
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
        if (group != UINT32_MAX && groups[group].n)
            ax_buf_put(out, groups[group].p, groups[group].n);
    }
}
