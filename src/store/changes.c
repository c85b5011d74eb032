/* changes.c: zstd's fastest strategy, with tables that hold both. */
#include "store/changes.h"

#include <stdlib.h>
#include <zstd.h>

#define WINDOW_LOG_MIN 10
#define WINDOW_LOG_MAX 25 /* twice AX_CHANGES_MAX */
#define HASH_LOG_MAX 18

struct ax_changes {
    ZSTD_CCtx *tell;
    ZSTD_DCtx *apply;
};

enum ax_err ax_changes_new(struct ax_changes **out)
{
    struct ax_changes *c = *out = calloc(1, sizeof *c);
    if (!c)
        return AX_NOMEM;
    c->tell = ZSTD_createCCtx();
    c->apply = ZSTD_createDCtx();
    if (c->tell && c->apply)
        return AX_OK;
    ax_changes_free(c);
    *out = NULL;
    return AX_NOMEM;
}

void ax_changes_free(struct ax_changes *c)
{
    if (!c)
        return;
    (void)ZSTD_freeCCtx(c->tell);
    (void)ZSTD_freeDCtx(c->apply);
    free(c);
}

static int log2_above(size_t n)
{
    int log = WINDOW_LOG_MIN;
    while (log < WINDOW_LOG_MAX && ((size_t)1 << log) < n)
        log++;
    return log;
}

static bool set(ZSTD_CCtx *tell, ZSTD_cParameter what, int value)
{
    return !ZSTD_isError(ZSTD_CCtx_setParameter(tell, what, value));
}

bool ax_changes_tell(struct ax_changes *c, struct ax_str before, struct ax_str now, struct ax_buf *out)
{
    ax_buf_reset(out);
    if (before.n > AX_CHANGES_MAX || now.n > AX_CHANGES_MAX || now.n == 0 || !ax_buf_reserve(out, now.n))
        return false;
    const int window_log = log2_above(before.n + now.n);
    const int hash_log = window_log < HASH_LOG_MAX ? window_log : HASH_LOG_MAX;
    (void)ZSTD_CCtx_reset(c->tell, ZSTD_reset_session_and_parameters);
    if (!set(c->tell, ZSTD_c_compressionLevel, 1) || !set(c->tell, ZSTD_c_windowLog, window_log) ||
        !set(c->tell, ZSTD_c_hashLog, hash_log) || !set(c->tell, ZSTD_c_checksumFlag, 1) ||
        ZSTD_isError(ZSTD_CCtx_refPrefix(c->tell, before.p, before.n)))
        return false;
    const size_t n = ZSTD_compress2(c->tell, out->bytes, now.n, now.p, now.n);
    if (ZSTD_isError(n) || n >= now.n) /* too long for the room counts as no shorter */
        return false;
    out->n = n;
    return true;
}

enum ax_err ax_changes_apply(struct ax_changes *c, struct ax_str before, struct ax_str changes, uint8_t *now,
                             size_t n)
{
    if (before.n > AX_CHANGES_MAX || n > AX_CHANGES_MAX)
        return AX_CORRUPT;
    (void)ZSTD_DCtx_reset(c->apply, ZSTD_reset_session_and_parameters);
    if (ZSTD_isError(ZSTD_DCtx_setParameter(c->apply, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)) ||
        ZSTD_isError(ZSTD_DCtx_refPrefix(c->apply, before.p, before.n)))
        return AX_CORRUPT;
    return ZSTD_decompressDCtx(c->apply, now, n, changes.p, changes.n) == n ? AX_OK : AX_CORRUPT;
}
