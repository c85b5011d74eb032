/* want.c: selectors, their members, and interned sets of selector ids. */
#include "series/want.h"

#include "series/shard.h"

#include <stdlib.h>

static void free_selector(struct ax_selector *s)
{
    if (!s)
        return;
    free(s->tenant);
    free(s->members);
    free(s->view);
    free(s);
}

/* The lowest free id, the tables grown if there is none; -1 when out of memory. */
static int free_id(struct ax_want_table *t)
{
    for (uint32_t i = 0; i < t->selectors_n; i++) {
        if (!t->selectors[i])
            return (int)i;
    }
    uint32_t n = t->selectors_n + 1;
    struct ax_selector **selectors = realloc(t->selectors, n * sizeof(struct ax_selector *));
    if (!selectors)
        return -1;
    t->selectors = selectors;
    uint32_t *scratch = realloc(t->scratch, n * sizeof *scratch);
    if (!scratch)
        return -1;
    t->scratch = scratch;
    t->selectors[t->selectors_n] = NULL;
    return (int)t->selectors_n++;
}

int ax_want_add(struct ax_want_table *t, struct ax_str tenant, struct ax_matcher *const *matchers,
                uint32_t matchers_n, int64_t range_ms, struct ax_watch *watch)
{
    int id = free_id(t);
    struct ax_selector *s = id < 0 ? NULL : calloc(1, sizeof *s);
    if (s && tenant.n && !(s->tenant = malloc(tenant.n))) {
        free(s);
        s = NULL;
    }
    if (!s)
        return -1;
    if (tenant.n)
        memcpy(s->tenant, tenant.p, tenant.n);
    s->tenant_n = (uint32_t)tenant.n;
    s->matchers = matchers;
    s->matchers_n = matchers_n;
    s->range_ms = range_ms;
    s->watch = watch;
    t->selectors[id] = s;
    return id;
}

void ax_want_remove(struct ax_want_table *t, int id)
{
    free_selector(t->selectors[id]);
    t->selectors[id] = NULL;
}

bool ax_want_match(const struct ax_selector *s, struct ax_str tenant, const struct ax_labels *ls)
{
    if (!ax_str_eq(tenant, (struct ax_str){s->tenant, s->tenant_n}))
        return false;
    for (uint32_t i = 0; i < s->matchers_n; i++) {
        if (!ax_matcher_match(s->matchers[i], ls))
            return false;
    }
    return true;
}

bool ax_want_any(const struct ax_want_table *t, struct ax_str tenant, const struct ax_labels *ls)
{
    for (uint32_t i = 0; i < t->selectors_n; i++) {
        if (t->selectors[i] && ax_want_match(t->selectors[i], tenant, ls))
            return true;
    }
    return false;
}

static bool has_watch(const struct ax_wants *w, const struct ax_watch *watch)
{
    for (uint32_t i = 0; i < w->watches_n; i++) {
        if (w->watches[i] == watch)
            return true;
    }
    return false;
}

/* The interned set of n ids in t->scratch (rising), with one more reference. */
static bool intern(struct ax_want_table *t, uint32_t n, struct ax_wants **out)
{
    *out = NULL;
    if (n == 0)
        return true;
    for (struct ax_wants *w = t->sets; w; w = w->next) {
        if (w->ids_n == n && memcmp(w->ids, t->scratch, n * sizeof *w->ids) == 0) {
            w->refs++;
            *out = w;
            return true;
        }
    }
    struct ax_wants *w = malloc(sizeof *w + n * (sizeof(struct ax_watch *) + sizeof *w->ids));
    if (!w)
        return false;
    *w = (struct ax_wants){.next = t->sets, .refs = 1, .ids_n = n, .watches = (struct ax_watch **)(w + 1)};
    w->ids = (uint32_t *)(w->watches + n);
    memcpy(w->ids, t->scratch, n * sizeof *w->ids);
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_selector *s = t->selectors[w->ids[i]];
        if (s->range_ms > w->range_ms)
            w->range_ms = s->range_ms;
        if (s->watch && !has_watch(w, s->watch))
            w->watches[w->watches_n++] = s->watch;
    }
    t->sets = w;
    *out = w;
    return true;
}

bool ax_wants_of(struct ax_want_table *t, struct ax_str tenant, const struct ax_labels *ls,
                 struct ax_wants **out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->selectors_n; i++) {
        if (t->selectors[i] && ax_want_match(t->selectors[i], tenant, ls))
            t->scratch[n++] = i;
    }
    return intern(t, n, out);
}

bool ax_wants_with(struct ax_want_table *t, const struct ax_wants *old, uint32_t id, struct ax_wants **out)
{
    uint32_t n = 0;
    bool in = false;
    for (uint32_t i = 0; old && i < old->ids_n; i++) {
        if (!in && old->ids[i] >= id) {
            in = true;
            t->scratch[n++] = id;
        }
        if (old->ids[i] != id)
            t->scratch[n++] = old->ids[i];
    }
    if (!in)
        t->scratch[n++] = id;
    return intern(t, n, out);
}

bool ax_wants_without(struct ax_want_table *t, const struct ax_wants *old, uint32_t id, struct ax_wants **out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; old && i < old->ids_n; i++) {
        if (old->ids[i] != id)
            t->scratch[n++] = old->ids[i];
    }
    return intern(t, n, out);
}

void ax_wants_drop(struct ax_want_table *t, struct ax_wants *w)
{
    if (!w || --w->refs > 0)
        return;
    struct ax_wants **link = &t->sets;
    while (*link != w)
        link = &(*link)->next;
    *link = w->next;
    free(w);
}

bool ax_want_reserve(struct ax_want_table *t, const struct ax_wants *w)
{
    for (uint32_t i = 0; w && i < w->ids_n; i++) {
        struct ax_selector *s = t->selectors[w->ids[i]];
        if (s->members_n < s->members_cap)
            continue;
        uint32_t cap = s->members_cap ? s->members_cap * 2 : 16;
        struct ax_series **members = realloc(s->members, cap * sizeof(struct ax_series *));
        if (!members)
            return false;
        s->members = members;
        s->members_cap = cap;
    }
    return true;
}

void ax_want_join(struct ax_want_table *t, const struct ax_wants *w, struct ax_series *series)
{
    for (uint32_t i = 0; i < w->ids_n; i++) {
        struct ax_selector *s = t->selectors[w->ids[i]];
        uint32_t k = s->members_n++;
        s->epoch += k > 0 && s->members[k - 1]->ref > series->ref;
        for (; k > 0 && s->members[k - 1]->ref > series->ref; k--)
            s->members[k] = s->members[k - 1];
        s->members[k] = series;
    }
}

void ax_want_leave(struct ax_want_table *t, const struct ax_wants *w, const struct ax_series *series)
{
    for (uint32_t i = 0; i < w->ids_n; i++) {
        struct ax_selector *s = t->selectors[w->ids[i]];
        uint32_t n = 0;
        for (uint32_t k = 0; k < s->members_n; k++)
            if (s->members[k] != series)
                s->members[n++] = s->members[k];
        s->epoch += n != s->members_n;
        s->members_n = n;
    }
}

void ax_want_done(struct ax_want_table *t)
{
    for (uint32_t i = 0; i < t->selectors_n; i++)
        free_selector(t->selectors[i]);
    while (t->sets) {
        struct ax_wants *next = t->sets->next;
        free(t->sets);
        t->sets = next;
    }
    free(t->selectors);
    free(t->scratch);
    *t = (struct ax_want_table){0};
}
