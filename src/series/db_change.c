/* db_change.c: what changes the database's structure: selectors, new series, eviction. Everything here
 * holds `structure` exclusively, and a shard's lock around what the shard guards. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/pool.h"
#include "series/shard.h"

#include <stdlib.h>

static struct ax_series *new_series(const struct ax_labels *ls, struct ax_str tenant, struct ax_wants *wants)
{
    size_t bytes = ax_series_bytes(tenant.n);
    struct ax_series *s = ax_pool_take(bytes);
    if (!s)
        return NULL;
    memset(s, 0, bytes);
    s->labels = ax_labels_dup(ls);
    if (!s->labels) {
        ax_pool_give(s, bytes);
        return NULL;
    }
    s->wants = wants;
    s->tenant_n = (uint32_t)tenant.n;
    if (tenant.n)
        memcpy(s->tenant, tenant.p, tenant.n);
    return s;
}

static bool add_key(struct ax_db *db, struct ax_hash128 hash, struct ax_series *s, struct ax_ha_sender sender)
{
    bool known = ax_index_find(&db->index, hash) != NULL;
    bool ok = known || ax_index_add(&db->index, hash, s, sender);
    s->spellings += ok && !known;
    return ok;
}

static bool is_full(const struct ax_db *db)
{
    return ax_db_refuses_new(db) || ax_db_series_n(db) >= db->opt.series_max;
}

/* The series of a canonical key, made with this ref if it is not there; NULL with the reason in *fate. */
static struct ax_series *find_or_make(struct ax_db *db, uint64_t ref, struct ax_str tenant,
                                      struct ax_str canonical, const struct ax_labels *ls, enum ax_fate *fate)
{
    struct ax_hash128 hash = ax_db_hash(db, tenant, canonical);
    struct ax_shard *sh = ax_db_shard(db, hash);
    const struct ax_index_entry *known = ax_index_find(&db->index, hash);
    if (known)
        return known->series;
    *fate = AX_FATE_NOMEM;
    struct ax_wants *wants = NULL;
    if (!ax_wants_of(&db->wants, tenant, ls, &wants))
        return NULL;
    if (!wants) {
        *fate = AX_FATE_UNWANTED;
        return NULL;
    }
    struct ax_series *s = ax_want_reserve(&db->wants, wants) ? new_series(ls, tenant, wants) : NULL;
    if (!s) {
        ax_wants_drop(&db->wants, wants);
        return NULL;
    }
    s->ref = ref;
    s->shard = (uint8_t)(sh - db->shards);
    if (!add_key(db, hash, s, (struct ax_ha_sender){0, 0})) {
        ax_series_free(db, s);
        return NULL;
    }
    s->next = sh->series;
    sh->series = s;
    ax_want_join(&db->wants, wants, s);
    atomic_fetch_add(&db->series_n, 1);
    if (db->next_ref <= ref)
        db->next_ref = ref + 1;
    *fate = AX_FATE_WANTED;
    return s;
}

enum ax_fate ax_db_adopt(struct ax_db *db, struct ax_str tenant, const struct ax_append *a,
                         const struct ax_reading *reading)
{
    enum ax_fate fate = AX_FATE_WANTED;
    struct ax_buf canonical;
    ax_buf_init(&canonical, SIZE_MAX);
    ax_labels_key_write(&reading->labels, &canonical);
    struct ax_series *s = NULL;
    if (canonical.err != AX_OK)
        fate = AX_FATE_NOMEM;
    else if (!is_full(db))
        s = find_or_make(db, db->next_ref, tenant, ax_buf_view(&canonical), &reading->labels, &fate);
    else if (!(s = ax_db_find(db, tenant, ax_buf_view(&canonical))))
        fate = AX_FATE_FULL;
    if (s && !add_key(db, ax_db_look(db, tenant, a), s, reading->sender))
        fate = AX_FATE_NOMEM;
    if (fate == AX_FATE_FULL)
        ax_negative_add(&db->unwanted, ax_db_look(db, tenant, a), AX_FATE_FULL);
    ax_buf_done(&canonical);
    return fate;
}

void ax_series_empty(struct ax_db *db, struct ax_series *s)
{
    ax_ring_done(&s->ring);
    ax_series_drop_histograms(db, s);
    atomic_store_explicit(&s->next_sample, NULL, memory_order_relaxed);
}

/* A series takes a new ref: that of labels which were evicted and came back. */
static void renew(struct ax_db *db, struct ax_series *s, uint64_t ref)
{
    if (s->wants)
        ax_want_leave(&db->wants, s->wants, s);
    ax_series_empty(db, s);
    s->ref = ref;
    if (s->wants)
        ax_want_join(&db->wants, s->wants, s);
}

enum ax_err ax_db_define(struct ax_db *db, uint64_t ref, struct ax_str tenant, struct ax_str key,
                         struct ax_series **out)
{
    struct ax_arena arena;
    struct ax_buf canonical;
    struct ax_labels all, ls;
    enum ax_fate fate = AX_FATE_WANTED;
    *out = NULL;
    ax_arena_init(&arena, key.n * 64 + 65536);
    ax_buf_init(&canonical, SIZE_MAX);
    enum ax_err err = ax_labels_key_parse(key, &arena, &all, NULL);
    if (err == AX_OK)
        err = ax_labels_with(&all, db->opt.drop_labels, db->opt.drop_labels_n, NULL, 0, &arena, &ls);
    if (err == AX_OK) {
        ax_labels_key_write(&ls, &canonical);
        err = canonical.err;
    }
    if (err == AX_OK) {
        *out = find_or_make(db, ref, tenant, ax_buf_view(&canonical), &ls, &fate);
        err = fate == AX_FATE_NOMEM ? AX_NOMEM : AX_OK;
    }
    if (*out && (*out)->ref < ref)
        renew(db, *out, ref);
    if (*out && (*out)->ref > ref)
        *out = NULL;
    if (*out)
        atomic_store_explicit(&(*out)->defined, true, memory_order_relaxed);
    if (err == AX_OK && db->next_ref <= ref)
        db->next_ref = ref + 1;
    ax_buf_done(&canonical);
    ax_arena_done(&arena);
    return err == AX_INVALID ? AX_CORRUPT : err;
}

/* There may be room for series that there was none for. The trail may lead to them, and to such as are freed.
 */
static void has_room(struct ax_db *db)
{
    ax_negative_forget(&db->unwanted, AX_FATE_FULL);
    ax_trail_clear(&db->trail);
}

void ax_db_refuse_new(struct ax_db *db, bool refuse)
{
    if (refuse == ax_db_refuses_new(db))
        return;
    pthread_rwlock_wrlock(&db->structure);
    atomic_store(&db->refuses_new, refuse);
    if (!refuse)
        has_room(db);
    pthread_rwlock_unlock(&db->structure);
}

static int by_ref(const void *a, const void *b)
{
    const struct ax_series *x = *(struct ax_series *const *)a, *y = *(struct ax_series *const *)b;
    return (x->ref > y->ref) - (x->ref < y->ref);
}

/* Replace what wants a series. */
static void set_wants(struct ax_db *db, struct ax_series *s, struct ax_wants *wants)
{
    struct ax_wants *old = s->wants;
    s->wants = wants;
    ax_wants_drop(&db->wants, old);
}

/* Make every known series that a new selector matches its member. */
static bool enlist(struct ax_db *db, uint32_t id)
{
    struct ax_selector *sel = db->wants.selectors[id];
    struct ax_str tenant = {sel->tenant, sel->tenant_n};
    for (uint32_t i = 0; i < AX_SHARDS; i++) {
        for (struct ax_series *s = db->shards[i].series; s; s = s->next) {
            struct ax_wants *wants = NULL, just = {.ids_n = 1, .ids = &id};
            if (!ax_str_eq(tenant, (struct ax_str){s->tenant, s->tenant_n}) ||
                !ax_want_match(sel, tenant, s->labels))
                continue;
            if (!ax_want_reserve(&db->wants, &just) || !ax_wants_with(&db->wants, s->wants, id, &wants))
                return false;
            set_wants(db, s, wants);
            sel->members[sel->members_n++] = s; /* in no order yet */
            pthread_mutex_lock(&db->shards[i].lock);
            int64_t newest = ax_series_newest(s);
            pthread_mutex_unlock(&db->shards[i].lock);
            if (sel->watch && newest > atomic_load(&sel->watch->newest_ms))
                atomic_store(&sel->watch->newest_ms, newest);
        }
    }
    if (sel->members_n)
        qsort(sel->members, sel->members_n, sizeof(struct ax_series *), by_ref);
    return true;
}

/* Take a selector out of the wants of all series. Without the memory for a smaller set the series is wanted
 * by nobody: the next eviction forgets it and its next sample makes it anew. */
static void discharge(struct ax_db *db, uint32_t id)
{
    for (uint32_t i = 0; i < AX_SHARDS; i++) {
        for (struct ax_series *s = db->shards[i].series; s; s = s->next) {
            struct ax_wants *wants = NULL;
            bool in = false;
            for (uint32_t k = 0; s->wants && k < s->wants->ids_n; k++)
                in = in || s->wants->ids[k] == id;
            if (!in)
                continue;
            if (!ax_wants_without(&db->wants, s->wants, id, &wants))
                wants = NULL;
            set_wants(db, s, wants);
        }
    }
    ax_want_remove(&db->wants, (int)id);
}

int ax_db_add_selector(struct ax_db *db, struct ax_str tenant, struct ax_matcher *const *matchers,
                       uint32_t matchers_n, int64_t range_ms, struct ax_watch *watch)
{
    pthread_rwlock_wrlock(&db->structure);
    int id = ax_want_add(&db->wants, tenant, matchers, matchers_n, range_ms, watch);
    if (id >= 0 && !enlist(db, (uint32_t)id)) {
        discharge(db, (uint32_t)id);
        id = -1;
    }
    if (id >= 0) { /* what nobody wanted may be wanted now */
        ax_negative_clear(&db->unwanted);
        ax_trail_clear(&db->trail);
    }
    pthread_rwlock_unlock(&db->structure);
    return id;
}

void ax_db_remove_selector(struct ax_db *db, int selector)
{
    pthread_rwlock_wrlock(&db->structure);
    discharge(db, (uint32_t)selector);
    ax_negative_forget(&db->unwanted, AX_FATE_OWN); /* it may have been of a job that is gone */
    ax_trail_clear(&db->trail);
    pthread_rwlock_unlock(&db->structure);
}

static bool is_gone(const struct ax_series *s)
{
    return s->gone;
}

/* Mark the series of a shard that are to go; returns how many. */
static uint32_t mark(struct ax_shard *sh, int64_t before_ms)
{
    uint32_t n = 0;
    pthread_mutex_lock(&sh->lock);
    for (struct ax_series *s = sh->series; s; s = s->next) {
        s->gone = !s->wants || ax_series_newest(s) < before_ms;
        n += s->gone;
    }
    pthread_mutex_unlock(&sh->lock);
    return n;
}

/* Free the marked series of a shard, which no key names any more. */
static void sweep(struct ax_db *db, struct ax_shard *sh)
{
    pthread_mutex_lock(&sh->lock);
    for (struct ax_series **link = &sh->series; *link;) {
        struct ax_series *s = *link;
        if (s->gone) {
            *link = s->next;
            ax_series_free(db, s);
        } else {
            link = &s->next;
        }
    }
    pthread_mutex_unlock(&sh->lock);
}

/* Take the marked series out of a selector's members. */
static void dismiss(struct ax_selector *sel)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < sel->members_n; i++) {
        if (!sel->members[i]->gone)
            sel->members[n++] = sel->members[i];
    }
    sel->epoch += n != sel->members_n;
    sel->members_n = n;
}

uint32_t ax_db_evict(struct ax_db *db, int64_t before_ms)
{
    uint32_t n = 0;
    pthread_rwlock_wrlock(&db->structure);
    for (uint32_t i = 0; i < AX_SHARDS; i++)
        n += mark(&db->shards[i], before_ms);
    if (n) {
        for (uint32_t i = 0; i < db->wants.selectors_n; i++) {
            if (db->wants.selectors[i])
                dismiss(db->wants.selectors[i]);
        }
        ax_index_remove(&db->index, is_gone);
        for (uint32_t i = 0; i < AX_SHARDS; i++)
            sweep(db, &db->shards[i]);
        atomic_fetch_sub(&db->series_n, n);
        db->evictions++;
        has_room(db);
    }
    pthread_rwlock_unlock(&db->structure);
    return n;
}

/* Bring the reader's copy of a selector's members up to date; it stays shorter when out of memory. */
static void refresh_view(struct ax_selector *sel)
{
    uint32_t from = sel->view_epoch == sel->epoch ? sel->view_n : 0;
    uint32_t n = sel->members_n;
    if (n > sel->view_cap) {
        uint32_t cap = sel->members_cap;
        struct ax_series **view = realloc(sel->view, cap * sizeof(struct ax_series *));
        if (view) {
            sel->view = view;
            sel->view_cap = cap;
        }
        n = n < sel->view_cap ? n : sel->view_cap;
    }
    if (n > from)
        memcpy(sel->view + from, sel->members + from, (n - from) * sizeof(struct ax_series *));
    sel->view_n = n;
    sel->view_epoch = sel->epoch;
}

struct ax_series *const *ax_db_members(struct ax_db *db, int selector, uint32_t *out_n, uint64_t *out_epoch)
{
    pthread_rwlock_rdlock(&db->structure);
    struct ax_selector *sel = db->wants.selectors[selector];
    refresh_view(sel);
    pthread_rwlock_unlock(&db->structure);
    *out_n = sel->view_n;
    *out_epoch = sel->view_epoch;
    return sel->view;
}
