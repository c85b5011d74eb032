/* want.h: what the selectors want: the members of each, and the shared sets of wants of the series.
 *
 * Thousands of series are wanted by the same few selectors, so a series points at one interned set. Not
 * locked: everything here is changed under the database's exclusive lock; see series/shard.h for readers. */
#ifndef AX_SERIES_WANT_H
#define AX_SERIES_WANT_H

#include "series/db.h"

/* One want. members belongs to the writers, view to the selector's one reader. */
struct ax_selector {
    char *tenant;
    uint32_t tenant_n, matchers_n;
    struct ax_matcher *const *matchers;
    int64_t range_ms;
    struct ax_watch *watch;
    struct ax_series **members, **view;
    uint32_t members_n, members_cap, view_n, view_cap;
    uint64_t epoch, view_epoch;
};

/* The selectors that want a series: ids rising, their distinct watches, the longest of their ranges. */
struct ax_wants {
    struct ax_wants *next;
    uint32_t refs, ids_n, watches_n;
    int64_t range_ms;
    uint32_t *ids;
    struct ax_watch **watches;
};

/* All of it. selectors[i] is NULL for a free id. */
struct ax_want_table {
    struct ax_selector **selectors;
    uint32_t selectors_n;
    struct ax_wants *sets;
    uint32_t *scratch; /* ids, room for selectors_n */
};

/* Add a selector without members; returns its id, or -1 when out of memory. */
int ax_want_add(struct ax_want_table *t, struct ax_str tenant, struct ax_matcher *const *matchers,
                uint32_t matchers_n, int64_t range_ms, struct ax_watch *watch);

/* Free a selector's id; no set may mention it any more. */
void ax_want_remove(struct ax_want_table *t, int id);

/* Does a selector want series with these labels? */
bool ax_want_match(const struct ax_selector *s, struct ax_str tenant, const struct ax_labels *ls);

/* Does any? */
bool ax_want_any(const struct ax_want_table *t, struct ax_str tenant, const struct ax_labels *ls);

/* Make the set of all selectors that want these labels. False when out of memory; *out is NULL when none
 * wants them. The set is the caller's to ax_wants_drop(). */
bool ax_wants_of(struct ax_want_table *t, struct ax_str tenant, const struct ax_labels *ls,
                 struct ax_wants **out);

/* The set `old` (may be NULL) with an id added; as ax_wants_of(). `old` stays the caller's. */
bool ax_wants_with(struct ax_want_table *t, const struct ax_wants *old, uint32_t id, struct ax_wants **out);

/* The same without an id. */
bool ax_wants_without(struct ax_want_table *t, const struct ax_wants *old, uint32_t id,
                      struct ax_wants **out);

/* Give a set back; NULL is fine. */
void ax_wants_drop(struct ax_want_table *t, struct ax_wants *w);

/* Room for one more member of each selector of the set, so that ax_want_join() cannot fail. */
bool ax_want_reserve(struct ax_want_table *t, const struct ax_wants *w);

/* Make a series a member of each selector of the set: at the end, or where its ref belongs. */
void ax_want_join(struct ax_want_table *t, const struct ax_wants *w, struct ax_series *series);

/* Take a series out of the members of each selector of the set. */
void ax_want_leave(struct ax_want_table *t, const struct ax_wants *w, const struct ax_series *series);

/* Free everything. */
void ax_want_done(struct ax_want_table *t);

#endif
