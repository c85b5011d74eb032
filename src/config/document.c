/* document.c: from bytes to a YAML document with a reader on it. */
#include "config/document.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1u << 20)

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

/* Whether there is a tab in the white space that a line (from 0) begins with. */
static bool tab_begins(struct ax_str yaml, size_t line)
{
    size_t i = 0;
    for (; line > 0 && i < yaml.n; i++)
        line -= yaml.p[i] == '\n';
    while (i < yaml.n && yaml.p[i] == ' ')
        i++;
    return i < yaml.n && yaml.p[i] == '\t';
}

/* What is most often the matter where libyaml stopped. */
static const char *likely_cause(const yaml_parser_t *parser, struct ax_str yaml)
{
    static const char *const indents[] = {"block collection", "block mapping"};
    if (tab_begins(yaml, parser->problem_mark.line))
        return " (there is a tab: YAML is indented with spaces)";
    const char *said[] = {parser->problem ? parser->problem : "", parser->context ? parser->context : ""};
    for (size_t i = 0; i < sizeof indents / sizeof *indents; i++)
        if (strstr(said[0], indents[i]) || strstr(said[1], indents[i]))
            return " (is this line, or the one before it, indented as its neighbours are?)";
    return "";
}

/* Say what libyaml could not read. */
static void yaml_problem(const yaml_parser_t *parser, struct ax_str yaml, struct ax_problems *problems)
{
    const yaml_mark_t *mark = &parser->problem_mark;
    struct ax_place place = {(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
    ax_problem_add(problems, place, false, "not YAML: %s%s%s%s",
                   parser->problem ? parser->problem : "cannot be read", parser->context ? " " : "",
                   parser->context ? parser->context : "", likely_cause(parser, yaml));
}

/* Hand a loaded document to take. */
static enum ax_err read_document(yaml_document_t *doc, struct ax_str yaml, struct ax_arena *arena,
                                 struct ax_problems *problems, ax_document_fn *take, void *ctx)
{
    size_t lines_n = 0, *lines = index_lines(yaml, &lines_n);
    if (!lines)
        return AX_NOMEM;
    struct ax_reader r = {doc, yaml, lines, lines_n, arena, problems, false};
    take(ctx, &r, yaml_document_get_root_node(doc));
    free(lines);
    return r.nomem ? AX_NOMEM : AX_OK;
}

/* One document, and nothing after it. */
static enum ax_err parse(yaml_parser_t *parser, struct ax_str yaml, struct ax_arena *arena,
                         struct ax_problems *problems, ax_document_fn *take, void *ctx)
{
    yaml_document_t doc, more;
    if (!yaml_parser_load(parser, &doc)) {
        yaml_problem(parser, yaml, problems);
        return AX_INVALID;
    }
    enum ax_err err = read_document(&doc, yaml, arena, problems, take, ctx);
    yaml_document_delete(&doc);
    if (err != AX_OK || problems->errors_n)
        return err == AX_OK ? AX_INVALID : err;
    if (!yaml_parser_load(parser, &more)) {
        yaml_problem(parser, yaml, problems);
        return AX_INVALID;
    }
    const yaml_node_t *second = yaml_document_get_root_node(&more);
    if (second)
        ax_problem_add(problems, ax_yaml_place(second, (struct ax_place){1, 1}), false,
                       "a second document begins here; the file must hold one");
    yaml_document_delete(&more);
    return problems->errors_n ? AX_INVALID : AX_OK;
}

enum ax_err ax_document_parse(struct ax_str yaml, struct ax_arena *arena, struct ax_problems *problems,
                              ax_document_fn *take, void *ctx)
{
    yaml_parser_t parser;
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
    if (!yaml_parser_initialize(&parser))
        return AX_NOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(yaml.n ? yaml.p : ""), yaml.n);
    enum ax_err err = parse(&parser, yaml, arena, problems, take, ctx);
    yaml_parser_delete(&parser);
    return err;
}

enum ax_err ax_document_load(const char *path, struct ax_buf *out, struct ax_problems *problems)
{
    char why[128];
    memset(problems, 0, sizeof *problems);
    ax_buf_init(out, FILE_MAX + 4096);
    FILE *file = fopen(path, "re");
    if (!file) {
        ax_problem_add(problems, (struct ax_place){0, 0}, false, "cannot be opened: %s",
                       strerror_r(errno, why, sizeof why));
        return AX_IO;
    }
    /* One byte more than allowed, so that the parser sees that it is too long. */
    size_t n = 1;
    while (n > 0 && out->n <= FILE_MAX && ax_buf_reserve(out, 4096)) {
        n = fread(out->bytes + out->n, 1, FILE_MAX + 1 - out->n < 4096 ? FILE_MAX + 1 - out->n : 4096, file);
        out->n += n;
    }
    enum ax_err err = out->err;
    if (ferror(file)) {
        ax_problem_add(problems, (struct ax_place){0, 0}, false, "cannot be read: %s",
                       strerror_r(errno, why, sizeof why));
        err = AX_IO;
    }
    (void)fclose(file);
    return err;
}
