/* snapshot_fuzz.c: any bytes as a snapshot; or one that is sound, with one byte wrong, or cut short.
 *
 * First byte 0: the rest is the file. It is refused with a reason, or gives its sections twice the same.
 * First byte 1: a place (two bytes), what to do there (another byte, or an end), and the byte; the rest is
 * made into sections of a length byte and so many bytes. Unless nothing was changed, it is refused.
 * First byte 2: the same, and behind these five bytes how many of the rest are the sections of a whole one,
 * by which the others are told. Unless nothing was changed, the whole one is taken. First byte 3: how many
 * bytes there were before, these, and what is said to have changed since. */
#include "folder.h"
#include "store/changes.h"
#include "store/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define CHANGES "00000000000000000006.changes"

/* The file of the one snapshot. */
static const char *file(void)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%020d.snap", fuzz_folder(), 5);
    return path;
}

/* And of what has changed since. */
static const char *changes_file(void)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/" CHANGES, fuzz_folder());
    return path;
}

static uint64_t read_sections(struct ax_snapshot *s)
{
    struct ax_str body;
    uint8_t type;
    uint64_t sum = 1;
    while (ax_snapshot_next(s, &type, &body)) {
        AX_ASSERT(type != 0);
        sum = sum * 31 + type;
        for (size_t i = 0; i < body.n; i++)
            sum = sum * 31 + (uint8_t)body.p[i];
    }
    ax_snapshot_close(s);
    return sum | 1;
}

/* Open the newer of the two and read it all; which position it is of. */
static uint64_t read_newest(uint64_t *position)
{
    struct ax_snapshot *s = NULL;
    struct ax_diag passed;
    AX_ASSERT(ax_snapshot_open(fuzz_folder(), &s, &passed, NULL) == AX_OK);
    *position = ax_snapshot_position(s);
    AX_ASSERT((*position == 6) == !strstr(passed.text, CHANGES " "));
    return read_sections(s);
}

/* Open it and read it all: 0 when it is refused. */
static uint64_t read_it(void)
{
    struct ax_snapshot *s = NULL;
    struct ax_diag passed, diag = {{0}};
    enum ax_err err = ax_snapshot_open(fuzz_folder(), &s, &passed, &diag);
    AX_ASSERT((err == AX_OK) == (s != NULL) && (err == AX_OK || err == AX_NOTFOUND));
    if (err != AX_OK) {
        AX_ASSERT(diag.text[0] && strstr(passed.text, ".snap is "));
        return 0;
    }
    AX_ASSERT(ax_snapshot_position(s) == 5 && !passed.text[0]);
    return read_sections(s);
}

/* A whole one, or one told by another; every second section has a key. */
static uint64_t write_sections(const uint8_t *p, size_t n, struct ax_snapshot_base *by,
                               struct ax_snapshot_base **base)
{
    struct ax_snapshot_writer *w;
    uint64_t sum = 1, bytes;
    AX_ASSERT(ax_snapshot_begin(fuzz_folder(), by ? 6 : 5, &w, NULL) == AX_OK);
    AX_ASSERT(!by || ax_snapshot_tell_by(w, by) == AX_OK);
    for (uint8_t type = 1; n > 0; type = (uint8_t)(type % 255 + 1)) {
        size_t k = *p++;
        n--;
        k = k < n ? k : n;
        const struct ax_str body = {(const char *)p, k};
        if (type % 2)
            ax_snapshot_put_keyed(w, type, type, body);
        else
            ax_snapshot_put(w, type, body);
        sum = sum * 31 + type;
        for (size_t i = 0; i < k; i++)
            sum = sum * 31 + p[i];
        p += k;
        n -= k;
    }
    AX_ASSERT(ax_snapshot_commit_base(w, base, &bytes, NULL) == AX_OK);
    return sum | 1;
}

/* Returns whether the file is another one now. */
static bool tamper(const char *path, const uint8_t step[4])
{
    int fd = open(path, O_RDWR);
    AX_ASSERT(fd >= 0);
    off_t size = lseek(fd, 0, SEEK_END), place = (step[0] | step[1] << 8) % (size + 1);
    uint8_t was = 0;
    bool changed = true;
    if (step[2] % 3 == 0) {
        AX_ASSERT(ftruncate(fd, place) == 0);
        changed = place < size;
    } else if (step[2] % 3 == 1) {
        changed = pread(fd, &was, 1, place) == 0 || was != step[3];
        AX_ASSERT(pwrite(fd, &step[3], 1, place) == 1);
    } else {
        changed = false;
    }
    (void)close(fd);
    return changed;
}

/* A whole one and one told by it, with something wrong with either. */
static void try_changes(const uint8_t *data, size_t n)
{
    struct ax_snapshot_base *base, *none;
    const size_t first = data[5] < n - 6 ? data[5] : n - 6;
    uint64_t position;
    const uint64_t before = write_sections(data + 6, first, NULL, &base);
    if (base) {
        const uint64_t after = write_sections(data + 6 + first, n - 6 - first, base, &none);
        AX_ASSERT(!none && read_newest(&position) == after && position == 6);
        const bool changed = tamper(changes_file(), data + 1);
        AX_ASSERT(read_newest(&position) == (changed ? before : after) && position == (changed ? 5 : 6));
        (void)unlink(changes_file());
    }
    ax_snapshot_base_free(base);
}

/* Whatever is said to have changed. */
static void apply(const uint8_t *data, size_t n)
{
    static uint8_t out[4096];
    struct ax_changes *c;
    const size_t first = data[0] < n - 1 ? data[0] : n - 1;
    AX_ASSERT(ax_changes_new(&c) == AX_OK);
    for (size_t room = 0; room <= sizeof out; room += 512) {
        const enum ax_err err =
            ax_changes_apply(c, (struct ax_str){(const char *)data + 1, first},
                             (struct ax_str){(const char *)data + 1 + first, n - 1 - first}, out, room);
        AX_ASSERT(err == AX_OK || err == AX_CORRUPT);
    }
    ax_changes_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ax_snapshot_base *base;
    if (n == 0 || n > 65536)
        return 0;
    if (data[0] % 4 == 0) {
        int fd = open(file(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        AX_ASSERT(fd >= 0 && write(fd, data + 1, n - 1) == (ssize_t)(n - 1));
        (void)close(fd);
        uint64_t sum = read_it();
        AX_ASSERT(read_it() == sum);
    } else if (data[0] % 4 == 1 && n > 5) {
        uint64_t sum = write_sections(data + 5, n - 5, NULL, &base);
        ax_snapshot_base_free(base);
        AX_ASSERT(read_it() == sum);
        if (tamper(file(), data + 1))
            AX_ASSERT(read_it() == 0);
    } else if (data[0] % 4 == 2 && n > 6) {
        try_changes(data, n);
    } else if (data[0] % 4 == 3 && n > 1) {
        apply(data + 1, n - 1);
    }
    return 0;
}
