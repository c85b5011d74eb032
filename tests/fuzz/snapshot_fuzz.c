/* snapshot_fuzz.c: any bytes as a snapshot; or one that is sound, with one byte wrong, or cut short.
 *
 * First byte 0: the rest is the file. It is refused with a reason, or gives its sections twice the same.
 * First byte 1: a place (two bytes), what to do there (another byte, or an end), and the byte; the rest is
 * made into sections of a length byte and so many bytes. Unless nothing was changed, it is refused. */
#include "folder.h"
#include "store/snapshot.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* The file of the one snapshot. */
static const char *file(void)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%020d.snap", fuzz_folder(), 5);
    return path;
}

/* Open it and read it all: 0 when it is refused. */
static uint64_t read_it(void)
{
    struct ax_snapshot *s = NULL;
    struct ax_diag passed, diag = {{0}};
    struct ax_str body;
    uint8_t type;
    uint64_t sum = 1;
    enum ax_err err = ax_snapshot_open(fuzz_folder(), &s, &passed, &diag);
    AX_ASSERT((err == AX_OK) == (s != NULL) && (err == AX_OK || err == AX_NOTFOUND));
    if (err != AX_OK) {
        AX_ASSERT(diag.text[0] && strstr(passed.text, ".snap is "));
        return 0;
    }
    AX_ASSERT(ax_snapshot_position(s) == 5 && !passed.text[0]);
    while (ax_snapshot_next(s, &type, &body)) {
        AX_ASSERT(type != 0);
        sum = sum * 31 + type;
        for (size_t i = 0; i < body.n; i++)
            sum = sum * 31 + (uint8_t)body.p[i];
    }
    ax_snapshot_close(s);
    return sum | 1;
}

static uint64_t write_sections(const uint8_t *p, size_t n)
{
    struct ax_snapshot_writer *w;
    uint64_t sum = 1;
    AX_ASSERT(ax_snapshot_begin(fuzz_folder(), 5, &w, NULL) == AX_OK);
    for (uint8_t type = 1; n > 0; type = (uint8_t)(type % 255 + 1)) {
        size_t k = *p++;
        n--;
        k = k < n ? k : n;
        ax_snapshot_put(w, type, (struct ax_str){(const char *)p, k});
        sum = sum * 31 + type;
        for (size_t i = 0; i < k; i++)
            sum = sum * 31 + p[i];
        p += k;
        n -= k;
    }
    AX_ASSERT(ax_snapshot_commit(w, NULL) == AX_OK);
    return sum | 1;
}

/* Returns whether the file is another one now. */
static bool tamper(const uint8_t step[4])
{
    int fd = open(file(), O_RDWR);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0 || n > 65536)
        return 0;
    if (data[0] % 2 == 0) {
        int fd = open(file(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        AX_ASSERT(fd >= 0 && write(fd, data + 1, n - 1) == (ssize_t)(n - 1));
        (void)close(fd);
        uint64_t sum = read_it();
        AX_ASSERT(read_it() == sum);
    } else if (n > 5) {
        uint64_t sum = write_sections(data + 5, n - 5);
        AX_ASSERT(read_it() == sum);
        if (tamper(data + 1))
            AX_ASSERT(read_it() == 0);
    }
    return 0;
}
