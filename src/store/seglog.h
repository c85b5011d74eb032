/* seglog.h: an append-only log of records in segment files: what lasts is written here first.
 *
 * A position is the number of bytes from the log's first beginning; segments are named by the position at
 * which they start (20 digits, ".log"), so that a missing one shows. A record is a frame (store/frame.h): a
 * head with a checksum of its own, and a body with another; it never spans two segments. An append is one
 * write() to the page cache: it survives the process, and power loss after ax_seglog_sync(). Opening reads
 * every record's checksum from a position on: what follows the last sound record of the last segment is a
 * torn tail, cut off and counted; what is not sound and has a sound record behind it is damage: reported, and
 * passed over up to that record. Thread-safe: any number of appenders; readers hold a state of their own and
 * may follow a log that grows. */
#ifndef AX_STORE_SEGLOG_H
#define AX_STORE_SEGLOG_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

#define AX_SEGLOG_RECORD_MAX (256u << 20) /* bytes of one body */

struct ax_seglog;

/* What a log is opened with; 0 takes the default. */
struct ax_seglog_options {
    const char *dir;        /* made (0700, one level) when absent */
    uint64_t segment_bytes; /* a segment this long is closed and the next one begun; default 64 MiB */
    uint64_t check_from; /* records before this position (one that a record ended at) are not read at opening;
                          * a log that ends before it has lost what was behind, too; it goes on from there */
    bool fsync_always;   /* fsync each append; else only ax_seglog_sync() does */
};

/* What opening found. */
struct ax_seglog_report {
    uint64_t torn_bytes;                /* cut off at the tail */
    uint32_t damaged, missing_segments; /* places where records were lost */
    char text[256];                     /* the first of them, for a person; "" when there is none */
};

/* Open or make a log. AX_IO with a text when the folder or a file cannot be read or written, AX_UNSUPPORTED
 * with a text when one is of another version, AX_NOMEM. A full disk is no reason to fail: the first append
 * takes the first byte. report may be NULL. */
AX_MUST_USE enum ax_err ax_seglog_open(const struct ax_seglog_options *options, struct ax_seglog **out,
                                       struct ax_seglog_report *report, struct ax_diag *diag);

/* Close and free; NULL is fine. Does not sync. */
void ax_seglog_close(struct ax_seglog *log);

/* Append one record; *out_end (may be NULL) is the position behind it. AX_IO with a text (a full disk among
 * them; the text says which file): nothing of it will be read back (unless the disk takes no write any more,
 * to undo it, and the process ends), and a later append may succeed. AX_LIMIT above AX_SEGLOG_RECORD_MAX.
 * Cost: one write(). */
AX_MUST_USE enum ax_err ax_seglog_append(struct ax_seglog *log, uint8_t type, struct ax_str body,
                                         uint64_t *out_end, struct ax_diag *diag);

/* The same for a body in two parts, which are not joined before. */
AX_MUST_USE enum ax_err ax_seglog_append2(struct ax_seglog *log, uint8_t type, struct ax_str head,
                                          struct ax_str tail, uint64_t *out_end, struct ax_diag *diag);

/* Appends that failed with AX_IO so far: while it counts, senders are told to come again; lock-free. */
uint64_t ax_seglog_failures(const struct ax_seglog *log);

/* Bring everything appended so far to the disk, while others append. AX_IO with a text: it may not be there,
 * and the next call tries all of it again. A segment that was closed keeps a descriptor until this is called.
 */
AX_MUST_USE enum ax_err ax_seglog_sync(struct ax_seglog *log, struct ax_diag *diag);

/* Position of the oldest record that is kept; lock-free. */
uint64_t ax_seglog_begin(const struct ax_seglog *log);

/* Position behind the newest record; lock-free. */
uint64_t ax_seglog_end(const struct ax_seglog *log);

/* Remove the segments that lie wholly before a position, oldest first; the last one is never removed. AX_IO
 * with a text when one cannot be. Readers that stand in one read on to its end. */
AX_MUST_USE enum ax_err ax_seglog_cut(struct ax_seglog *log, uint64_t before, struct ax_diag *diag);

/* The start of the segment after the oldest one: what ax_seglog_cut() needs to remove just that. UINT64_MAX
 * when there is only one. */
uint64_t ax_seglog_second(const struct ax_seglog *log);

/* The next append begins a new segment (unless the last one holds no record yet, or none is there): for a
 * writer that decides itself where segments end, because each of its segments can be read alone. Writes
 * nothing; an append that fails leaves it so. */
void ax_seglog_roll(struct ax_seglog *log);

/* The start of the segment that holds a position: of the oldest one for a position before it, of the last one
 * for the end and what lies beyond. A reader may be made there. */
uint64_t ax_seglog_segment(const struct ax_seglog *log, uint64_t at);

/* One record as read; body is valid until the next read by the same reader. */
struct ax_seglog_record {
    uint64_t at, end; /* positions of its first byte and behind its last */
    uint8_t type;
    struct ax_str body;
};

/* Change the body of a record in place, its length stays; and say whether it did. An error ends the editing,
 * and nothing of the record's segment changes. */
typedef enum ax_err ax_seglog_edit_fn(void *ctx, const struct ax_seglog_record *record, uint8_t *body,
                                      bool *changed);

/* Let edit() see all records, oldest first. A segment in which one changes is written anew and takes its name
 * whole, so that a process that is killed leaves each one as it was or as it is to be; positions stay. Syncs
 * wait for one segment at most. Nobody appends meanwhile, and who reads begins anew afterwards: a reader may
 * stand in what was there before. On the disk when it returns. AX_IO, AX_NOMEM, what edit() returned, with a
 * text: some segments have changed; the same again goes on. */
AX_MUST_USE enum ax_err ax_seglog_edit(struct ax_seglog *log, ax_seglog_edit_fn *edit, void *ctx,
                                       struct ax_diag *diag);

struct ax_seglog_reader;

/* A reader that stands at a position (one that ax_seglog_append() or a record gave; any before the beginning
 * means the beginning, any behind the end the end). AX_NOMEM. The log outlives it. */
AX_MUST_USE enum ax_err ax_seglog_reader_new(struct ax_seglog *log, uint64_t at,
                                             struct ax_seglog_reader **out);

/* Read the next record. AX_NOTREADY at the end (ask again later). AX_CORRUPT with a text when records were
 * lost (damage, or a segment that is missing or was cut away): the reader then stands at the next sound
 * place. AX_IO, AX_NOMEM: it stands where it stood. */
AX_MUST_USE enum ax_err ax_seglog_read(struct ax_seglog_reader *r, struct ax_seglog_record *out,
                                       struct ax_diag *diag);

/* Where it stands: the position of the record that the next read will give. */
uint64_t ax_seglog_reader_at(const struct ax_seglog_reader *r);

/* Free; NULL is fine. */
void ax_seglog_reader_free(struct ax_seglog_reader *r);

#endif
