/* text.c: where each byte of an expression stands in the file, through quotes, escapes and folded lines.
 *
 * YAML rewrites a scalar on the way in. Its visible bytes keep their order, though, so walking source and
 * text side by side, skipping what the source has more (quotes, backslashes, indentation), finds each. */
#include "config/reader.h"

struct ax_place ax_text_place(const struct ax_text *t, size_t column)
{
    if (t->text.n == 0 || !t->at || column == 0)
        return t->place;
    if (column <= t->text.n)
        return t->at[column - 1];
    struct ax_place last = t->at[t->text.n - 1];
    return (struct ax_place){last.line, last.column + 1};
}

/* A position that walks through the source, by bytes, lines and characters. */
struct cursor {
    size_t byte, line;
    uint32_t column;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void advance(const struct ax_reader *r, struct cursor *c)
{
    c->byte++;
    if (c->line + 1 < r->lines_n && c->byte >= r->lines[c->line + 1]) {
        c->line++;
        c->column = 0;
    } else if (c->byte < r->source.n && ((unsigned char)r->source.p[c->byte] & 0xC0) != 0x80) {
        c->column++;
    }
}

/* The cursor at a mark of libyaml, which counts characters. */
static struct cursor cursor_at(const struct ax_reader *r, const yaml_mark_t *mark)
{
    struct cursor c = {mark->line < r->lines_n ? r->lines[mark->line] : r->source.n, mark->line, 0};
    while (c.column < mark->column && c.byte < r->source.n && c.line == mark->line)
        advance(r, &c);
    return c;
}

bool ax_read_text(struct ax_reader *r, const yaml_node_t *node, struct ax_text *out)
{
    struct ax_str text = {(const char *)node->data.scalar.value, node->data.scalar.length};
    struct ax_place *at = ax_arena_array(r->arena, text.n, sizeof *at);
    *out = (struct ax_text){ax_arena_str(r->arena, text), ax_yaml_place(node, (struct ax_place){0, 0}), at};
    if (!at || !out->text.p)
        return false;
    struct cursor c = cursor_at(r, &node->start_mark), end = cursor_at(r, &node->end_mark);
    yaml_scalar_style_t style = node->data.scalar.style;
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE)
        while (c.byte < end.byte && c.line == node->start_mark.line)
            advance(r, &c); /* the indicator's line */
    else if (style != YAML_PLAIN_SCALAR_STYLE)
        advance(r, &c); /* the quote */
    for (size_t i = 0; i < text.n; i++) {
        struct cursor found = c;
        while (!is_space(text.p[i]) && found.byte < end.byte && r->source.p[found.byte] != text.p[i])
            advance(r, &found);
        if (found.byte < end.byte && !is_space(text.p[i]))
            c = found;
        at[i] = (struct ax_place){(uint32_t)c.line + 1, c.column + 1};
        bool spaces = is_space(text.p[i]) && c.byte < end.byte && is_space(r->source.p[c.byte]);
        if (c.byte < end.byte && (spaces || !is_space(text.p[i])))
            advance(r, &c);
    }
    return true;
}
