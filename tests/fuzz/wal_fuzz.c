/* wal_fuzz.c: a log whose files are any bytes, or whose sound files were tampered with.
 *
 * First byte 0: the rest is a segment's file. Whatever it holds, opening it either refuses its version or
 * gives a log that reads to its end, that can be appended to, and that gives the same records when it is
 * opened again. First byte 1: a script. Each record of the log is a byte of length and so many bytes, with a
 * length of 0 ending the segment; two of these in a row end the log; then come steps of tampering, of six
 * bytes each. What is read afterwards are records of the log, in order; and those that no step touched are
 * all there. */
#include "folder.h"
#include "store/frame.h"
#include "store/seglog.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDS_MAX 64
#define FILES_MAX 70

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* A record, and whether it may be gone. */
struct record {
    struct ax_str body;
    uint64_t at, end;
    bool touched;
};

struct world {
    const char *dir;
    struct ax_seglog *log;
    struct record records[RECORDS_MAX];
    size_t n;
    uint64_t starts[FILES_MAX]; /* of the segments */
    size_t files;
};

static void path_of(char path[128], const char *in, uint64_t start)
{
    (void)snprintf(path, 128, "%s/%020" PRIu64 ".log", in, start);
}

static void open_log(struct world *w, struct ax_seglog_report *report)
{
    struct ax_diag diag = {{0}};
    ax_seglog_close(w->log);
    w->log = NULL;
    enum ax_err err = ax_seglog_open(&(struct ax_seglog_options){.dir = w->dir}, &w->log, report, &diag);
    AX_ASSERT(err == AX_OK || (err == AX_UNSUPPORTED && diag.text[0]));
    AX_ASSERT((err == AX_OK) == (w->log != NULL));
}

static void append(struct world *w, struct ax_str body)
{
    AX_ASSERT(w->n < RECORDS_MAX);
    struct record *r = &w->records[w->n++];
    *r = (struct record){.body = body, .at = ax_seglog_end(w->log)};
    AX_ASSERT(ax_seglog_append(w->log, 7, body, &r->end, NULL) == AX_OK);
}

/* Read to the end; a sum of all records and their number. */
static uint64_t read_all(struct world *w, uint64_t *number)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_diag diag;
    uint64_t at = 0, sum = 0;
    *number = 0;
    AX_ASSERT(ax_seglog_reader_new(w->log, 0, &r) == AX_OK);
    for (;;) {
        diag.text[0] = '\0';
        enum ax_err err = ax_seglog_read(r, &record, &diag);
        if (err == AX_NOTREADY)
            break;
        AX_ASSERT(err == AX_OK || (err == AX_CORRUPT && diag.text[0]));
        AX_ASSERT(ax_seglog_reader_at(r) > at);
        at = ax_seglog_reader_at(r);
        if (err != AX_OK)
            continue;
        AX_ASSERT(record.end == at && record.end - record.at == AX_FRAME_HEAD + record.body.n);
        sum = sum * 31 + ax_frame_crc(record.type, record.body, (struct ax_str){NULL, 0}) + record.at;
        ++*number;
    }
    AX_ASSERT(at == 0 || at == ax_seglog_end(w->log));
    ax_seglog_reader_free(r);
    return sum;
}

static void any_bytes(struct world *w, const uint8_t *data, size_t n)
{
    char path[128];
    uint64_t number, more;
    struct ax_seglog_report report;
    path_of(path, w->dir, 0);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    AX_ASSERT(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    (void)close(fd);
    open_log(w, &report);
    if (!w->log)
        return;
    uint64_t sum = read_all(w, &number);
    open_log(w, &report);
    AX_ASSERT(read_all(w, &more) == sum && more == number && report.torn_bytes == 0);
    append(w, ax_str("one more"));
    sum = read_all(w, &more);
    AX_ASSERT(more == number + 1);
    open_log(w, &report);
    AX_ASSERT(read_all(w, &number) == sum && number == more && report.torn_bytes == 0);
}

/* Write the log that the script describes; returns what is left of the script. */
static struct ax_str write_log(struct world *w, struct ax_str script)
{
    open_log(w, NULL);
    w->starts[w->files++] = 0;
    while (script.n > 0 && w->n < RECORDS_MAX - 1) {
        size_t n = (uint8_t)*script.p++;
        script.n--;
        if (n == 0 && (script.n == 0 || *script.p == 0))
            break;
        if (n == 0) {
            ax_seglog_roll(w->log);
            continue;
        }
        n = n < script.n ? n : script.n;
        if (w->n > 0 && ax_seglog_segment(w->log, UINT64_MAX) != w->starts[w->files - 1])
            w->starts[w->files++] = ax_seglog_segment(w->log, UINT64_MAX);
        append(w, (struct ax_str){script.p, n});
        script.p += n;
        script.n -= n;
    }
    if (w->n > 0 && ax_seglog_segment(w->log, UINT64_MAX) != w->starts[w->files - 1])
        w->starts[w->files++] = ax_seglog_segment(w->log, UINT64_MAX);
    ax_seglog_close(w->log);
    w->log = NULL;
    return script;
}

/* Records in [from, to) of a segment may be gone. */
static void touch(struct world *w, size_t file, uint64_t from, uint64_t to)
{
    uint64_t end = file + 1 < w->files ? w->starts[file + 1] : UINT64_MAX;
    for (size_t i = 0; i < w->n; i++)
        if (w->records[i].at >= w->starts[file] && w->records[i].at < end && w->records[i].end > from &&
            w->records[i].at < to)
            w->records[i].touched = true;
}

/* One step: which file, what to do, where, with what. */
static void tamper(struct world *w, const uint8_t step[6])
{
    char path[128];
    size_t file = step[0] % w->files;
    uint64_t start = w->starts[file];
    path_of(path, w->dir, start);
    int fd = open(path, O_RDWR);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    if (fd < 0 || size == 0) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    off_t place = (step[2] | step[3] << 8) % size;
    uint64_t at = place < AX_FILE_HEAD ? start : start + (uint64_t)place - AX_FILE_HEAD;
    uint8_t bytes[256] = {0};
    size_t n = step[4];
    if (step[1] % 4 == 0) { /* wrong bytes; behind the end, too */
        memset(bytes, step[5], sizeof bytes);
        AX_ASSERT(pwrite(fd, bytes, n, place) == (ssize_t)n);
        touch(w, file, at, at + n);
    } else if (step[1] % 4 == 1) {
        AX_ASSERT(ftruncate(fd, place) == 0);
        touch(w, file, at, UINT64_MAX);
    } else if (step[1] % 4 == 2) { /* zeros behind the end */
        AX_ASSERT(ftruncate(fd, size + (off_t)n * 50) == 0);
    } else {
        AX_ASSERT(unlink(path) == 0);
        touch(w, file, 0, UINT64_MAX);
    }
    (void)close(fd);
}

/* What is read are records of the log, in order, and all that were not touched. */
static void check(struct world *w)
{
    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    size_t i = 0;
    enum ax_err err;
    AX_ASSERT(ax_seglog_reader_new(w->log, 0, &r) == AX_OK);
    while ((err = ax_seglog_read(r, &record, NULL)) != AX_NOTREADY) {
        AX_ASSERT(err == AX_OK || err == AX_CORRUPT);
        if (err == AX_CORRUPT)
            continue;
        for (; i < w->n && w->records[i].at < record.at; i++)
            AX_ASSERT(w->records[i].touched);
        AX_ASSERT(i < w->n && w->records[i].at == record.at && record.type == 7);
        AX_ASSERT(ax_str_eq(w->records[i].body, record.body));
        i++;
    }
    for (; i < w->n; i++)
        AX_ASSERT(w->records[i].touched);
    ax_seglog_reader_free(r);
}

static void script(struct world *w, struct ax_str s)
{
    s = write_log(w, s);
    for (int i = 0; i < 8 && s.n >= 6; i++, s.p += 6, s.n -= 6)
        tamper(w, (const uint8_t *)s.p);
    open_log(w, NULL);
    if (!w->log)
        return;
    check(w);
    /* Records whose positions are given anew, because the tail that held them is gone, are gone for good. */
    while (w->n > 0 && w->records[w->n - 1].end > ax_seglog_end(w->log))
        AX_ASSERT(w->records[--w->n].touched);
    append(w, ax_str("one more"));
    check(w);
    open_log(w, NULL);
    check(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct world w;
    char path[128];
    if (n == 0 || n > 65536)
        return 0;
    w = (struct world){.dir = fuzz_folder()};
    if (data[0] % 2 == 0)
        any_bytes(&w, data + 1, n - 1);
    else
        script(&w, (struct ax_str){(const char *)data + 1, n - 1});
    ax_seglog_close(w.log);
    path_of(path, w.dir, 0);
    (void)unlink(path);
    for (size_t i = 0; i < w.n; i++) {
        path_of(path, w.dir, w.records[i].at);
        (void)unlink(path);
    }
    for (size_t i = 0; i < w.files; i++) {
        path_of(path, w.dir, w.starts[i]);
        (void)unlink(path);
    }
    return 0;
}
