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
    double *codes; /* of a label, in the block too; NULL: it is a feature's pool */
    uint32_t codes_n;
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

/* One more of so many bytes behind it, the name last; NULL with why in *err. */
static struct past *append(struct ax_drift_pasts *p, struct ax_str name, size_t behind, uint64_t bytes_max,
                           enum ax_err *err)
{
    const size_t bytes = sizeof(struct past) + behind + name.n;
    struct past *past = p->bytes + bytes <= bytes_max ? malloc(bytes) : NULL;
    *err = past ? AX_OK : p->bytes + bytes <= bytes_max ? AX_NOMEM : AX_LIMIT;
    if (!past)
        return NULL;
    *past = (struct past){.name_n = name.n, .name = (char *)(past + 1) + behind};
    memcpy(past->name, name.p, name.n);
    *p->end = past;
    p->end = &past->next;
    p->n++;
    p->bytes += bytes;
    return past;
}

enum ax_err ax_drift_pasts_add(struct ax_drift_pasts *p, struct ax_str name, const struct ax_drift_pool *pool,
                               uint32_t coarse_steps, uint64_t bytes_max)
{
    enum ax_err err;
    struct ax_drift_pool mine = *pool;
    const size_t floats = cut(p, &mine);
    struct past *past = append(p, name, floats * sizeof(float), bytes_max, &err);
    if (!past)
        return err;
    float *to = (float *)(void *)(past + 1);
    for (uint32_t i = 0; i < mine.n; i++) {
        struct ax_drift_member *m = &mine.members[i];
        m->v = copy(&to, m->v, m->n);
        m->coarse = copy(&to, m->coarse, m->coarse_n);
    }
    past->pool = mine;
    past->coarse_steps = coarse_steps;
    return AX_OK;
}

enum ax_err ax_drift_pasts_add_codes(struct ax_drift_pasts *p, struct ax_str name, const double *codes,
                                     uint32_t n, uint64_t bytes_max)
{
    enum ax_err err;
    struct past *past = append(p, name, n * sizeof *codes, bytes_max, &err);
    if (!past)
        return err;
    past->codes = (double *)(void *)(past + 1);
    past->codes_n = n;
    if (n)
        memcpy(past->codes, codes, n * sizeof *codes);
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
    struct ax_drift_reference *r = malloc(sizeof *r);
    ax_arena_reset(scratch);
    enum ax_err err = r ? AX_OK : AX_NOMEM;
    if (r && past->codes)
        err = ax_drift_labels_make(past->codes, past->codes_n, scratch, r);
    else if (r)
        err = ax_drift_reference_make(&p->spec, &past->pool, past->coarse_steps, scratch, r);
    if (err == AX_OK)
        ax_drift_references_add(bytes, (struct ax_str){past->name, past->name_n}, r);
    free(r);
    return err == AX_NOTREADY ? AX_OK : err != AX_OK ? err : bytes->err;
}
