/* labels.c: operations on label sets; the spellings are in labels_text.c and labels_key.c. */
#include "prom/labels.h"

#include "base/hash.h"

#include <stdlib.h>

/* Up to here insertion sort, which is linear for labels that come sorted, as they do. */
#define INSERTION_MAX 32

struct ax_str ax_labels_get(const struct ax_labels *ls, struct ax_str name)
{
    for (uint32_t i = 0; i < ls->n; i++)
        if (ax_str_eq(ls->v[i].name, name))
            return ls->v[i].value;
    return (struct ax_str){NULL, 0};
}

bool ax_labels_eq(const struct ax_labels *a, const struct ax_labels *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!ax_str_eq(a->v[i].name, b->v[i].name) || !ax_str_eq(a->v[i].value, b->v[i].value))
            return false;
    return true;
}

int ax_labels_cmp(const struct ax_labels *a, const struct ax_labels *b)
{
    uint32_t n = a->n < b->n ? a->n : b->n;
    for (uint32_t i = 0; i < n; i++) {
        int c = ax_str_cmp(a->v[i].name, b->v[i].name);
        if (c == 0)
            c = ax_str_cmp(a->v[i].value, b->v[i].value);
        if (c)
            return c;
    }
    return (a->n > b->n) - (a->n < b->n);
}

uint64_t ax_labels_hash(const struct ax_labels *ls, uint64_t seed)
{
    uint64_t h = seed; /* each piece is seeded by all before it, which separates them */
    for (uint32_t i = 0; i < ls->n; i++) {
        h = ax_hash64(ls->v[i].name.p, ls->v[i].name.n, h);
        h = ax_hash64(ls->v[i].value.p, ls->v[i].value.n, h);
    }
    return h;
}

/* Copy pairs and their bytes into v and text, which are large enough; returns the end of the text. */
static char *copy_pairs(struct ax_label *v, char *text, const struct ax_label *from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_str in[2] = {from[i].name, from[i].value};
        struct ax_str out[2];
        for (int k = 0; k < 2; k++) {
            if (in[k].n)
                memcpy(text, in[k].p, in[k].n);
            out[k] = (struct ax_str){text, in[k].n};
            text += in[k].n;
        }
        v[i] = (struct ax_label){out[0], out[1]};
    }
    return text;
}

static size_t pairs_bytes(const struct ax_label *v, uint32_t n)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += v[i].name.n + v[i].value.n;
    return bytes;
}

struct ax_labels *ax_labels_dup(const struct ax_labels *ls)
{
    struct ax_labels *copy = malloc(sizeof *copy + ls->n * sizeof *ls->v + pairs_bytes(ls->v, ls->n));
    if (!copy)
        return NULL;
    struct ax_label *v = (struct ax_label *)(copy + 1);
    copy_pairs(v, (char *)(v + ls->n), ls->v, ls->n);
    *copy = (struct ax_labels){ls->n, v};
    return copy;
}

bool ax_labels_copy(struct ax_arena *arena, const struct ax_labels *ls, struct ax_labels *out)
{
    struct ax_label *v = ax_arena_array(arena, ls->n, sizeof *v);
    char *text = ax_arena_alloc(arena, pairs_bytes(ls->v, ls->n));
    if (!v || !text)
        return false;
    copy_pairs(v, text, ls->v, ls->n);
    *out = (struct ax_labels){ls->n, v};
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct ax_label *x = a, *y = b;
    return ax_str_cmp(x->name, y->name);
}

static void sort_by_name(struct ax_label *v, uint32_t n)
{
    if (n > INSERTION_MAX) {
        qsort(v, n, sizeof *v, by_name);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        struct ax_label moved = v[i];
        uint32_t k = i;
        for (; k > 0 && ax_str_cmp(v[k - 1].name, moved.name) > 0; k--)
            v[k] = v[k - 1];
        v[k] = moved;
    }
}

/* A name for an error text: short, and empty when it is not printable as UTF-8. */
static struct ax_str shown(struct ax_str name)
{
    if (!ax_str_utf8(name))
        return (struct ax_str){"", 0};
    if (name.n > 100)
        for (name.n = 100; ((unsigned char)name.p[name.n] & 0xC0) == 0x80;)
            name.n--; /* whole code points */
    return name;
}

enum ax_err ax_labels_canonical(struct ax_label *v, uint32_t *n, struct ax_diag *diag)
{
    sort_by_name(v, *n);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++) {
        struct ax_str name = v[i].name;
        if (name.n == 0)
            return ax_fail(diag, AX_INVALID, "a label name is empty");
        if (!ax_str_utf8(name))
            return ax_fail(diag, AX_INVALID, "a label name is not UTF-8");
        if (!ax_str_utf8(v[i].value))
            return ax_fail(diag, AX_INVALID, "the value of label \"" AX_STR_FMT "\" is not UTF-8",
                           AX_STR_ARG(shown(name)));
        if (i > 0 && ax_str_eq(v[i - 1].name, name))
            return ax_fail(diag, AX_INVALID, "label \"" AX_STR_FMT "\" is there twice",
                           AX_STR_ARG(shown(name)));
    }
    for (uint32_t i = 0; i < *n; i++)
        if (v[i].value.n)
            v[kept++] = v[i];
    *n = kept;
    return AX_OK;
}

static bool has_name(const struct ax_label *v, uint32_t from, uint32_t n, struct ax_str name)
{
    for (uint32_t i = from; i < n; i++)
        if (ax_str_eq(v[i].name, name))
            return true;
    return false;
}

static bool in_names(const struct ax_str *names, uint32_t n, struct ax_str name)
{
    for (uint32_t i = 0; i < n; i++)
        if (ax_str_eq(names[i], name))
            return true;
    return false;
}

enum ax_err ax_labels_with(const struct ax_labels *base, const struct ax_str *drop, uint32_t drop_n,
                           const struct ax_label *add, uint32_t add_n, struct ax_arena *arena,
                           struct ax_labels *out)
{
    struct ax_label *v = ax_arena_array(arena, (size_t)base->n + add_n, sizeof *v);
    if (!v)
        return AX_NOMEM;
    uint32_t n = 0;
    for (uint32_t i = 0; i < base->n; i++) {
        struct ax_str name = base->v[i].name;
        if (!in_names(drop, drop_n, name) && !has_name(add, 0, add_n, name))
            v[n++] = base->v[i];
    }
    for (uint32_t i = 0; i < add_n; i++)
        if (add[i].value.n && !has_name(add, i + 1, add_n, add[i].name)) /* the last of a name counts */
            v[n++] = add[i];
    sort_by_name(v, n);
    char *text = ax_arena_alloc(arena, pairs_bytes(v, n));
    if (!text)
        return AX_NOMEM;
    copy_pairs(v, text, v, n);
    *out = (struct ax_labels){n, v};
    return AX_OK;
}

static bool is_name(struct ax_str s, bool colons)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return s.n > 0;
}

bool ax_name_is_metric(struct ax_str s)
{
    return is_name(s, true);
}

bool ax_name_is_label(struct ax_str s)
{
    return is_name(s, false);
}
