/* A file of positions of any bytes: it is refused, or gives lanes that can be moved and are there when it is
 * opened again. */
#include "emit/positions.h"
#include "folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *made;
static char path[128];

/* A file as the program makes it names where the bytes go. */
static void make_folder(void)
{
    struct ax_positions *p = NULL;
    struct ax_diag diag = {{0}};
    const struct ax_positions_owner owner = {
        .name = ax_str("a"), .url = ax_str("http://a/write"), .rules = 1};
    if (made)
        return;
    made = fuzz_folder();
    AX_ASSERT(ax_positions_create(made, &owner, 7, &p, &diag) == AX_OK);
    (void)snprintf(path, sizeof path, "%s/%u.position", made, ax_positions_number(p));
    ax_positions_close(p);
    AX_ASSERT(access(path, F_OK) == 0);
}

static struct ax_positions *open_it(bool claimed)
{
    struct ax_positions *p = NULL;
    struct ax_positions_list list;
    struct ax_diag diag = {{0}};
    AX_ASSERT(ax_positions_list(made, &list, &diag) == AX_OK && list.n == 1);
    enum ax_err err = ax_positions_open(made, list.v[0].number, &p, &diag);
    AX_ASSERT(err == AX_OK ||
              (!claimed && (err == AX_CORRUPT || err == AX_IO || err == AX_UNSUPPORTED) && diag.text[0]));
    ax_positions_list_free(&list);
    return err == AX_OK ? p : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t lanes[AX_LANES], again[AX_LANES];
    struct ax_diag diag = {{0}};
    const struct ax_positions_owner owner = {
        .name = ax_str("b"), .url = ax_str("http://b/write"), .rules = 2};
    if (size > 65536)
        return 0;
    make_folder();
    int fd = open(path, O_WRONLY | O_TRUNC);
    AX_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
    struct ax_positions *p = open_it(false);
    if (!p)
        return 0;
    AX_ASSERT(ax_positions_give(p, &owner, 1000, &diag) == AX_OK);
    ax_positions_get(p, 0, AX_LANES, lanes);
    for (uint32_t i = 0; i < AX_LANES; i++)
        AX_ASSERT(lanes[i] <= 1000);
    AX_ASSERT(ax_positions_put(p, 3, 5, 2000, &diag) == AX_OK);
    ax_positions_get(p, 0, AX_LANES, lanes);
    ax_positions_close(p);
    p = open_it(true);
    ax_positions_get(p, 0, AX_LANES, again);
    for (uint32_t i = 0; i < AX_LANES; i++)
        AX_ASSERT(again[i] == lanes[i] && (i < 3 || i >= 8 || again[i] == 2000));
    ax_positions_close(p);
    return 0;
}
