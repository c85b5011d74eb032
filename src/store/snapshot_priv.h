/* snapshot_priv.h: the format of snapshots, for their writer and their reader.
 *
 * A whole one (.snap): its sections as they were put. The last section is the end: the number of those before
 * (u32); then, if sections had keys, for each of these: key (u64), place of its body in the file (u64),
 * length (u32). One that tells changes (.changes): the body of each section begins with how it is told (u8).
 * 0: the rest is what was put. 1: place (u64) and length (u32) of a body of the whole one that it is told by,
 * its own length (u32), and what store/changes.h makes of the two. Its end: the number of those before (u32);
 * position (u64), length (u64) and sum (u32) of that whole one, which is the CRC-32C of the heads of all its
 * sections but the end. */
#ifndef AX_STORE_SNAPSHOT_PRIV_H
#define AX_STORE_SNAPSHOT_PRIV_H

#include "base/assert.h"
#include "store/changes.h"
#include "store/folder.h"
#include "store/frame.h"
#include "store/snapshot.h"

#define AX_SNAPSHOT_SUFFIX ".snap"
#define AX_SNAPSHOT_CHANGES ".changes"
#define AX_SNAPSHOT_TEMPORARY ".snap.tmp"
#define AX_SNAPSHOT_MAGIC "AuspexSN"
#define AX_SNAPSHOT_VERSION 1u
#define AX_SNAPSHOT_END 0 /* type of the last section */

/* How a section is told. */
enum ax_snapshot_form { AX_SNAPSHOT_WHOLE, AX_SNAPSHOT_CHANGED, AX_SNAPSHOT_FORMS };

/* Where the body of a section with a key is. */
struct ax_snapshot_key {
    uint64_t key, place;
    uint32_t n;
};

/* A whole snapshot by which others are told. fd reads its file; keys are sorted. */
struct ax_snapshot_base {
    int fd;
    uint32_t sum;
    uint64_t position, bytes;
    struct ax_snapshot_key *keys;
    size_t keys_n, room;
};

/* One without a file, with room for some keys; NULL when out of memory. */
struct ax_snapshot_base *ax_snapshot_base_new(void);

/* Add a section; false when out of memory. */
bool ax_snapshot_base_add(struct ax_snapshot_base *b, uint64_t key, uint64_t place, uint32_t n);

/* Sort the keys, so that they can be found. */
void ax_snapshot_base_sort(struct ax_snapshot_base *b);

/* Read the body of a key into `out`, instead of what that holds. NULL when there is none, or it cannot be
 * read.
 */
const struct ax_snapshot_key *ax_snapshot_base_read(const struct ax_snapshot_base *b, uint64_t key,
                                                    struct ax_buf *out);

#endif
