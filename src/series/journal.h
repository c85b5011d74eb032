/* journal.h: the samples of one request as a record of the log, AX_WAL_SAMPLES; of a long one as several.
 *
 * The receiver gives a journal to ax_db_append_plain() and its siblings: what goes into a ring goes into the
 * journal too, duplicates included, for a request whose record could not be written comes again and then
 * looks like duplicates. ax_journal_append() writes the record, after the rings and before the answer, so
 * that whoever takes the log's end as a position finds in the rings all that stands before it.
 *
 * A record names a series by its ref (series/shard.h). A series whose definition is in no record yet has it
 * in front. Body: version (u8, 1); definitions, each `ref varint, tenant str, key str` (the key of its
 * canonical labels), ended by a ref of 0; then to the end runs of samples, each
 * `varint (zigzag of the ref's distance from that of the run before) * 2 + (n > 1), n varint if n > 1`, and
 * n times `svarint distance from the time before, f64 value`. "Before" is 0 at first. Distances wrap.
 * With native histograms the version is 2: behind the definitions comes the length of the runs (varint), and
 * behind the runs each histogram, `svarint distance of its ref, svarint distance of its time, message str`,
 * "before" being 0 again at first.
 * Read back by series/state.h. Not thread-safe: a journal belongs to a request. */
#ifndef AX_SERIES_JOURNAL_H
#define AX_SERIES_JOURNAL_H

#include "base/buf.h"
#include "prom/sample.h"
#include "series/db.h"
#include "store/seglog.h"

#define AX_JOURNAL_VERSION 1
#define AX_JOURNAL_HISTOGRAMS 2 /* version of a record that has some */

/* The record of one request on its way; ax_journal_init() once, ax_journal_reset() for each request. */
struct ax_journal {
    struct ax_buf definitions, runs, histograms;
    uint64_t ref;           /* of the last run */
    int64_t t_ms;           /* of the last sample */
    uint64_t histogram_ref; /* the same of histograms */
    int64_t histogram_t_ms;
};

/* An empty journal. Allocates nothing yet. */
void ax_journal_init(struct ax_journal *j);

/* Empty it; keeps the memory. */
void ax_journal_reset(struct ax_journal *j);

/* Free the memory. */
void ax_journal_done(struct ax_journal *j);

/* Bytes of the record so far; 0 when there is nothing to write. */
size_t ax_journal_bytes(const struct ax_journal *j);

/* Add a run of n samples of a series; for the database, which keeps the series from going meanwhile. Without
 * memory ax_journal_append() will say so. No allocation once the journal has grown to its requests. */
void ax_journal_add(struct ax_journal *j, const struct ax_series *s, const struct ax_sample *samples,
                    uint32_t n);

/* A series and a sample of it. */
struct ax_kept {
    const struct ax_series *series;
    const struct ax_sample *sample;
};

/* Add n of them, as runs of one sample. As above. */
void ax_journal_add_each(struct ax_journal *j, const struct ax_kept *v, uint32_t n);

/* Add a native histogram: its message, as it came. As above. */
void ax_journal_add_histogram(struct ax_journal *j, const struct ax_series *s, int64_t t_ms,
                              struct ax_str message);

/* Append the record to the log and empty the journal; nothing is written when it is empty. One write(). On
 * AX_IO, AX_NOMEM or AX_LIMIT, with a text, nothing of it will be read back; the series stay undefined, so
 * that the same request again makes the whole record again. */
AX_MUST_USE enum ax_err ax_journal_append(struct ax_journal *j, struct ax_db *db, struct ax_seglog *log,
                                          struct ax_diag *diag);

#endif
