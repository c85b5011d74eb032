/* predict_find.h: the series that a request for predictions means, and what their paths say; for predict.c.
 *
 * Selectors are sorted by the labels that they ask for by `=`: a path looks up its own values of these, so
 * that a thousand selectors of single entities cost one pass over the paths. One thread. */
#ifndef AX_API_PREDICT_FIND_H
#define AX_API_PREDICT_FIND_H

#include "api/predict.h"
#include "api/predict_request.h"
#include "base/map.h"

/* A forecast at one horizon; absent when the path does not reach it. */
struct ax_prediction_point {
    bool within;
    float mean, lower, upper, confidence;
};

/* One series that was found; all of it is in the request's arena. */
struct ax_prediction {
    struct ax_labels labels; /* of the path; its metric's name is the output's with `_future` behind it */
    struct ax_str name;      /* the output's */
    int64_t t_ms;
    const char *reason; /* why it is not ready; NULL when it is */
    double level;
    const struct ax_classes *classes; /* NULL: none. A copy */
    const int64_t *horizons_ms;
    struct ax_prediction_point *points;
    uint32_t n;
};

/* Selectors that ask for the same labels by `=`. */
struct ax_predict_group {
    const struct ax_str *names; /* sorted */
    uint32_t names_n;
    uint64_t hash;       /* of the names */
    struct ax_map first; /* of the chains, by the hash of the values */
    struct ax_predict_group *next;
};

/* A selector in its chain. */
struct ax_predict_member {
    const struct ax_predict_selector *selector;
    struct ax_predict_member *next;
    bool found; /* it has selected a series */
};

/* One search. Zero-initialise, and fill the first part. */
struct ax_predict_find {
    const struct ax_predict_service *service;
    const struct ax_http_request *from;
    struct ax_predict_request *request;
    struct ax_diag *diag;
    int64_t deadline_ns;

    struct ax_predict_group *groups;
    struct ax_predict_member *members; /* [selectors_n] */
    struct ax_prediction *v;           /* what was found, in the order of the paths */
    uint32_t n, cap, ready_n;
    uint32_t *outside;  /* [horizons_n]: series whose path does not hold the horizon */
    int64_t longest_ms; /* of all their paths */
    uint32_t looked;
    uint64_t steps; /* of matching since the last look */
    enum ax_err err;
    const char *reason; /* of err, for the counter */
};

/* Search. On an error there is a text in diag and a word in reason: AX_LIMIT, AX_BUSY, AX_NOMEM,
 * AX_CANCELLED. To be ended
 * by ax_predict_find_done() in any case. */
AX_MUST_USE enum ax_err ax_predict_find(struct ax_predict_find *f);

/* Free. */
void ax_predict_find_done(struct ax_predict_find *f);

#endif
