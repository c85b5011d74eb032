/* model.h: the one table of functions that every model fills, forecaster or detector.
 *
 * A model sees a batch: named tensors with one row an entity, the entities' ids and, if it asks, edges
 * between them. It answers with a path for each entity (forecasters) or a score (detectors), and may add
 * any list of (metric, added labels, value). State is per entity, sized by the model and owned by the
 * caller; what all entities share is an immutable generation. run() is pure: same generation, state and
 * batch, same bits; no clock, no allocation but from the scratch arena, no I/O. */
#ifndef AX_MODEL_MODEL_H
#define AX_MODEL_MODEL_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/local_time.h"
#include "prom/labels.h"

/* Row-major [rows x cols]; row e belongs to entity e; columns are oldest first; NaN is a gap. */
struct ax_tensor {
    const char *name; /* "fine", "coarse", "features", ... */
    const float *v;
    uint32_t rows, cols;
};

/* A directed edge between two entities of a batch. */
struct ax_edge {
    uint32_t from, to; /* indices of entities */
    float weight;
};

struct ax_holidays;
struct ax_pooled;
struct ax_season_notes;

/* What is known at t_ms: nothing in it is later. */
struct ax_batch {
    int64_t t_ms, step_ms, coarse_ms;
    const struct ax_local_time *clocks; /* NULL: UTC */
    const struct ax_holidays *holidays; /* forecast/holidays.h; NULL: none */
    struct ax_season_notes *notes;      /* forecast/member.h, of the one entity there is; NULL: none */
    uint32_t entities_n;
    const uint64_t *entity_ids;
    const struct ax_tensor *tensors;
    uint32_t tensors_n;
    const struct ax_edge *edges; /* NULL unless wanted */
    uint32_t edges_n;
};

/* What a model is built for; immutable while it serves. */
struct ax_model_params {
    int64_t step_ms, coarse_ms;
    const uint32_t *leads; /* forecasters: steps ahead of each path point, ascending */
    uint32_t leads_n;
    uint32_t season_steps;          /* detected or given period in steps; 0 for none */
    uint32_t long_season_steps;     /* a longer one around it, as the week is around the day; 0 for none */
    const struct ax_pooled *pooled; /* forecast/pooled.h; NULL: none */
    uint64_t seed;
};

/* Where answers go; the caller owns the arrays. */
struct ax_model_out {
    double *path;   /* forecasters: [entities_n x leads_n]; NaN where the model has nothing to say */
    double *scores; /* detectors: [entities_n]; raw, uncalibrated, larger is stranger */
    void (*put)(void *ctx, uint32_t entity, const char *metric, const struct ax_label *added,
                uint32_t added_n, double value); /* anything else; may be NULL */
    void *ctx;
};

/* What a model is for. */
enum ax_model_task { AX_TASK_FORECAST, AX_TASK_ANOMALY };

/* The table itself: one constant for each model. */
struct ax_model_ops {
    const char *name;
    enum ax_model_task task;
    bool wants_edges;
    const char *const *tensors; /* names that it reads, NULL-terminated */

    /* Bytes of one entity's state; 0 for a model without. */
    size_t (*state_bytes)(const struct ax_model_params *params);

    /* Bring one state into its first form. May be NULL. */
    void (*init)(const struct ax_model_params *params, void *state);

    /* Learn from the batch (the past up to t_ms). AX_NOTREADY when there is too little of it: the state
     * stays as it was. May be NULL for a model that learns nothing. */
    enum ax_err (*fit)(const struct ax_model_params *params, void *const *states, const struct ax_batch *past,
                       struct ax_arena *scratch);

    /* Forecast or score. AX_NOTREADY before a successful fit. */
    enum ax_err (*run)(const struct ax_model_params *params, void *const *states, const struct ax_batch *now,
                       struct ax_arena *scratch, const struct ax_model_out *out);

    /* Append one state as bytes, and read them back into a state fresh from init(), for the same params; what
     * cannot be is a failure of in. NULL for a model without a state. */
    void (*save)(const struct ax_model_params *params, const void *state, struct ax_buf *out);
    void (*load)(const struct ax_model_params *params, void *state, struct ax_bytes *in);
};

/* The tensor of that name, or NULL. */
const struct ax_tensor *ax_batch_tensor(const struct ax_batch *b, const char *name);

#endif
