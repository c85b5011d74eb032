/* gathered.h: what the test of a pool against its own past and that against a reference share: series, each
 * in its own measure, put together. Inside of src/drift. */
#ifndef AX_DRIFT_GATHERED_H
#define AX_DRIFT_GATHERED_H

#include "drift/pool.h"

/* Values of many series; arrays in a scratch arena. */
struct ax_gathered {
    double *ref, *cur;           /* normalised values of all members */
    uint32_t ref_n, cur_n;       /* how many */
    double *places;              /* per step of the reference: sum over members of the place, unit variance */
    uint32_t *places_n;          /* members in that sum */
    double *sorted;              /* room for one member's reference */
    void *room;                  /* for sorting the largest array; NULL for a very large one */
    uint32_t reference, current; /* window lengths in steps */
};

/* How a member is measured: by its reference. */
struct ax_gathered_measure {
    uint32_t n; /* values of its reference, which are in ax_gathered.sorted; 0: too few of them */
    double median, scale;
    double place; /* by which places have unit variance; 0: all are the same */
};

/* Room for n members with windows of that many steps. False when the arena is too small. */
bool ax_gathered_new(struct ax_gathered *p, uint32_t n, uint32_t reference, uint32_t current,
                     struct ax_arena *scratch);

/* The member's value `back` steps before the newest; NaN beyond its past or when it is not finite. */
double ax_gathered_value(const struct ax_drift_member *m, uint32_t back);

/* Is it the same in its newest steps, but for gaps? */
bool ax_gathered_constant(const struct ax_drift_member *m, uint32_t steps);

/* Has it values enough in its newest steps to be measured by them, and not all the same? */
bool ax_gathered_moves(const struct ax_drift_member *m, uint32_t steps);

/* Measure a member. */
struct ax_gathered_measure ax_gathered_measure(struct ax_gathered *p, const struct ax_drift_member *m);

/* Add its reference, which was measured last, with the places. */
void ax_gathered_add_reference(struct ax_gathered *p, const struct ax_drift_member *m,
                               const struct ax_gathered_measure *by);

/* Add its current window; returns how many values that are. */
uint32_t ax_gathered_add_current(struct ax_gathered *p, const struct ax_drift_member *m, double median,
                                 double scale);

/* Turns the sums of places into their mean, and that into the reference's effective size. Once. */
double ax_gathered_effective(struct ax_gathered *p);

/* Shares of both sorted windows that are at most ax_drift_le(i). */
void ax_gathered_shares(const double *ref, uint32_t n, const double *cur, uint32_t m,
                        struct ax_drift_result *out);

#endif
