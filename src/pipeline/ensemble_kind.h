/* ensemble_kind.h: the detectors of a job's entities as a kind of model that is fitted beside it (src/train).
 */
#ifndef AX_PIPELINE_ENSEMBLE_KIND_H
#define AX_PIPELINE_ENSEMBLE_KIND_H

#include "anomaly/ensemble.h"
#include "train/refer.h"

/* The past that a fit learns from; it owns all that data points to, in two blocks, and the pasts. */
struct ax_ensemble_past {
    struct ax_ensemble_spec spec;
    struct ax_ensemble_data data;
    int64_t from_ms, until_ms;
    void *keys_block, *points_block;
    struct ax_drift_pasts *pasts;   /* of which its references are made; NULL: of none */
    struct ax_ensemble_check check; /* of what was learnt; written by fit() */
};

/* "ensemble", and of latencies "latency": data of fit() is a struct ax_ensemble_past, spec of build() a
 * struct ax_ensemble_spec, what serves a struct ax_ensemble. */
extern const struct ax_train_kind ax_ensemble_kind;
/* As above. */
extern const struct ax_train_kind ax_latency_kind;

#endif
