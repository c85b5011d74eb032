/* dump.c: walks the table beside the structs, as the reader does, the other way. */
#include "config/dump.h"

#include "base/parse.h"
#include "base/url.h"
#include "config/schema.h"

#include <inttypes.h>
#include <stdio.h>

#define SECRET AX_URL_SECRET

static void indent(struct ax_buf *out, int depth)
{
    ax_buf_printf(out, "%*s", depth * 2, "");
}

/* A string as a double-quoted scalar. */
static void write_quoted(struct ax_buf *out, struct ax_str s)
{
    ax_buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        if (ch == '"' || ch == '\\')
            ax_buf_printf(out, "\\%c", ch);
        else if (ch < 0x20 || ch == 0x7f)
            ax_buf_printf(out, "\\x%02X", ch);
        else
            ax_buf_byte(out, ch);
    }
    ax_buf_byte(out, '"');
}

/* A URL without the secrets that may stand in it. */
static void write_url(struct ax_buf *out, struct ax_str url)
{
    struct ax_buf text;
    ax_buf_init(&text, SIZE_MAX);
    ax_url_shown(url, &text);
    write_quoted(out, ax_buf_view(&text));
    if (text.err != AX_OK && out->err == AX_OK)
        out->err = text.err;
    ax_buf_done(&text);
}

static void write_duration(struct ax_buf *out, int64_t ms)
{
    char text[64];
    ax_format_duration(ms, text, sizeof text);
    ax_buf_str(out, ax_str(text));
}

static void write_number(struct ax_buf *out, const void *field)
{
    char text[40];
    double v;
    memcpy(&v, field, sizeof v);
    ax_format_double(v, text, sizeof text);
    ax_buf_str(out, ax_str(text));
}

static void write_word(struct ax_buf *out, const struct ax_key *key, const void *field)
{
    int i;
    bool yes;
    if (key->type == AX_KEY_BOOL) {
        memcpy(&yes, field, sizeof yes);
        ax_buf_str(out, ax_str(yes ? "true" : "false"));
        return;
    }
    memcpy(&i, field, sizeof i);
    if (key->type == AX_KEY_ENUM)
        ax_buf_str(out, ax_str(key->choices[i]));
    else
        ax_buf_str(out, ax_str(i < 0 ? "auto" : i ? "true" : "false"));
}

/* The text of a single value that has one. */
static void write_string(struct ax_buf *out, const struct ax_key *key, struct ax_str s)
{
    if (key->type == AX_KEY_SECRET)
        ax_buf_str(out, ax_str("\"" SECRET "\""));
    else if (key->type == AX_KEY_URL)
        write_url(out, s);
    else
        write_quoted(out, s);
}

static void write_single(struct ax_buf *out, const struct ax_key *key, const char *field)
{
    uint64_t wide;
    uint32_t narrow;
    int64_t ms;
    struct ax_str s;
    switch (key->type) {
    case AX_KEY_DURATION:
        memcpy(&ms, field, sizeof ms);
        write_duration(out, ms);
        return;
    case AX_KEY_COUNT:
        memcpy(&narrow, field, sizeof narrow);
        ax_buf_printf(out, "%" PRIu32, narrow);
        return;
    case AX_KEY_COUNT64:
        memcpy(&wide, field, sizeof wide);
        ax_buf_printf(out, "%" PRIu64, wide);
        return;
    case AX_KEY_NUMBER:
        write_number(out, field);
        return;
    case AX_KEY_BOOL:
    case AX_KEY_AUTO:
    case AX_KEY_ENUM:
        write_word(out, key, field);
        return;
    default:
        memcpy(&s, field, sizeof s); /* of struct ax_text: its first member */
        write_string(out, key, s);
        return;
    }
}

/* Pointer and count of a list. */
static const void *list_of(const struct ax_key *key, const char *base, uint32_t *n)
{
    const void *list;
    memcpy(&list, base + key->offset, sizeof list);
    memcpy(n, base + key->n_offset, sizeof *n);
    return list;
}

static void write_list(struct ax_buf *out, const struct ax_key *key, const char *base)
{
    uint32_t n;
    const void *list = list_of(key, base, &n);
    const struct ax_str *strings = list;
    const int64_t *durations = list;
    ax_buf_str(out, ax_str(" ["));
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            ax_buf_str(out, ax_str(", "));
        if (key->type == AX_KEY_STRINGS)
            write_quoted(out, strings[i]);
        else
            write_duration(out, durations[i]);
    }
    ax_buf_str(out, ax_str("]\n"));
}

static void write_map(struct ax_buf *out, const struct ax_key *key, const char *base, int depth)
{
    uint32_t n;
    struct ax_labels labels = {0, NULL};
    const void *list = NULL;
    if (key->type == AX_KEY_LABELS) {
        memcpy(&labels, base + key->offset, sizeof labels);
        n = labels.n;
    } else {
        list = list_of(key, base, &n);
    }
    const struct ax_http_field *headers = list;
    bool secret = key->type == AX_KEY_HEADERS || key->type == AX_KEY_SECRETS;
    const struct ax_feature_config *features = list;
    ax_buf_byte(out, '\n');
    for (uint32_t i = 0; i < n; i++) {
        if (secret && i && ax_str_eq(headers[i].name, headers[i - 1].name))
            continue; /* one more value, as secret as the first */
        indent(out, depth + 1);
        write_quoted(out, key->type == AX_KEY_LABELS ? labels.v[i].name
                          : secret                   ? headers[i].name
                                                     : features[i].name);
        ax_buf_str(out, ax_str(": "));
        write_quoted(out, key->type == AX_KEY_LABELS ? labels.v[i].value
                          : secret                   ? ax_str(SECRET)
                                                     : features[i].expr.text);
        ax_buf_byte(out, '\n');
    }
}

/* Is there something to write, or was the key not given and has no default? */
static bool is_given(const struct ax_key *key, const char *base)
{
    uint32_t n;
    uint64_t wide;
    bool present;
    struct ax_str s;
    switch (key->type) {
    case AX_KEY_INERT:
    case AX_KEY_REFUSED:
        return false;
    case AX_KEY_SECTION:
        if (!key->n_offset)
            return true;
        memcpy(&present, base + key->n_offset, sizeof present);
        return present;
    case AX_KEY_LABELS:
        memcpy(&n, base + key->offset + offsetof(struct ax_labels, n), sizeof n);
        return n > 0;
    case AX_KEY_STRINGS: /* an empty list may say something else than the default */
    case AX_KEY_SECTIONS:
    case AX_KEY_DURATIONS:
    case AX_KEY_HEADERS:
    case AX_KEY_SECRETS:
    case AX_KEY_FEATURES:
        memcpy(&n, base + key->n_offset, sizeof n);
        return n > 0 || (key->fallback && key->fallback[0] == '[');
    case AX_KEY_COUNT64:
        memcpy(&wide, base + key->offset, sizeof wide);
        return wide > 0;
    case AX_KEY_STRING:
    case AX_KEY_SECRET:
    case AX_KEY_URL:
    case AX_KEY_CHOICE:
    case AX_KEY_EXPR:
        memcpy(&s, base + key->offset, sizeof s);
        return s.p != NULL;
    default:
        return true;
    }
}

static void write_section(struct ax_buf *out, const struct ax_section *s, const char *base, int depth,
                          bool in_list);

/* "key: value" at a depth. */
static void write_key(struct ax_buf *out, const struct ax_key *key, const char *base, int depth)
{
    uint32_t n;
    ax_buf_printf(out, "%s:", key->name);
    switch (key->type) {
    case AX_KEY_SECTION:
        ax_buf_byte(out, '\n');
        write_section(out, key->section, base + key->offset, depth + 1, false);
        return;
    case AX_KEY_SECTIONS: {
        const char *list = list_of(key, base, &n);
        ax_buf_byte(out, '\n');
        for (uint32_t i = 0; i < n; i++)
            write_section(out, key->section, list + i * key->section->size, depth + 1, true);
        return;
    }
    case AX_KEY_STRINGS:
    case AX_KEY_DURATIONS:
        write_list(out, key, base);
        return;
    case AX_KEY_LABELS:
    case AX_KEY_HEADERS:
    case AX_KEY_SECRETS:
    case AX_KEY_FEATURES:
        write_map(out, key, base, depth);
        return;
    default:
        ax_buf_byte(out, ' ');
        write_single(out, key, base + key->offset);
        ax_buf_byte(out, '\n');
        return;
    }
}

/* Has a mapping anything to show? (basic_auth and the like have not, unless given.) */
static bool section_given(const struct ax_section *s, const char *base)
{
    for (size_t i = 0; i < s->keys_n; i++)
        if (is_given(&s->keys[i], base))
            return true;
    return false;
}

/* A mapping's keys; the first of a list's element goes on the line of its dash. */
static void write_section(struct ax_buf *out, const struct ax_section *s, const char *base, int depth,
                          bool in_list)
{
    for (size_t i = 0; i < s->keys_n; i++) {
        const struct ax_key *key = &s->keys[i];
        if (key->type == AX_KEY_INLINE) {
            write_section(out, key->section, base + key->offset, depth, false);
            continue;
        }
        if (!is_given(key, base) ||
            (key->type == AX_KEY_SECTION && !section_given(key->section, base + key->offset)))
            continue;
        indent(out, in_list ? depth - 1 : depth);
        if (in_list)
            ax_buf_str(out, ax_str("- "));
        in_list = false;
        write_key(out, key, base, depth);
    }
}

void ax_config_write(const struct ax_config *c, struct ax_buf *out)
{
    write_section(out, &ax_schema_file, (const char *)c, 0, false);
}

void ax_config_write_job(const struct ax_job_config *job, struct ax_buf *out)
{
    write_section(out, &ax_schema_job, (const char *)job, 0, false);
}
