/* recover.c: what a log finds when it is opened.
 *
 * Everything from check_from on is read through. Bytes behind the last sound record of the last segment are a
 * torn tail, whatever they are (a record half-written, zeros that a file system left): nothing sound follows
 * them, so nothing is lost by cutting them off. Bytes that are not sound and have a sound record behind them
 * are damage: they stay, and readers pass over them. */
#include "store/seglog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What recovery knows of the last segment beyond its entry in the table. */
struct last {
    struct ax_segment *seg; /* NULL: there is none */
    uint64_t file_bytes;
    bool head_sound, damaged;
};

static void note(struct ax_seglog_report *report, uint32_t *counter, const char *text)
{
    ++*counter;
    if (report->text[0] == '\0') {
        size_t n = strlen(text);
        n = n < sizeof report->text ? n : sizeof report->text - 1;
        memcpy(report->text, text, n);
        report->text[n] = '\0';
    }
}

static enum ax_err fail_name(const struct ax_seglog *log, const char *name, int error, const char *verb,
                             struct ax_diag *diag)
{
    return ax_folder_fail(diag, error, verb, log->folder.path, name);
}

/* Look at the head of a segment's file. */
static enum ax_err check_head(const struct ax_seglog *log, const char *name, int fd, uint64_t start,
                              bool *sound, struct ax_diag *diag)
{
    uint8_t head[AX_FILE_HEAD] = {0};
    uint32_t version = 0;
    ssize_t n;
    do
        n = pread(fd, head, sizeof head, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return fail_name(log, name, errno, "read", diag);
    enum ax_file_head found = ax_file_head_get(head, AX_SEGLOG_MAGIC, AX_SEGLOG_VERSION, start, &version);
    if (found == AX_FILE_OTHER_VERSION)
        return ax_fail(diag, AX_UNSUPPORTED,
                       "%s/%s is of format %" PRIu32
                       ", this auspex reads format %u: start the version that wrote "
                       "it, or move the folder away",
                       log->folder.path, name, version, AX_SEGLOG_VERSION);
    *sound = found == AX_FILE_SOUND;
    return AX_OK;
}

/* Put one file into the table. next is where the segment behind it starts. */
static enum ax_err add_file(struct ax_seglog *log, uint64_t start, uint64_t next, uint64_t check_from,
                            struct last *last, struct ax_seglog_report *report, struct ax_diag *diag)
{
    char name[AX_FOLDER_NAME];
    struct stat st;
    bool is_last = next == UINT64_MAX, sound = true;
    ax_folder_name(name, start, AX_SEGLOG_SUFFIX);
    int fd = openat(log->folder.fd, name, (is_last ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return fail_name(log, name, errno, "open", diag);
    enum ax_err err = fstat(fd, &st) != 0 ? fail_name(log, name, errno, "look at", diag) : AX_OK;
    uint64_t bytes = err == AX_OK && st.st_size > AX_FILE_HEAD ? (uint64_t)st.st_size - AX_FILE_HEAD : 0;
    uint64_t end = bytes < next - start ? start + bytes : next;
    if (err == AX_OK && (is_last || end > check_from))
        err = check_head(log, name, fd, start, &sound, diag);
    struct ax_segment *s = NULL;
    if (err == AX_OK && !(s = ax_segments_add(log, start, end, is_last ? fd : -1)))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (!s || !is_last)
        (void)close(fd);
    if (err != AX_OK)
        return err;
    atomic_store(&s->sealed, !is_last);
    atomic_store(&log->end, end);
    if (is_last)
        *last = (struct last){.seg = s, .file_bytes = (uint64_t)st.st_size, .head_sound = sound};
    else if (!sound) {
        struct ax_diag text;
        (void)ax_fail(&text, AX_CORRUPT, "the head of %s/%s is damaged: check the disk", log->folder.path,
                      name);
        note(report, &report->damaged, text.text);
    }
    return AX_OK;
}

/* Read everything from check_from on; the last segment ends where its last sound record does. */
static enum ax_err read_through(struct ax_seglog *log, uint64_t check_from, struct last *last,
                                struct ax_seglog_report *report, struct ax_diag *diag)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_lost lost = {0};
    struct ax_diag text;
    enum ax_err err = ax_seglog_reader_new(log, check_from, &r);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory");
    for (enum ax_step step = AX_STEP_RECORD; step != AX_STEP_END && step != AX_STEP_ERROR;) {
        step = ax_seglog_step(r, &record, &lost, &text);
        if (step == AX_STEP_GAP) {
            note(report, &report->missing_segments, text.text);
        } else if (step == AX_STEP_DAMAGE) {
            bool in_last = last->seg && lost.from >= last->seg->start;
            if (in_last && lost.to == atomic_load(&last->seg->end)) {
                atomic_store(&last->seg->end, lost.from);
                break;
            }
            last->damaged = last->damaged || in_last;
            note(report, &report->damaged, text.text);
        } else if (step == AX_STEP_ERROR) {
            err = ax_fail(diag, lost.err, "%s%s", text.text,
                          lost.err == AX_IO ? "; to start without what the file holds, move it away" : "");
        }
    }
    ax_seglog_reader_free(r);
    return err;
}

/* Cut the torn tail off, and say whether the last segment can be written on. */
static enum ax_err settle_last(struct ax_seglog *log, struct last *last, struct ax_seglog_report *report,
                               struct ax_diag *diag)
{
    struct ax_segment *s = last->seg;
    char name[AX_FOLDER_NAME];
    ax_folder_name(name, s->start, AX_SEGLOG_SUFFIX);
    uint64_t end = atomic_load(&s->end);
    uint64_t sound_bytes = (uint64_t)ax_segment_place(s, end);
    if (end == s->start && !last->head_sound) { /* begun, and not one record came to be in it */
        if (unlinkat(log->folder.fd, name, 0) != 0)
            return fail_name(log, name, errno, "remove", diag);
        report->torn_bytes = last->file_bytes;
        uint64_t start = s->start;
        ax_segments_drop_from(log, start);
        atomic_store(&log->end, start);
        return AX_OK;
    }
    if (last->file_bytes > sound_bytes) {
        if (ftruncate(s->fd, (off_t)sound_bytes) != 0)
            return fail_name(log, name, errno, "cut short", diag);
        report->torn_bytes = last->file_bytes - sound_bytes;
    }
    atomic_store(&log->end, end);
    if (!last->head_sound) {
        struct ax_diag text;
        (void)ax_fail(&text, AX_CORRUPT, "the head of %s/%s is damaged: check the disk", log->folder.path,
                      name);
        note(report, &report->damaged, text.text);
    }
    /* A file with damage in it is not written on. */
    if (last->head_sound && !last->damaged)
        log->current = s;
    else
        atomic_store(&s->sealed, true);
    return AX_OK;
}

/* Remove what a process that was killed while it changed records has left: it may hold what was to go. */
static enum ax_err remove_copies(const struct ax_seglog *log, struct ax_diag *diag)
{
    struct ax_numbers copies;
    enum ax_err err = ax_folder_list(&log->folder, AX_SEGLOG_COPY_SUFFIX, &copies, diag);
    for (size_t i = 0; err == AX_OK && i < copies.n; i++) {
        char name[AX_FOLDER_NAME];
        ax_folder_name(name, copies.v[i], AX_SEGLOG_COPY_SUFFIX);
        if (unlinkat(log->folder.fd, name, 0) != 0 && errno != ENOENT)
            err = fail_name(log, name, errno, "remove", diag);
    }
    free(copies.v);
    return err;
}

enum ax_err ax_seglog_recover(struct ax_seglog *log, uint64_t check_from, struct ax_seglog_report *report,
                              struct ax_diag *diag)
{
    struct ax_numbers starts;
    struct last last = {0};
    enum ax_err err = remove_copies(log, diag);
    if (err != AX_OK)
        return err;
    err = ax_folder_list(&log->folder, AX_SEGLOG_SUFFIX, &starts, diag);
    for (size_t i = 0; err == AX_OK && i < starts.n; i++)
        err = add_file(log, starts.v[i], i + 1 < starts.n ? starts.v[i + 1] : UINT64_MAX, check_from, &last,
                       report, diag);
    free(starts.v);
    if (err == AX_OK && last.seg)
        err = read_through(log, check_from, &last, report, diag);
    if (err == AX_OK && last.seg)
        err = settle_last(log, &last, report, diag);
    if (err != AX_OK)
        return err;
    /* What a snapshot already holds may be gone; positions never go back. What was behind it is gone as well.
     */
    if (atomic_load(&log->end) < check_from) {
        struct ax_diag text;
        (void)ax_fail(&text, AX_CORRUPT, "%s ends at %" PRIu64 ", and is missing what led to %" PRIu64,
                      log->folder.path, atomic_load(&log->end), check_from);
        note(report, &report->missing_segments, text.text);
        if (log->current)
            atomic_store(&log->current->sealed, true);
        log->current = NULL;
        atomic_store(&log->end, check_from);
        if (log->n == 0)
            atomic_store(&log->begin, check_from);
    }
    return AX_OK;
}
