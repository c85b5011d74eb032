/* paths.h: the newest forecast path of each series, for readers that must not wait for a step.
 *
 * The pipeline's thread publishes a path when it has made it, and takes it back when its series ends.
 * Readers on any thread see each path whole; one that is published while they look may be seen or not. A
 * reader that thinks long holds nobody up: it chooses by the labels, which outlive the path as long as it
 * looks, and is shown copies of what it chose, made of a few paths at a time. Memory: four floats a point, at
 * most AX_PATH_MAX points, and the labels. */
#ifndef AX_PIPELINE_PATHS_H
#define AX_PIPELINE_PATHS_H

#include "forecast/forecast.h"
#include "pipeline/classes.h"
#include "prom/labels.h"

struct ax_paths;
struct ax_path; /* one series that has a place among them */

/* None yet; NULL when out of memory. */
struct ax_paths *ax_paths_new(void);

/* Free; every path must have been closed. NULL is fine. */
void ax_paths_free(struct ax_paths *p);

/* A place for the path of the series with these labels (copied), whose points are at spec's leads. It is seen
 * when something was put. spec and classes (NULL: none) outlive it. NULL when out of memory. */
struct ax_path *ax_paths_open(struct ax_paths *p, const struct ax_labels *labels,
                              const struct ax_forecast_spec *spec, const struct ax_classes *classes);

/* Publish what was forecast at t_ms, in place of what was there. f is ready. No allocation. */
void ax_paths_put(struct ax_paths *p, struct ax_path *path, int64_t t_ms, const struct ax_forecast *f);

/* Publish that at t_ms there is no forecast, and why; the text lives as long as the program. */
void ax_paths_wait(struct ax_paths *p, struct ax_path *path, int64_t t_ms, const char *reason);

/* Take a path back; NULL is fine. */
void ax_paths_close(struct ax_paths *p, struct ax_path *path);

/* A path as a reader sees it, during the visit. Point i is at t_ms + leads[i] * step_ms. */
struct ax_path_view {
    const struct ax_labels *labels;
    int64_t t_ms, step_ms;
    const uint32_t *leads;
    uint32_t n;
    const uint32_t *horizons; /* of the job, as indices into leads */
    uint32_t horizons_n;
    double level;                     /* of the interval */
    const struct ax_classes *classes; /* NULL: none */
    const char *reason;               /* why there is no forecast; then what follows is worth nothing */
    const float *mean, *lower, *upper, *confidence;
};

/* What is to be done with a path; STOP: it and all behind it are left out, those taken before are visited. */
enum ax_path_wish { AX_PATH_SKIP, AX_PATH_TAKE, AX_PATH_STOP };

/* Is the path of these labels to be visited? They are the paths', during the call. May take its time: no lock
 * is held. */
typedef enum ax_path_wish ax_path_choose(void *ctx, const struct ax_labels *labels);

/* Return false to see no more of them. May take its time: no lock is held. */
typedef bool ax_path_visit(void *ctx, const struct ax_path_view *path);

/* Visit the paths that are chosen (NULL: all), in the order in which they were opened; one that was taken
 * back since it was chosen is left out. AX_NOMEM when there is none for the copies. Cost: a path that is not
 * chosen is not copied. Thread-safe. */
AX_MUST_USE enum ax_err ax_paths_each(struct ax_paths *p, ax_path_choose *choose, ax_path_visit *visit,
                                      void *ctx);

#endif
