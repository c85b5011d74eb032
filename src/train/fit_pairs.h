/* fit_pairs.h: what the model file of a speaker (train/speaker.h) says beside its tensors: what the inputs
 * mean, what was learnt from, and how well. */
#ifndef AX_TRAIN_FIT_PAIRS_H
#define AX_TRAIN_FIT_PAIRS_H

#include "nn/model_file.h"
#include "registry/digest.h"
#include "train/speaker_priv.h"

#define AX_FIT_PAIRS 9

/* Texts that the pairs refer to. */
struct ax_fit_texts {
    char window[64], seed[24], scores[96], samples[24], epochs[24], hash[AX_SHA256_TEXT];
};

/* The pairs of a fit, at most AX_FIT_PAIRS; returns how many. */
uint32_t ax_fit_pairs(const struct ax_speaker_data *d, uint64_t seed, const char *scaler,
                      const struct ax_fit_result *r, struct ax_fit_texts *t, struct ax_nn_pair *pairs);

/* The number that a value of a file begins with behind `skip`; *left is what follows it. */
bool ax_fit_number(struct ax_str *left, const char *skip, double *out);

/* How well it did. AX_CORRUPT with a text. */
enum ax_err ax_fit_read_scores(const struct ax_nn_file *f, struct ax_fit_scores *s, struct ax_diag *diag);

/* scores() of the kinds of such files. */
enum ax_err ax_fit_scores_of(struct ax_str artifact, struct ax_fit_scores *out, struct ax_diag *diag);

/* AX_CONFLICT, with the reason, for a file that learnt from other inputs, or from inputs in another measure.
 */
enum ax_err ax_fit_expect(const struct ax_nn_file *f, const struct ax_speaker_spec *spec, const char *scaler,
                          struct ax_diag *diag);

/* references() of the kinds of such files. */
enum ax_err ax_fit_references(struct ax_str artifact, struct ax_drift_references **out, struct ax_diag *diag);

#endif
