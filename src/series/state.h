/* state.h: the input series in a snapshot, and back from it and the log.
 *
 * Snapshot, while samples come in: take the position P = ax_seglog_end() first, then ax_db_save(). What is
 * saved is at least what the records before P made, and replaying those after P again is harmless: a sample
 * that is there is a duplicate.
 *
 * Start, before samples come in and with the jobs' selectors in place: ax_restore_new(); every
 * AX_SECTION_SERIES of the newest sound snapshot, in its order, to ax_restore_section(); every
 * AX_WAL_SAMPLES from the snapshot's position on (from the beginning without one) to
 * ax_restore_samples(), in the log's order; ax_restore_end(). Records of other types may come between, and
 * jobs may read rings and watches then. Series keep their refs, and each selector its members in the
 * order of refs, whatever the seed. What no selector wants is passed over. Watches see the newest times;
 * samples are not counted as late again. storage.max-series does not hold: what was taken once is not lost;
 * an eviction afterwards lets go what had gone before the stop. */
#ifndef AX_SERIES_STATE_H
#define AX_SERIES_STATE_H

#include "series/db.h"
#include "store/snapshot.h"

/* Put all series with their rings into the snapshot as sections of about 1 MiB, in order of ref (one empty
 * section when there are none), and before them which replicas are listened to. New series that arrive
 * meanwhile are left to the log. The structure lock is held shared for a section at a time, a shard's for one
 * ring; nothing is held while the file is written. AX_NOMEM with a text; what the file does not take is told
 * by ax_snapshot_commit(). */
AX_MUST_USE enum ax_err ax_db_save(struct ax_db *db, struct ax_snapshot_writer *w, struct ax_diag *diag);

struct ax_restore;

/* What was read. */
struct ax_restore_report {
    uint64_t series, samples; /* taken: distinct refs, samples that were not there */
    uint64_t unwanted_series; /* definitions that no selector wants any more */
    uint64_t beyond;          /* samples that are older than the rings reach now, or above a ceiling */
    uint64_t unknown_samples; /* of series whose definition was not found: records before were lost */
};

/* Begin to read. AX_NOMEM. Nothing is evicted, and no sample is received, until ax_restore_end(). */
AX_MUST_USE enum ax_err ax_restore_new(struct ax_db *db, struct ax_restore **out);

/* Take one section. AX_CORRUPT with a text when its bytes make no sense (what was read before that point
 * stays), AX_NOMEM (also when a sample had no room: a start must not go on with holes). */
AX_MUST_USE enum ax_err ax_restore_section(struct ax_restore *r, struct ax_str body, struct ax_diag *diag);

/* Take one record of samples; errors as above. */
AX_MUST_USE enum ax_err ax_restore_samples(struct ax_restore *r, struct ax_str body, struct ax_diag *diag);

/* Take an AX_SECTION_ELECTIONS or a record AX_WAL_ELECTIONS; errors as above. */
AX_MUST_USE enum ax_err ax_restore_elections(struct ax_restore *r, struct ax_str body, struct ax_diag *diag);

/* Finish and free; the report (may be NULL) says what was read. NULL is fine. */
void ax_restore_end(struct ax_restore *r, struct ax_restore_report *out);

#endif
