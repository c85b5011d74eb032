/* Label sets read from any bytes: what is read can be written in both spellings and reads back the same. */
#include "base/assert.h"
#include "prom/labels.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const struct ax_labels *ls, struct ax_arena *arena)
{
    struct ax_buf out;
    struct ax_labels back;
    ax_buf_init(&out, 64u << 20);
    ax_labels_write(ls, &out);
    AX_ASSERT(ax_labels_parse(ax_buf_view(&out), arena, &back, NULL) == AX_OK);
    AX_ASSERT(ax_labels_eq(ls, &back));
    ax_buf_reset(&out);
    ax_labels_key_write(ls, &out);
    AX_ASSERT(ax_labels_key_parse(ax_buf_view(&out), arena, &back, NULL) == AX_OK);
    AX_ASSERT(ax_labels_cmp(ls, &back) == 0);
    AX_ASSERT(ax_labels_hash(ls, 1) == ax_labels_hash(&back, 1));
    ax_buf_done(&out);
    struct ax_labels *copy = ax_labels_dup(ls);
    AX_ASSERT(copy && ax_labels_eq(copy, ls));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ax_str text = {(const char *)data, size};
    struct ax_arena arena;
    struct ax_labels ls;
    struct ax_diag diag;
    ax_arena_init(&arena, 256u << 20);
    if (ax_labels_parse(text, &arena, &ls, &diag) == AX_OK)
        round_trip(&ls, &arena);
    if (ax_labels_key_parse(text, &arena, &ls, &diag) == AX_OK)
        round_trip(&ls, &arena);
    ax_arena_done(&arena);
    return 0;
}
