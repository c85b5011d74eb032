/* generation.c: who keeps a generation, and when it goes. */
#include "train/generation.h"

#include "registry/digest.h"

#include <stdlib.h>

static _Atomic uint64_t made;

enum ax_err ax_generation_new(const struct ax_train_kind *kind, const void *spec, struct ax_str artifact,
                              struct ax_generation **out, struct ax_diag *diag)
{
    struct ax_generation *g = calloc(1, sizeof *g);
    *out = NULL;
    if (!g)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    g->kind = kind;
    g->serial = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed) + 1;
    atomic_init(&g->keepers, 1);
    ax_sha256_text(artifact, g->sha256);
    enum ax_err err = kind->build(spec, artifact, &g->model, &g->scores, diag);
    if (err == AX_OK && kind->references) {
        err = kind->references(artifact, &g->references, diag);
        if (err != AX_OK)
            kind->free_model(g->model);
    }
    if (err != AX_OK) {
        free(g);
        return err;
    }
    *out = g;
    return AX_OK;
}

struct ax_generation *ax_generation_keep(struct ax_generation *g)
{
    (void)atomic_fetch_add_explicit(&g->keepers, 1, memory_order_relaxed);
    return g;
}

void ax_generation_free(struct ax_generation *g)
{
    if (!g || atomic_fetch_sub_explicit(&g->keepers, 1, memory_order_acq_rel) != 1)
        return;
    g->kind->free_model(g->model);
    ax_drift_references_free(g->references);
    free(g);
}
