/* snapshot_base.c: where the sections of a whole snapshot are that others are told by. */
#include "store/snapshot_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOM_FIRST 256

struct ax_snapshot_base *ax_snapshot_base_new(void)
{
    struct ax_snapshot_base *b = calloc(1, sizeof *b);
    struct ax_snapshot_key *keys = b ? malloc(ROOM_FIRST * sizeof *keys) : NULL;
    if (!keys) {
        free(b);
        return NULL;
    }
    b->fd = -1;
    b->keys = keys;
    b->room = ROOM_FIRST;
    return b;
}

bool ax_snapshot_base_add(struct ax_snapshot_base *b, uint64_t key, uint64_t place, uint32_t n)
{
    if (b->keys_n == b->room) {
        const size_t room = 2 * b->room;
        struct ax_snapshot_key *keys = realloc(b->keys, room * sizeof *keys);
        if (!keys)
            return false;
        b->keys = keys;
        b->room = room;
    }
    b->keys[b->keys_n++] = (struct ax_snapshot_key){key, place, n};
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct ax_snapshot_key *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

void ax_snapshot_base_sort(struct ax_snapshot_base *b)
{
    if (b->keys_n)
        qsort(b->keys, b->keys_n, sizeof *b->keys, by_key);
}

static const struct ax_snapshot_key *find(const struct ax_snapshot_base *b, uint64_t key)
{
    size_t low = 0, high = b->keys_n;
    while (low < high) {
        const size_t at = low + (high - low) / 2;
        if (b->keys[at].key < key)
            low = at + 1;
        else
            high = at;
    }
    return low < b->keys_n && b->keys[low].key == key ? &b->keys[low] : NULL;
}

const struct ax_snapshot_key *ax_snapshot_base_read(const struct ax_snapshot_base *b, uint64_t key,
                                                    struct ax_buf *out)
{
    const struct ax_snapshot_key *at = find(b, key);
    ax_buf_reset(out);
    if (!at || at->n > AX_CHANGES_MAX || !ax_buf_reserve(out, at->n))
        return NULL;
    while (out->n < at->n) {
        const ssize_t n = pread(b->fd, out->bytes + out->n, at->n - out->n, (off_t)(at->place + out->n));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return NULL;
        out->n += (size_t)n;
    }
    return at;
}

uint64_t ax_snapshot_base_position(const struct ax_snapshot_base *b)
{
    return b->position;
}

void ax_snapshot_base_free(struct ax_snapshot_base *b)
{
    if (!b)
        return;
    if (b->fd >= 0)
        (void)close(b->fd);
    free(b->keys);
    free(b);
}
