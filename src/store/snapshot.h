/* snapshot.h: a file of checked sections that appears whole or not at all.
 *
 * Written to a temporary name, synced, renamed. It carries the log position from which a replay makes it
 * current, and is named by it (20 digits, ".snap"), so the newest is the last. Format: magic, version,
 * position; then sections, each with its length, CRC-32C and type; then an end section with their number. A
 * reader refuses a file that is cut short, damaged, or of another version, with the reason. Not thread-safe.
 */
#ifndef AX_STORE_SNAPSHOT_H
#define AX_STORE_SNAPSHOT_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AX_SNAPSHOT_SECTION_MAX (1u << 30) /* bytes of one body */

struct ax_snapshot_writer;

/* Begin a snapshot in a folder (made, 0700, when absent) for a log position. AX_IO with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_snapshot_begin(const char *dir, uint64_t position, struct ax_snapshot_writer **out,
                                          struct ax_diag *diag);

/* Append a section; type is not 0. After the first failure (AX_IO, or AX_LIMIT above AX_SNAPSHOT_SECTION_MAX,
 * with a text, kept for commit) it does nothing. */
void ax_snapshot_put(struct ax_snapshot_writer *w, uint8_t type, struct ax_str body);

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

struct ax_snapshot;

/* Open the newest sound snapshot of a folder, all of whose checksums are right. Those that are damaged, or
 * cannot be read, are passed over and named in `passed` (may be NULL). AX_NOTFOUND when there is none; AX_IO
 * with a text when there is none but one that could not be read, or when the folder could not; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_snapshot_open(const char *dir, struct ax_snapshot **out, struct ax_diag *passed,
                                         struct ax_diag *diag);

/* The log position that it carries. */
uint64_t ax_snapshot_position(const struct ax_snapshot *s);

/* The next section; body is valid until ax_snapshot_close(). False at the end. */
bool ax_snapshot_next(struct ax_snapshot *s, uint8_t *type, struct ax_str *body);

/* Close and free; NULL is fine. */
void ax_snapshot_close(struct ax_snapshot *s);

/* Remove the snapshots of positions before this one, and temporary files left over. AX_IO with a text: some
 * may be there still. No folder is fine. */
AX_MUST_USE enum ax_err ax_snapshot_prune(const char *dir, uint64_t before, struct ax_diag *diag);

#endif
