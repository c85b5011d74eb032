/* series_world.h: a database that wants some metrics, a folder with a log, and what is in the rings as text.
 */
#ifndef AX_TEST_SERIES_WORLD_H
#define AX_TEST_SERIES_WORLD_H

#include "series/journal.h"
#include "series/state.h"

/* A database with one selector over metric names. */
struct series_world {
    struct ax_db *db;
    struct ax_matcher *matcher;
    struct ax_watch watch;
    int selector;
    struct ax_journal journal;
};

/* Open a world that wants the metrics whose names match a regular expression. */
void series_world_open(struct series_world *w, uint64_t seed, const char *metrics);

/* The same with options of the database. */
void series_world_open_with(struct series_world *w, const struct ax_db_options *options, const char *metrics);

/* Free it. */
void series_world_close(struct series_world *w);

/* The key of a series in exposition text; in buf, which the caller frees. */
struct ax_str series_world_key(struct ax_buf *buf, const char *series);

/* Append one sample of a series in exposition text, into the journal too. */
enum ax_fate series_world_add(struct series_world *w, const char *series, int64_t t_ms, double value);

/* Append one native histogram; message is any bytes. An ended one is a stale marker. */
void series_world_add_histogram(struct series_world *w, const char *series, int64_t t_ms,
                                struct ax_str message, bool ended);

/* All members in their order, a line each: ref, labels, each sample as time and bits, each histogram as time
 * and message. Append to out. */
void series_world_show(struct series_world *w, struct ax_buf *out);

/* Fail unless two worlds show the same. */
void series_world_assert_same(struct series_world *a, struct series_world *b);

/* Open a log in a folder; fails the test when it cannot be. */
struct ax_seglog *test_log(const char *dir);

/* Give every record of samples from a position on to a restore; returns how many there were. */
uint32_t test_replay(struct ax_seglog *log, uint64_t from, struct ax_restore *r);

/* Fill a world from a log alone. */
void series_world_replay(struct series_world *w, struct ax_seglog *log, struct ax_restore_report *out);

#endif
