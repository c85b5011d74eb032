/* flags.c: a table of flags and one pass over the words. */
#include "app/flags.h"

#include "app/manual.h"
#include "base/memory.h"
#include "base/parse.h"

#include <string.h>

#define FLAGS_MAX 64

/* Bytes, or a share of the memory that there is. */
static enum ax_err parse_memory(struct ax_str s, uint64_t *out)
{
    int64_t percent = 0;
    if (s.n == 0 || s.p[s.n - 1] != '%')
        return ax_parse_bytes(s, out);
    enum ax_err err = ax_parse_i64((struct ax_str){s.p, s.n - 1}, &percent);
    if (err != AX_OK || percent < 1 || percent > 100)
        return AX_INVALID;
    *out = ax_memory_available() / 100 * (uint64_t)percent;
    return AX_OK;
}

static enum ax_err set_flag(const struct ax_flag *f, const char *text, struct ax_diag *diag)
{
    struct ax_str s = ax_str(text);
    enum ax_err err = AX_OK;
    int64_t number = 0;
    switch (f->type) {
    case AX_FLAG_STRING:
        *(const char **)f->out = text;
        break;
    case AX_FLAG_BOOL:
        *(bool *)f->out = strcmp(text, "true") == 0;
        err = strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? AX_OK : AX_INVALID;
        break;
    case AX_FLAG_DURATION:
        err = ax_parse_duration(s, f->out);
        break;
    case AX_FLAG_BYTES:
        err = ax_parse_bytes(s, f->out);
        break;
    case AX_FLAG_MEMORY:
        err = parse_memory(s, f->out);
        break;
    case AX_FLAG_COUNT:
        err = ax_parse_i64(s, &number);
        if (number < 0 || number > UINT32_MAX)
            err = AX_INVALID;
        else
            *(uint32_t *)f->out = (uint32_t)number;
        break;
    case AX_FLAG_LIST: {
        struct ax_flag_list *list = f->out;
        if (list->n == AX_FLAG_LIST_MAX)
            return ax_fail(diag, AX_LIMIT, "--%s is given more than %d times", f->name, AX_FLAG_LIST_MAX);
        list->v[list->n++] = text;
        break;
    }
    }
    static const char *const forms[] = {
        "text",           "true or false", "a duration such as 15s", "a size such as 32MiB", "4GiB or 80%",
        "a whole number", "text"};
    return err == AX_OK ? AX_OK
                        : ax_fail(diag, AX_INVALID, "--%s: '%s' is not %s", f->name, text, forms[f->type]);
}

static const struct ax_flag *find_flag(const struct ax_flag *flags, size_t n, struct ax_str name)
{
    for (size_t i = 0; i < n; i++)
        if (ax_str_eq(name, ax_str(flags[i].name)))
            return &flags[i];
    return NULL;
}

static enum ax_err unknown_flag(const struct ax_flag *flags, size_t n, struct ax_str name,
                                struct ax_diag *diag)
{
    const char *names[FLAGS_MAX];
    size_t names_n = 0;
    for (; names_n < n && names_n < FLAGS_MAX; names_n++)
        names[names_n] = flags[names_n].name;
    const char *near = ax_str_nearest(name, names, names_n);
    return ax_fail(diag, AX_INVALID, "unknown flag --" AX_STR_FMT "%s%s%s (--help lists them)",
                   AX_STR_ARG(name), near ? "; did you mean --" : "", near ? near : "", near ? "?" : "");
}

/* Read the flag in argv[*i], and its value from the next word where it has none of its own. */
static enum ax_err read_flag(const struct ax_flag *flags, size_t n, int argc, char **argv, int *i,
                             struct ax_diag *diag)
{
    const char *word = argv[*i] + (argv[*i][1] == '-' ? 2 : 1);
    const char *equals = strchr(word, '=');
    struct ax_str name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    const struct ax_flag *f = find_flag(flags, n, name);
    if (!f && name.n > 3 && memcmp(name.p, "no-", 3) == 0 && !equals) {
        f = find_flag(flags, n, (struct ax_str){name.p + 3, name.n - 3});
        if (f && f->type == AX_FLAG_BOOL)
            return set_flag(f, "false", diag);
        f = NULL;
    }
    if (!f)
        return unknown_flag(flags, n, name, diag);
    if (equals)
        return set_flag(f, equals + 1, diag);
    if (f->type == AX_FLAG_BOOL)
        return set_flag(f, "true", diag);
    if (*i + 1 >= argc)
        return ax_fail(diag, AX_INVALID, "--%s needs a value", f->name);
    return set_flag(f, argv[++*i], diag);
}

enum ax_err ax_flags_parse(const struct ax_flag *flags, size_t flags_n, int argc, char **argv,
                           const char **positional, int *positional_n, enum ax_help *help,
                           struct ax_diag *diag)
{
    *positional_n = 0;
    *help = AX_HELP_NONE;
    for (size_t i = 0; i < flags_n; i++) {
        enum ax_err err = flags[i].default_text ? set_flag(&flags[i], flags[i].default_text, diag) : AX_OK;
        if (err != AX_OK)
            return err;
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            *help = AX_HELP_TEXT;
        else if (strcmp(argv[i], "--help-man") == 0)
            *help = AX_HELP_MAN;
        if (*help)
            return AX_OK;
        if (argv[i][0] != '-' || argv[i][1] == '\0') {
            positional[(*positional_n)++] = argv[i];
            continue;
        }
        enum ax_err err = read_flag(flags, flags_n, argc, argv, &i, diag);
        if (err != AX_OK)
            return err;
    }
    return AX_OK;
}

/* A flag in the manual page. */
static void write_man(const struct ax_flag *f, FILE *to)
{
    const char *d = f->default_text;
    (void)fputs(".TP\n\\fB\\-\\-", to);
    ax_manual_text(f->name, to);
    (void)fputs(f->type == AX_FLAG_BOOL ? "\\fR\n" : "\\fR=\\fI...\\fR\n", to);
    ax_manual_text(f->help, to);
    if (d && *d) {
        (void)fputs(" (default: ", to);
        ax_manual_text(d, to);
        (void)fputs(")", to);
    }
    (void)fputs("\n", to);
}

void ax_flags_usage(const struct ax_flag *flags, size_t flags_n, const char *usage, enum ax_help help,
                    FILE *to)
{
    if (help == AX_HELP_MAN) {
        (void)fputs(".B ", to);
        ax_manual_text(usage, to);
        (void)fputs("\n", to);
        for (size_t i = 0; i < flags_n; i++)
            write_man(&flags[i], to);
        return;
    }
    (void)fprintf(to, "usage: %s\n\n", usage);
    for (size_t i = 0; i < flags_n; i++) {
        const char *d = flags[i].default_text;
        (void)fprintf(to, "  --%s%s\n        %s%s%s%s\n", flags[i].name,
                      flags[i].type == AX_FLAG_BOOL ? "" : "=...", flags[i].help,
                      d && *d ? " (default: " : "", d && *d ? d : "", d && *d ? ")" : "");
    }
}
