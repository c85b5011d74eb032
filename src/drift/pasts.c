/* pasts.c: copies of the members of pools. */
#include "drift/pasts.h"

#include "drift/gathered.h"
#include "drift/score.h"

#include <stdlib.h>
#include <string.h>

/* The pool of a feature; the values of its members are in the block behind the name. */
struct past {
    struct past *next;
    struct ax_drift_pool pool;
    struct ax_drift_reference *made; /* NULL: it is yet to be made of the pool */
    uint32_t coarse_steps;
    size_t name_n;
    char *name;
};

struct ax_drift_pasts {
    struct ax_drift_spec spec; /* complete */
    struct past *first, **end;
    uint32_t n;
    uint64_t bytes;
};

struct ax_drift_pasts *ax_drift_pasts_new(const struct ax_drift_spec *spec)
{
    struct ax_drift_pasts *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->spec = ax_drift_spec_complete(spec);
    p->end = &p->first;
    return p;
}

void ax_drift_pasts_free(struct ax_drift_pasts *p)
{
    if (!p)
        return;
    for (struct past *past = p->first, *next; past; past = next) {
        next = past->next;
        free(past->made);
        free(past);
    }
    free(p);
}

/* Let a pool of a copy have as much as a reference is made of; returns how many floats that are. */
static size_t cut(const struct ax_drift_pasts *p, struct ax_drift_pool *pool)
{
    uint32_t told = 0;
    size_t floats = 0;
    for (uint32_t i = 0; i < pool->n; i++) {
        struct ax_drift_member *m = &pool->members[i];
        const uint32_t kept = m->n < p->spec.reference_n ? m->n : p->spec.reference_n;
        if (m->v)
            m->v += m->n - kept;
        m->n = kept;
        /* Of others it is only asked how long it is. */
        if (m->coarse && (!ax_gathered_moves(m, p->spec.reference_n) || told++ >= AX_DRIFT_LEVEL_MEMBERS))
            m->coarse = NULL;
        floats += kept + (m->coarse ? m->coarse_n : 0);
    }
    return floats;
}

static const float *copy(float **to, const float *from, size_t n)
{
    float *at = *to;
    if (!from || n == 0)
        return NULL;
    memcpy(at, from, n * sizeof *at);
    *to += n;
    return at;
}

static void append(struct ax_drift_pasts *p, struct past *past, struct ax_str name, uint64_t bytes)
{
    memcpy(past->name, name.p, name.n);
    *p->end = past;
    p->end = &past->next;
    p->n++;
    p->bytes += bytes;
}

enum ax_err ax_drift_pasts_add(struct ax_drift_pasts *p, struct ax_str name, const struct ax_drift_pool *pool,
                               uint32_t coarse_steps)
{
    struct ax_drift_pool mine = *pool;
    const size_t floats = cut(p, &mine), bytes = sizeof(struct past) + floats * sizeof(float) + name.n;
    struct past *past = malloc(bytes);
    if (!past)
        return AX_NOMEM;
    float *to = (float *)(void *)(past + 1);
    for (uint32_t i = 0; i < mine.n; i++) {
        struct ax_drift_member *m = &mine.members[i];
        m->v = copy(&to, m->v, m->n);
        m->coarse = copy(&to, m->coarse, m->coarse_n);
    }
    *past = (struct past){.pool = mine, .coarse_steps = coarse_steps, .name_n = name.n, .name = (char *)to};
    append(p, past, name, bytes);
    return AX_OK;
}

enum ax_err ax_drift_pasts_add_made(struct ax_drift_pasts *p, struct ax_str name,
                                    const struct ax_drift_reference *r)
{
    struct past *past = malloc(sizeof *past + name.n);
    struct ax_drift_reference *made = malloc(sizeof *made);
    if (!past || !made) {
        free(past);
        free(made);
        return AX_NOMEM;
    }
    *made = *r;
    *past = (struct past){.made = made, .name_n = name.n, .name = (char *)(past + 1)};
    append(p, past, name, sizeof *past + sizeof *made + name.n);
    return AX_OK;
}

uint64_t ax_drift_pasts_bytes(const struct ax_drift_pasts *p)
{
    return p->bytes;
}

uint32_t ax_drift_pasts_n(const struct ax_drift_pasts *p)
{
    return p->n;
}

enum ax_err ax_drift_pasts_make(const struct ax_drift_pasts *p, uint32_t i, struct ax_arena *scratch,
                                struct ax_buf *bytes)
{
    const struct past *past = p->first;
    for (; i > 0; i--)
        past = past->next;
    if (past->made) {
        ax_drift_references_add(bytes, (struct ax_str){past->name, past->name_n}, past->made);
        return bytes->err;
    }
    struct ax_drift_reference *r = malloc(sizeof *r);
    ax_arena_reset(scratch);
    enum ax_err err =
        r ? ax_drift_reference_make(&p->spec, &past->pool, past->coarse_steps, scratch, r) : AX_NOMEM;
    if (err == AX_OK)
        ax_drift_references_add(bytes, (struct ax_str){past->name, past->name_n}, r);
    free(r);
    return err == AX_NOTREADY ? AX_OK : err != AX_OK ? err : bytes->err;
}
