/* generation.h: a model that serves: built of one artifact, immutable, shared by whoever keeps it.
 *
 * A swap puts another generation in its place; the old one lives until its last keeper has let go.
 * Thread-safe. */
#ifndef AX_TRAIN_GENERATION_H
#define AX_TRAIN_GENERATION_H

#include "registry/registry.h"
#include "train/kind.h"

#include <stdatomic.h>

/* Read its fields; only `keepers` changes. */
struct ax_generation {
    const struct ax_train_kind *kind;
    void *model; /* of that kind */
    struct ax_fit_scores scores;
    struct ax_drift_references *references; /* of what it learnt from; NULL: not known */
    char sha256[AX_SHA256_TEXT];            /* of the artifact */
    uint64_t serial; /* no other generation of the process has it, as one may have its address later; not 0 */
    _Atomic uint32_t keepers;
};

/* Build one, with one keeper. As ax_train_kind.build() says. */
AX_MUST_USE enum ax_err ax_generation_new(const struct ax_train_kind *kind, const void *spec,
                                          struct ax_str artifact, struct ax_generation **out,
                                          struct ax_diag *diag);

/* Let it live until one more ax_generation_free(). */
struct ax_generation *ax_generation_keep(struct ax_generation *g);

/* Let go; NULL is fine. */
void ax_generation_free(struct ax_generation *g);

#endif
