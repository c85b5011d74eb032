/* snapshot.h: a file of checked sections that appears whole or not at all.
 *
 * Written to a temporary name, synced, renamed. It carries the log position from which a replay makes it
 * current, and is named by it (20 digits, ".snap"), so the newest is the last. Format: magic, version,
 * position; then sections, each with its length, CRC-32C and type; then an end section with their number. A
 * reader refuses a file that is cut short, damaged, or of another version, with the reason.
 *
 * A snapshot may be told by a whole one before it: of each section that had the same key there only what has
 * changed is written. It is named ".changes", and is as good as that whole one, without which it is refused.
 * Not thread-safe. */
#ifndef AX_STORE_SNAPSHOT_H
#define AX_STORE_SNAPSHOT_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AX_SNAPSHOT_SECTION_MAX (1u << 30) /* bytes of one body */

struct ax_snapshot_writer;

/* A whole snapshot by which later ones may be told: its file, open, and where its sections with keys are. */
struct ax_snapshot_base;

/* Begin a snapshot in a folder (made, 0700, when absent) for a log position. AX_IO with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_snapshot_begin(const char *dir, uint64_t position, struct ax_snapshot_writer **out,
                                          struct ax_diag *diag);

/* Append a section; type is not 0. After the first failure (AX_IO, or AX_LIMIT above AX_SNAPSHOT_SECTION_MAX,
 * with a text, kept for commit) it does nothing. */
void ax_snapshot_put(struct ax_snapshot_writer *w, uint8_t type, struct ax_str body);

/* Tell the sections that have keys by those of a whole snapshot of the same folder; base outlives w. To be
 * called before the first section is put. AX_NOMEM: then it is to be given up. */
AX_MUST_USE enum ax_err ax_snapshot_tell_by(struct ax_snapshot_writer *w,
                                            const struct ax_snapshot_base *base);

/* The same as ax_snapshot_put() for a section that is found again by its key: equal keys are to be of what is
 * much alike from one snapshot to the next. */
void ax_snapshot_put_keyed(struct ax_snapshot_writer *w, uint8_t type, uint64_t key, struct ax_str body);

/* From here on keep sections in memory, so that putting them waits for no disk: at most what is put until
 * ax_snapshot_write(), which tells when there was no memory for it. */
void ax_snapshot_hold(struct ax_snapshot_writer *w);

/* Write what is held, give its memory back, and hold no more. Tells the first failure, with its text: AX_IO,
 * AX_LIMIT, or AX_NOMEM, when what is held was more than there is memory for. */
AX_MUST_USE enum ax_err ax_snapshot_write(struct ax_snapshot_writer *w, struct ax_diag *diag);

/* Finish: sync and rename, then free w. On AX_IO (with a text) the file is gone and those of before remain;
 * only one of the same position may have been replaced already. */
AX_MUST_USE enum ax_err ax_snapshot_commit(struct ax_snapshot_writer *w, struct ax_diag *diag);

/* Give up: remove the file and free w. NULL is fine. */
void ax_snapshot_abandon(struct ax_snapshot_writer *w);

/* The same, and how long it is. Of a whole snapshot *base is then what others may be told by; NULL: it had no
 * keys, there was no memory for them, or it tells changes. */
AX_MUST_USE enum ax_err ax_snapshot_commit_base(struct ax_snapshot_writer *w, struct ax_snapshot_base **base,
                                                uint64_t *bytes, struct ax_diag *diag);

/* The log position of it. */
uint64_t ax_snapshot_base_position(const struct ax_snapshot_base *b);

/* NULL is fine. */
void ax_snapshot_base_free(struct ax_snapshot_base *b);

struct ax_snapshot;

/* Open the newest sound snapshot of a folder, all of whose checksums are right. Those that are damaged, or
 * cannot be read, are passed over and named in `passed` (may be NULL). AX_NOTFOUND when there is none; AX_IO
 * with a text when there is none but one that could not be read, or when the folder could not; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_snapshot_open(const char *dir, struct ax_snapshot **out, struct ax_diag *passed,
                                         struct ax_diag *diag);

/* The log position that it carries. */
uint64_t ax_snapshot_position(const struct ax_snapshot *s);

/* A file: of which position, how long, and when it was written (Unix ms). */
struct ax_snapshot_file {
    uint64_t position, bytes;
    int64_t written_ms;
};

/* Its own file. */
struct ax_snapshot_file ax_snapshot_own(const struct ax_snapshot *s);

/* That of the whole snapshot that it is, or is told by. */
struct ax_snapshot_file ax_snapshot_whole(const struct ax_snapshot *s);

/* That whole one, for others to be told by; NULL as with ax_snapshot_commit_base(). Once. */
struct ax_snapshot_base *ax_snapshot_take_base(struct ax_snapshot *s);

/* The next section; body is valid until the next call, and that of a whole snapshot until
 * ax_snapshot_close(). False at the end, and where ax_snapshot_error() says why there are no more. */
bool ax_snapshot_next(struct ax_snapshot *s, uint8_t *type, struct ax_str *body);

/* Why the newest ax_snapshot_next() was false before the end: a section could not be made of its changes.
 * AX_NOMEM; AX_CORRUPT, which only another file below it than the one that was checked can explain. AX_OK
 * otherwise. What was read up to there is not all there is. */
enum ax_err ax_snapshot_error(const struct ax_snapshot *s);

/* Close and free; NULL is fine. */
void ax_snapshot_close(struct ax_snapshot *s);

/* Remove the snapshots of positions before this one, those that tell changes before another one, which is not
 * less, and temporary files left over. AX_IO with a text: some may be there still. No folder is fine. */
AX_MUST_USE enum ax_err ax_snapshot_prune(const char *dir, uint64_t before, uint64_t changes_before,
                                          struct ax_diag *diag);

#endif
