/* toy_kind.h: the least model that is fitted beside a job: the mean of what it learnt from.
 *
 * Its artifact is a model file with the mean, the seed and the data's name; a fit may be told to wait, or to
 * fail. */
#ifndef AX_TEST_TOY_KIND_H
#define AX_TEST_TOY_KIND_H

#include "train/generation.h"
#include "train/queue.h"

/* What a fit learns from; made by toy_data(), freed by the kind. */
struct toy_data {
    double mean;
    int64_t until_ms;
    enum ax_err err;   /* what the fit ends with */
    bool until_called; /* goes on until it is called off */
    const char *features;
};

/* What serves. */
struct toy_model {
    double mean;
    uint64_t seed;
};

extern const struct ax_train_kind toy_kind;

/* Data on the heap; toy_alive() counts them. */
struct toy_data *toy_data(double mean, int64_t until_ms, const char *features);

/* Data and models that were made and not given back. */
int toy_alive(void);

/* Fits that began. */
int toy_fits(void);

/* Wait until a fit is over; how it ended. */
enum ax_fit_state toy_await(const struct ax_fit *f);

/* A registry in a folder. */
struct ax_registry *toy_registry(const char *dir);

/* The scores of job/toy's version of that name, which there must be, as JSON. */
void toy_scores_of(struct ax_registry *r, const char *version, char out[512]);

#endif
