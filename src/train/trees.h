/* trees.h: gradient-boosted trees for all series of an expression, on the vector of features of each
 * (features/features.h), in its own measure.
 *
 * A row is that vector, and what rows say of the newest step (train/speaker_data.h: the job's other
 * features, the hours, the levels, what the series did a day and a week ago). What is in the unit of the
 * series counts from the last value, or from 0 where it is a spread or a difference, in units of the mean
 * deviation of the newest AX_SPEAKER_SPAN steps. One forest a lead says how far the series will have moved by
 * then, in the same unit; of no trees, when none did better than the last value, it says 0.
 *
 * A fit learns from the first six tenths of the time and stops by the next two; the last two, which neither
 * saw, nor what was to come in them, say how well it does; then it learns as many trees from everything. */
#ifndef AX_TRAIN_TREES_H
#define AX_TRAIN_TREES_H

#include "features/features.h"
#include "train/speaker.h"

/* Floats of a row. */
uint32_t ax_trees_width(const struct ax_speaker_spec *spec);

/* "trees": data are an ax_speaker_data, a spec an ax_speaker_spec of a sequence of 1, models this file's own.
 */
extern const struct ax_train_kind ax_trees_kind;

#endif
