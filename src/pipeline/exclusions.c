/* exclusions.c: a list, the newest first. */
#include "pipeline/exclusions.h"

#include <stdlib.h>
#include <string.h>

static void free_one(struct ax_exclusion *e)
{
    ax_chooser_done(&e->chooser);
    free(e);
}

struct ax_exclusion *ax_exclusion_bare(const struct ax_lesson_range *range, struct ax_str selector)
{
    struct ax_exclusion *e = calloc(1, sizeof *e + selector.n);
    if (!e)
        return NULL;
    e->range = *range;
    e->selector_n = (uint32_t)selector.n;
    if (selector.n)
        memcpy(e->selector, selector.p, selector.n);
    return e;
}

enum ax_err ax_exclusion_new(const struct ax_lesson_range *range, struct ax_str selector,
                             struct ax_exclusion **out, struct ax_diag *diag)
{
    struct ax_exclusion *e = ax_exclusion_bare(range, selector);
    *out = NULL;
    if (!e)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_chooser_init(&e->chooser, selector, diag);
    if (err == AX_OK)
        *out = e;
    else
        free(e);
    return err;
}

void ax_exclusions_give(struct ax_exclusion *first, uint64_t id, struct ax_chooser *chooser)
{
    while (first && first->range.id != id)
        first = first->next;
    if (!first)
        return;
    first->chooser = *chooser;
    *chooser = (struct ax_chooser){0};
}

void ax_exclusions_free(struct ax_exclusion *first)
{
    while (first) {
        struct ax_exclusion *next = first->next;
        free_one(first);
        first = next;
    }
}

static void drop(struct ax_exclusion **at)
{
    struct ax_exclusion *e = *at;
    *at = e->next;
    free_one(e);
}

static bool too_many(const struct ax_exclusion *first)
{
    uint32_t n = 0;
    uint64_t text = 0;
    for (const struct ax_exclusion *e = first; e; e = e->next) {
        n++;
        text += e->selector_n;
    }
    return n > AX_EXCLUSIONS_MAX || text > AX_EXCLUSIONS_TEXT_MAX;
}

/* The one that ends first; of several the oldest. */
static struct ax_exclusion **ends_first(struct ax_exclusion **first)
{
    struct ax_exclusion **least = first;
    for (struct ax_exclusion **at = first; *at; at = &(*at)->next)
        if ((*at)->range.to_ms <= (*least)->range.to_ms)
            least = at;
    return least;
}

uint32_t ax_exclusions_add(struct ax_exclusion **first, struct ax_exclusion *e, int64_t since_ms)
{
    struct ax_exclusion **at = first;
    while (*at && (*at)->range.id > e->range.id) /* one that could not be taught at its time comes later */
        at = &(*at)->next;
    e->next = *at;
    *at = e;
    for (at = first; *at;)
        if ((*at)->range.to_ms < since_ms)
            drop(at);
        else
            at = &(*at)->next;
    uint32_t n = 0;
    for (; *first && too_many(*first); n++)
        drop(ends_first(first));
    return n;
}

bool ax_exclusions_has(const struct ax_exclusion *first, uint64_t id)
{
    while (first && first->range.id != id)
        first = first->next;
    return first != NULL;
}

void ax_exclusions_remove(struct ax_exclusion **first, uint64_t id)
{
    while (*first && (*first)->range.id != id)
        first = &(*first)->next;
    if (*first)
        drop(first);
}

void ax_exclusions_save(const struct ax_exclusion *first, struct ax_buf *out)
{
    for (const struct ax_exclusion *e = first; e; e = e->next) {
        ax_put_u8(out, 1);
        ax_put_u64(out, e->range.id);
        ax_put_i64(out, e->range.from_ms);
        ax_put_i64(out, e->range.to_ms);
        ax_put_str(out, (struct ax_str){e->selector, e->selector_n});
    }
    ax_put_u8(out, 0);
}

enum ax_err ax_exclusions_load(struct ax_exclusion **first, struct ax_bytes *in)
{
    struct ax_exclusion **end = first;
    uint64_t before = UINT64_MAX;
    while (ax_get_bool(in) && in->err == AX_OK) {
        struct ax_lesson_range range = {.id = ax_get_u64(in), .verdict = AX_LESSON_EXCLUDED};
        range.from_ms = ax_get_ms(in);
        range.to_ms = ax_get_ms(in);
        const struct ax_str selector = ax_get_str(in);
        if (in->err != AX_OK || range.id >= before || range.to_ms < range.from_ms ||
            selector.n > AX_EXCLUSIONS_TEXT_MAX)
            return ax_bytes_fail(in);
        const enum ax_err err = ax_exclusion_new(&range, selector, end, NULL);
        if (err != AX_OK)
            return err == AX_NOMEM ? err : ax_bytes_fail(in);
        before = range.id;
        end = &(*end)->next;
        if (too_many(*first))
            return ax_bytes_fail(in);
    }
    return in->err;
}
