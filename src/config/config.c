/* config.c: from bytes to an immutable config: YAML, reading, validation, hashes of the jobs. */
#include "config/config.h"

#include "base/buf.h"
#include "base/hash.h"
#include "config/builtin.h"
#include "config/dump.h"
#include "config/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1u << 20)
#define CONFIG_BYTES_MAX (64u << 20)

void ax_problem_add(struct ax_problems *p, struct ax_place place, bool warning, const char *fmt, ...)
{
    const uint32_t max = sizeof p->v / sizeof p->v[0];
    uint32_t i = p->n;
    va_list args;
    p->errors_n += !warning;
    while (i > 0 && (p->v[i - 1].place.line > place.line ||
                     (p->v[i - 1].place.line == place.line && p->v[i - 1].place.column > place.column)))
        i--;
    if (i == max)
        return;
    uint32_t moved = (p->n < max ? p->n : max - 1) - i;
    memmove(&p->v[i + 1], &p->v[i], moved * sizeof p->v[0]);
    p->n += p->n < max;
    p->v[i].place = place;
    p->v[i].warning = warning;
    va_start(args, fmt);
    (void)vsnprintf(p->v[i].text, sizeof p->v[i].text, fmt, args);
    va_end(args);
}

/* Length of the line break at p, one of those that libyaml knows (YAML 1.1, 4.2), or 0. */
static size_t break_width(const char *p, size_t left)
{
    if (*p == '\n')
        return 1;
    if (*p == '\r')
        return left > 1 && p[1] == '\n' ? 2 : 1;
    if (left > 1 && memcmp(p, "\xC2\x85", 2) == 0)
        return 2;
    return left > 2 && (memcmp(p, "\xE2\x80\xA8", 3) == 0 || memcmp(p, "\xE2\x80\xA9", 3) == 0) ? 3 : 0;
}

/* Byte offsets of the lines; free() them. NULL when out of memory. */
static size_t *index_lines(struct ax_str s, size_t *out_n)
{
    size_t n = 1;
    for (size_t i = 0; i < s.n; i++)
        n += break_width(s.p + i, s.n - i) > 0;
    size_t *lines = malloc(n * sizeof *lines);
    if (!lines)
        return NULL;
    lines[0] = 0;
    n = 1;
    for (size_t i = 0; i < s.n;) {
        size_t width = break_width(s.p + i, s.n - i);
        i += width ? width : 1;
        if (width)
            lines[n++] = i;
    }
    *out_n = n;
    return lines;
}

/* Say what libyaml could not read. */
static void yaml_problem(const yaml_parser_t *parser, struct ax_problems *problems)
{
    const yaml_mark_t *mark = &parser->problem_mark;
    struct ax_place place = {(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
    if (parser->context)
        ax_problem_add(problems, place, false, "not YAML: %s %s", parser->problem, parser->context);
    else
        ax_problem_add(problems, place, false, "not YAML: %s",
                       parser->problem ? parser->problem : "cannot be read");
}

/* Fill c from a loaded document. */
static enum ax_err read_document(yaml_document_t *doc, struct ax_str yaml, struct ax_config *c,
                                 struct ax_problems *problems)
{
    size_t lines_n = 0, *lines = index_lines(yaml, &lines_n);
    if (!lines)
        return AX_NOMEM;
    struct ax_reader r = {doc, yaml, lines, lines_n, &c->arena, problems, false};
    yaml_node_t *root = yaml_document_get_root_node(doc);
    ax_read_section(&r, root, &ax_schema_file, c);
    if (!r.nomem)
        ax_config_validate(&r, root, c);
    free(lines);
    return r.nomem ? AX_NOMEM : AX_OK;
}

/* Equal blocks, equal hashes: over the effective values, so that a comment or another order of keys changes
 * nothing and a changed global default does. */
static enum ax_err hash_jobs(struct ax_config *c)
{
    struct ax_job_config *jobs = ax_fresh(c->jobs);
    struct ax_buf text;
    ax_buf_init(&text, CONFIG_BYTES_MAX);
    for (uint32_t i = 0; i < c->jobs_n; i++) {
        ax_buf_reset(&text);
        ax_config_write_job(&jobs[i], &text);
        jobs[i].hash = ax_hash64(text.bytes, text.n, 0);
    }
    enum ax_err err = text.err;
    ax_buf_done(&text);
    return err;
}

/* One document, and nothing after it. */
static enum ax_err parse(yaml_parser_t *parser, struct ax_str yaml, struct ax_config *c,
                         struct ax_problems *problems)
{
    yaml_document_t doc, more;
    if (!yaml_parser_load(parser, &doc)) {
        yaml_problem(parser, problems);
        return AX_OK;
    }
    enum ax_err err = read_document(&doc, yaml, c, problems);
    yaml_document_delete(&doc);
    if (err != AX_OK || problems->errors_n)
        return err;
    if (!yaml_parser_load(parser, &more)) {
        yaml_problem(parser, problems);
        return AX_OK;
    }
    const yaml_node_t *second = yaml_document_get_root_node(&more);
    if (second)
        ax_problem_add(problems, ax_yaml_place(second, (struct ax_place){1, 1}), false,
                       "a second document begins here; the file must hold one");
    yaml_document_delete(&more);
    return problems->errors_n ? AX_OK : hash_jobs(c);
}

enum ax_err ax_config_parse(struct ax_str yaml, struct ax_config **out, struct ax_problems *problems)
{
    yaml_parser_t parser;
    *out = NULL;
    memset(problems, 0, sizeof *problems);
    if (yaml.n >= 3 && memcmp(yaml.p, "\xEF\xBB\xBF", 3) == 0)
        yaml = (struct ax_str){yaml.p + 3, yaml.n - 3};
    if (yaml.n > FILE_MAX) {
        ax_problem_add(problems, (struct ax_place){1, 1}, false, "the file is larger than 1 MiB");
        return AX_INVALID;
    }
    if (!ax_str_utf8(yaml)) {
        ax_problem_add(problems, (struct ax_place){1, 1}, false, "the file is not UTF-8");
        return AX_INVALID;
    }
    struct ax_config *c = calloc(1, sizeof *c);
    if (!c)
        return AX_NOMEM;
    ax_arena_init(&c->arena, CONFIG_BYTES_MAX);
    if (!yaml_parser_initialize(&parser)) {
        ax_config_free(c);
        return AX_NOMEM;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.n ? yaml.p : ""), yaml.n);
    enum ax_err err = parse(&parser, yaml, c, problems);
    yaml_parser_delete(&parser);
    if (err == AX_OK && problems->errors_n)
        err = AX_INVALID;
    if (err == AX_OK)
        *out = c;
    else
        ax_config_free(c);
    return err;
}

enum ax_err ax_config_load(const char *path, struct ax_config **out, struct ax_problems *problems)
{
    char why[128];
    if (path[0] == '\0')
        return ax_config_parse(ax_str(ax_config_builtin), out, problems);
    *out = NULL;
    memset(problems, 0, sizeof *problems);
    FILE *file = fopen(path, "re");
    if (!file) {
        ax_problem_add(problems, (struct ax_place){0, 0}, false, "cannot be opened: %s",
                       strerror_r(errno, why, sizeof why));
        return AX_IO;
    }
    /* One byte more than allowed, so that the parser sees that it is too long. */
    struct ax_buf text;
    ax_buf_init(&text, FILE_MAX + 4096);
    size_t n = 1;
    while (n > 0 && text.n <= FILE_MAX && ax_buf_reserve(&text, 4096)) {
        n = fread(text.bytes + text.n, 1, FILE_MAX + 1 - text.n < 4096 ? FILE_MAX + 1 - text.n : 4096, file);
        text.n += n;
    }
    enum ax_err err = text.err;
    if (ferror(file)) {
        ax_problem_add(problems, (struct ax_place){0, 0}, false, "cannot be read: %s",
                       strerror_r(errno, why, sizeof why));
        err = AX_IO;
    }
    (void)fclose(file);
    if (err == AX_OK)
        err = ax_config_parse(ax_buf_view(&text), out, problems);
    ax_buf_done(&text);
    return err;
}

void ax_config_free(struct ax_config *c)
{
    if (!c)
        return;
    /* The arena is part of what it frees with: take it out first. */
    struct ax_arena arena = c->arena;
    free(c);
    ax_arena_done(&arena);
}
