/* positions.h: how far an endpoint has come in the outgoing log, in a small file that outlives the process.
 *
 * The series of an endpoint are spread over AX_LANES lanes by the hash of their key there; each lane has a
 * position: every sample of it before that position was accepted, or dropped for good. A sender owns a run of
 * lanes, however many senders there are, so that a change of their number moves no series past a position
 * that is not its own. The file says whose it is: name and URL of the endpoint, and a hash of its relabelling
 * rules, by which a series finds its lane.
 *
 *     <number>.position: a head (whose), then two copies of the lanes, each lane with its own CRC-32C. Writes
 * go to the copies in turn, so that one torn by a power loss leaves the other; of two that are sound the
 * larger counts.
 *
 * A write goes to the page cache: it survives the process; ax_positions_unsynced() is for the power. */
#ifndef AX_EMIT_POSITIONS_H
#define AX_EMIT_POSITIONS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AX_LANES 64u
#define AX_POSITIONS_TEXT 900u /* bytes of a name or a URL that are kept; the rest is cut off */

/* Whose positions they are. */
struct ax_positions_owner {
    struct ax_str name, url; /* url without its password */
    uint64_t rules;
};

/* A file found in the folder. */
struct ax_positions_file {
    uint32_t number;
    char *name, *url; /* of its owner; NULL when the head is damaged */
    bool claimed;     /* the caller's */
};

/* Files found; free with ax_positions_list_free(). */
struct ax_positions_list {
    struct ax_positions_file *v;
    uint32_t n;
};

/* Find all files in a folder, which exists. AX_IO with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_positions_list(const char *dir, struct ax_positions_list *out,
                                          struct ax_diag *diag);

/* Free the list. */
void ax_positions_list_free(struct ax_positions_list *list);

struct ax_positions;

/* Make a file in which every lane stands at a position. AX_IO with a text (a full disk), AX_NOMEM. */
AX_MUST_USE enum ax_err ax_positions_create(const char *dir, const struct ax_positions_owner *owner,
                                            uint64_t at, struct ax_positions **out, struct ax_diag *diag);

/* Open a file that ax_positions_list() found. A lane both of whose copies are damaged stands at 0. AX_IO with
 * a text; AX_CORRUPT with a text when its head is damaged; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_positions_open(const char *dir, uint32_t number, struct ax_positions **out,
                                          struct ax_diag *diag);

/* Give it to an owner. When its rules are others, or a lane stands behind `end`, the lanes are set right
 * first: all at the least of them, as a series may have changed its lane; none behind the end of the log.
 * The file is replaced whole; in place where there is no room for another. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_positions_give(struct ax_positions *p, const struct ax_positions_owner *owner,
                                          uint64_t end, struct ax_diag *diag);

/* The positions of n lanes from the first one on. Not while ax_positions_put() runs for them. */
void ax_positions_get(const struct ax_positions *p, uint32_t first, uint32_t n, uint64_t *out);

/* Move n lanes from the first one on forward to a position; those that are further stay. One thread for a
 * lane; different lanes from different threads. AX_IO with a text: what is noted may be the old or the new
 * position. Cost: one write of 16 n bytes. */
AX_MUST_USE enum ax_err ax_positions_put(struct ax_positions *p, uint32_t first, uint32_t n, uint64_t at,
                                         struct ax_diag *diag);

/* A descriptor of its file, the caller's to bring to the disk and close, when something was noted since the
 * last call; else -1. */
int ax_positions_unsynced(struct ax_positions *p);

/* The number of its file. */
uint32_t ax_positions_number(const struct ax_positions *p);

/* Close; the file stays. NULL is fine. */
void ax_positions_close(struct ax_positions *p);

/* Remove a file. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_positions_remove(const char *dir, uint32_t number, struct ax_diag *diag);

#endif
