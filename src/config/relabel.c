/* relabel.c: the actions of Prometheus's relabelling over a small list of labels in an arena. */
#include "config/relabel.h"

#include "base/assert.h"
#include "base/md5.h"
#include "prom/regex.h"

#include <inttypes.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <strings.h>
#include <wctype.h>

#define VALUE_BYTES_MAX ((size_t)1 << 20) /* of one made name or value */

#define DEFAULT_SEPARATOR ";"
#define DEFAULT_REGEX "(.*)"
#define DEFAULT_REPLACEMENT "$1"

static const char *const action_names[AX_RELABEL_ACTION_N] = {
    "replace",   "keep",      "drop",      "hashmod",   "labelmap",  "labeldrop",
    "labelkeep", "lowercase", "uppercase", "keepequal", "dropequal",
};

enum ax_err ax_relabel_parse_action(struct ax_str text, enum ax_relabel_action *out, struct ax_diag *diag)
{
    for (unsigned i = 0; i < AX_RELABEL_ACTION_N; i++)
        if (strlen(action_names[i]) == text.n && strncasecmp(action_names[i], text.p, text.n) == 0) {
            *out = (enum ax_relabel_action)i;
            return AX_OK;
        }
    return ax_fail(diag, AX_INVALID,
                   "unknown action \"" AX_STR_FMT
                   "\"; known are replace, keep, drop, hashmod, labelmap, labeldrop, "
                   "labelkeep, lowercase, uppercase, keepequal, dropequal",
                   AX_STR_ARG(text));
}

const char *ax_relabel_action_name(enum ax_relabel_action action)
{
    return (unsigned)action < AX_RELABEL_ACTION_N ? action_names[action] : "unknown";
}

static bool has_reference(struct ax_str s)
{
    return s.n && memchr(s.p, '$', s.n);
}

static bool takes_target(enum ax_relabel_action a)
{
    return a == AX_RELABEL_REPLACE || a == AX_RELABEL_HASHMOD || a == AX_RELABEL_LOWERCASE ||
           a == AX_RELABEL_UPPERCASE || a == AX_RELABEL_KEEPEQUAL || a == AX_RELABEL_DROPEQUAL;
}

static bool refuses_replacement(enum ax_relabel_action a)
{
    return a == AX_RELABEL_LOWERCASE || a == AX_RELABEL_UPPERCASE || a == AX_RELABEL_KEEPEQUAL ||
           a == AX_RELABEL_DROPEQUAL || a == AX_RELABEL_LABELDROP || a == AX_RELABEL_LABELKEEP;
}

/* Was a text given that is not the default anyway? */
static bool differs(struct ax_str given, const char *otherwise)
{
    return given.p && !ax_str_eq(given, ax_str(otherwise));
}

static enum ax_err check(const struct ax_relabel_spec *s, struct ax_diag *diag)
{
    const char *name = ax_relabel_action_name(s->action);
    bool equal = s->action == AX_RELABEL_KEEPEQUAL || s->action == AX_RELABEL_DROPEQUAL;
    bool by_name = s->action == AX_RELABEL_LABELDROP || s->action == AX_RELABEL_LABELKEEP;
    if (s->action == AX_RELABEL_HASHMOD && s->modulus == 0)
        return ax_fail(diag, AX_INVALID, "action hashmod needs a modulus above 0");
    if (takes_target(s->action) && s->target_label.n == 0)
        return ax_fail(diag, AX_INVALID, "action %s needs a target_label", name);
    if (takes_target(s->action) && !ax_str_utf8(s->target_label))
        return ax_fail(diag, AX_INVALID, "target_label is not UTF-8");
    if (differs(s->replacement, DEFAULT_REPLACEMENT) && refuses_replacement(s->action))
        return ax_fail(diag, AX_INVALID, "action %s takes no replacement", name);
    if (s->action == AX_RELABEL_LABELMAP && s->replacement.p && s->replacement.n == 0)
        return ax_fail(diag, AX_INVALID, "action labelmap needs a replacement that makes a label name");
    if (equal && (differs(s->regex, DEFAULT_REGEX) || differs(s->separator, DEFAULT_SEPARATOR) || s->modulus))
        return ax_fail(diag, AX_INVALID, "action %s takes source_labels and target_label only", name);
    if (by_name &&
        (s->source_labels_n || s->target_label.n || differs(s->separator, DEFAULT_SEPARATOR) || s->modulus))
        return ax_fail(diag, AX_INVALID, "action %s takes regex only", name);
    if (s->replacement.p && !ax_str_utf8(s->replacement))
        return ax_fail(diag, AX_INVALID, "replacement is not UTF-8");
    return AX_OK;
}

/* The text that was given, or the default; copied. False when out of memory. */
static bool take(struct ax_arena *arena, struct ax_str given, const char *otherwise, struct ax_str *out)
{
    *out = ax_arena_str(arena, given.p ? given : ax_str(otherwise));
    return out->p != NULL;
}

enum ax_err ax_relabel_init(struct ax_relabel *out, const struct ax_relabel_spec *spec,
                            struct ax_arena *arena, struct ax_diag *diag)
{
    enum ax_err err = check(spec, diag);
    if (err != AX_OK)
        return err;
    *out = (struct ax_relabel){.action = spec->action, .modulus = spec->modulus};
    struct ax_str pattern = spec->regex.p ? spec->regex : ax_str(DEFAULT_REGEX);
    err = ax_regex_in_arena(pattern, arena, &out->regex, diag);
    if (err != AX_OK)
        return err;
    struct ax_str *sources = ax_arena_array(arena, spec->source_labels_n, sizeof *sources);
    bool ok = sources && take(arena, spec->separator, DEFAULT_SEPARATOR, &out->separator) &&
              take(arena, spec->regex, DEFAULT_REGEX, &out->pattern) &&
              take(arena, spec->target_label, "", &out->target_label) &&
              take(arena, spec->replacement, DEFAULT_REPLACEMENT, &out->replacement);
    for (uint32_t i = 0; ok && i < spec->source_labels_n; i++)
        ok = take(arena, spec->source_labels[i], "", &sources[i]);
    out->source_labels = sources;
    out->source_labels_n = spec->source_labels_n;
    return ok ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory reading relabelling rules");
}

/* The labels while rules run over them: in any order, an empty value is an absent label. */
struct work {
    struct ax_arena *arena;
    struct ax_label *v;
    uint32_t n, cap;
    struct ax_buf joined, text;  /* scratch of one rule */
    struct ax_re2_group *groups; /* of the last match, room for those of any rule */
};

static struct ax_str get(const struct work *w, struct ax_str name)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (ax_str_eq(w->v[i].name, name))
            return w->v[i].value;
    return (struct ax_str){NULL, 0};
}

/* Set a label; name and value are copied when they are not the arena's already. */
static enum ax_err set(struct work *w, struct ax_str name, struct ax_str value)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (ax_str_eq(w->v[i].name, name)) {
            w->v[i].value = ax_arena_str(w->arena, value);
            return w->v[i].value.p ? AX_OK : AX_NOMEM;
        }
    if (value.n == 0)
        return AX_OK;
    if (w->n == w->cap) {
        struct ax_label *v = ax_arena_array(w->arena, (size_t)w->cap * 2 + 8, sizeof *v);
        if (!v)
            return AX_NOMEM;
        if (w->n)
            memcpy(v, w->v, w->n * sizeof *v);
        w->v = v;
        w->cap = w->cap * 2 + 8;
    }
    struct ax_label made = {ax_arena_str(w->arena, name), ax_arena_str(w->arena, value)};
    if (!made.name.p || !made.value.p)
        return AX_NOMEM;
    w->v[w->n++] = made;
    return AX_OK;
}

static enum ax_err replace(const struct ax_relabel *r, struct work *w, struct ax_str joined)
{
    bool matched = false;
    enum ax_err err = ax_regex_match(r->regex, joined, w->groups, &matched);
    if (err != AX_OK || !matched)
        return err;
    struct ax_str target = r->target_label;
    size_t target_n = 0;
    ax_buf_reset(&w->text);
    if (has_reference(target)) {
        ax_regex_expand(r->regex, w->groups, target, &w->text);
        target_n = w->text.n;
    }
    ax_regex_expand(r->regex, w->groups, r->replacement, &w->text);
    if (w->text.err != AX_OK)
        return w->text.err;
    struct ax_str all = ax_buf_view(&w->text);
    if (has_reference(r->target_label))
        target = (struct ax_str){all.p, target_n};
    if (target.n == 0)
        return AX_OK; /* no valid name: the rule does nothing */
    return set(w, target,
               all.n > target_n ? (struct ax_str){all.p + target_n, all.n - target_n} : (struct ax_str){0});
}

static enum ax_err hashmod(const struct ax_relabel *r, struct work *w, struct ax_str joined)
{
    uint8_t digest[16];
    ax_md5(joined.p, joined.n, digest);
    uint64_t last = 0;
    for (unsigned i = 8; i < 16; i++)
        last = last << 8 | digest[i];
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, last % r->modulus);
    return set(w, r->target_label, ax_str(text));
}

/* Copy the labels whose names match under a made name; labels made here are not looked at again. */
static enum ax_err labelmap(const struct ax_relabel *r, struct work *w)
{
    uint32_t n = w->n;
    for (uint32_t i = 0; i < n; i++) {
        bool matched = false;
        if (w->v[i].value.n == 0)
            continue;
        enum ax_err err = ax_regex_match(r->regex, w->v[i].name, w->groups, &matched);
        if (err != AX_OK)
            return err;
        if (!matched)
            continue;
        ax_buf_reset(&w->text);
        ax_regex_expand(r->regex, w->groups, r->replacement, &w->text);
        err = w->text.err != AX_OK ? w->text.err : AX_OK;
        if (err == AX_OK && w->text.n)
            err = set(w, ax_buf_view(&w->text), w->v[i].value);
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

/* labeldrop and labelkeep: remove the labels whose names match, or do not. */
static enum ax_err remove_names(const struct ax_relabel *r, struct work *w)
{
    for (uint32_t i = 0; i < w->n; i++) {
        bool matched = false;
        enum ax_err err = ax_regex_match(r->regex, w->v[i].name, NULL, &matched);
        if (err != AX_OK)
            return err;
        if (matched == (r->action == AX_RELABEL_LABELDROP))
            w->v[i].value.n = 0;
    }
    return AX_OK;
}

static locale_t utf8_locale;
static pthread_once_t utf8_once = PTHREAD_ONCE_INIT;

static void make_utf8_locale(void)
{
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Read the code point at p (valid UTF-8); returns its length. */
static size_t read_utf8(const char *p, size_t n, uint32_t *out)
{
    unsigned char c = (unsigned char)p[0];
    size_t len = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (len > n)
        len = 1;
    *out = len == 1 ? c : c & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        *out = *out << 6 | ((unsigned char)p[i] & 0x3Fu);
    return len;
}

static void write_utf8(struct ax_buf *b, uint32_t c)
{
    static const uint8_t lead[5] = {0, 0, 0xC0, 0xE0, 0xF0};
    unsigned len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    ax_buf_byte(b, (uint8_t)(lead[len] | c >> (6 * (len - 1))));
    for (unsigned i = len - 1; i > 0; i--)
        ax_buf_byte(b, (uint8_t)(0x80u | ((c >> (6 * (i - 1))) & 0x3Fu)));
}

/* lowercase and uppercase: each code point by Unicode's simple mapping. */
static enum ax_err change_case(const struct ax_relabel *r, struct work *w, struct ax_str joined)
{
    (void)pthread_once(&utf8_once, make_utf8_locale);
    ax_buf_reset(&w->text);
    for (size_t i = 0; i < joined.n;) {
        uint32_t c;
        i += read_utf8(joined.p + i, joined.n - i, &c);
        bool lower = r->action == AX_RELABEL_LOWERCASE;
        if (utf8_locale)
            c = (uint32_t)(lower ? towlower_l(c, utf8_locale) : towupper_l(c, utf8_locale));
        else if (c < 0x80)
            c = (uint32_t)(lower ? towlower(c) : towupper(c));
        write_utf8(&w->text, c);
    }
    return w->text.err != AX_OK ? w->text.err : set(w, r->target_label, ax_buf_view(&w->text));
}

static enum ax_err keep_or_drop(const struct ax_relabel *r, struct ax_str joined, bool *keep)
{
    bool matched = false;
    enum ax_err err = ax_regex_match(r->regex, joined, NULL, &matched);
    *keep = matched == (r->action == AX_RELABEL_KEEP);
    return err;
}

static enum ax_err apply_one(const struct ax_relabel *r, struct work *w, bool *keep)
{
    ax_buf_reset(&w->joined);
    for (uint32_t i = 0; i < r->source_labels_n; i++) {
        if (i)
            ax_buf_str(&w->joined, r->separator);
        ax_buf_str(&w->joined, get(w, r->source_labels[i]));
    }
    if (w->joined.err != AX_OK)
        return w->joined.err;
    struct ax_str joined = ax_buf_view(&w->joined);
    *keep = true;
    switch (r->action) {
    case AX_RELABEL_REPLACE:
        return replace(r, w, joined);
    case AX_RELABEL_KEEP:
    case AX_RELABEL_DROP:
        return keep_or_drop(r, joined, keep);
    case AX_RELABEL_HASHMOD:
        return hashmod(r, w, joined);
    case AX_RELABEL_LABELMAP:
        return labelmap(r, w);
    case AX_RELABEL_LABELDROP:
    case AX_RELABEL_LABELKEEP:
        return remove_names(r, w);
    case AX_RELABEL_LOWERCASE:
    case AX_RELABEL_UPPERCASE:
        return change_case(r, w, joined);
    case AX_RELABEL_KEEPEQUAL:
    case AX_RELABEL_DROPEQUAL:
        *keep = ax_str_eq(get(w, r->target_label), joined) == (r->action == AX_RELABEL_KEEPEQUAL);
        return AX_OK;
    case AX_RELABEL_ACTION_N:
        break;
    }
    AX_ASSERT(false); /* every action is above */
    return AX_INVALID;
}

enum ax_err ax_relabel_apply(const struct ax_relabel *rules, uint32_t n, const struct ax_labels *in,
                             struct ax_arena *arena, struct ax_labels *out)
{
    *out = (struct ax_labels){0, NULL};
    struct work w = {.arena = arena, .n = in->n, .cap = in->n + 8};
    w.v = ax_arena_array(arena, w.cap, sizeof *w.v);
    uint32_t groups = 0;
    for (uint32_t i = 0; i < n; i++)
        groups = ax_regex_groups(rules[i].regex) > groups ? ax_regex_groups(rules[i].regex) : groups;
    w.groups = ax_arena_array(arena, (size_t)groups + 1, sizeof *w.groups);
    if (!w.v || !w.groups)
        return AX_NOMEM;
    if (in->n)
        memcpy(w.v, in->v, in->n * sizeof *w.v);
    ax_buf_init(&w.joined, VALUE_BYTES_MAX);
    ax_buf_init(&w.text, VALUE_BYTES_MAX);
    bool keep = true;
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; err == AX_OK && keep && i < n; i++)
        err = apply_one(&rules[i], &w, &keep);
    if (err == AX_OK && keep) {
        err = ax_labels_canonical(w.v, &w.n, NULL);
        *out = (struct ax_labels){err == AX_OK ? w.n : 0, w.v};
    }
    ax_buf_done(&w.joined);
    ax_buf_done(&w.text);
    return err;
}
