/* compress.c: snappy blocks (our decoder, libsnappy's encoder) and zstd (libzstd, streaming, with a bounded
 * window). */
#include "net/compress.h"

#include "base/assert.h"
#include "net/snappy_block.h"

#include <pthread.h>
#include <snappy-c.h>
#include <zstd.h>

/* Largest window that a zstd frame may ask for, as a power of two: 8 MiB, what zstd's format asks every
 * decoder to support (RFC 8878, 3.1.1.1.2). */
#define ZSTD_WINDOW_LOG_MAX 23
/* Room to begin with where the frame does not declare its size. */
#define ZSTD_FIRST 65536u

static enum ax_err over(struct ax_diag *diag, const char *what, unsigned long long n, size_t most)
{
    return ax_fail(
        diag, AX_LIMIT,
        "the %s body declares %llu bytes decompressed; at most %zu are taken: send smaller batches", what, n,
        most);
}

enum ax_err ax_snappy_decompress(struct ax_str in, struct ax_buf *out, struct ax_diag *diag)
{
    static const char framed[] = "\xff\x06\x00\x00sNaPpY";
    size_t n;
    ax_buf_reset(out);
    if (in.n >= sizeof framed - 1 && memcmp(in.p, framed, sizeof framed - 1) == 0)
        return ax_fail(diag, AX_INVALID,
                       "the body is in snappy's framed format; remote-write uses its block format");
    if (in.n == 0 || snappy_uncompressed_length(in.p, in.n, &n) != SNAPPY_OK)
        return ax_fail(diag, AX_INVALID, "the body is no snappy block");
    if (n > out->bytes_max)
        return over(diag, "snappy", n, out->bytes_max);
    /* The format's densest element makes 64 bytes of 3; more than that is no honest claim. */
    if (n / 32 > in.n)
        return ax_fail(diag, AX_INVALID, "the body is no snappy block: %zu bytes cannot become %zu", in.n, n);
    if (!ax_buf_reserve(out, n ? n : 1))
        return ax_fail(diag, AX_NOMEM, "no memory for a body of %zu bytes", n);
    size_t head = 1; /* of its length, which was read */
    while (in.p[head - 1] & 0x80)
        head++;
    if (!ax_snappy_elements((const uint8_t *)in.p + head, in.n - head, out->bytes, n))
        return ax_fail(diag, AX_INVALID, "the body is a corrupt snappy block");
    out->n = n;
    return AX_OK;
}

enum ax_err ax_snappy_compress(struct ax_str in, struct ax_buf *out)
{
    size_t n = snappy_max_compressed_length(in.n);
    if (!ax_buf_reserve(out, n)) {
        enum ax_err err = out->err;
        out->err = AX_OK;
        return err;
    }
    snappy_status status = snappy_compress(in.n ? in.p : "", in.n, (char *)out->bytes + out->n, &n);
    AX_ASSERT(status == SNAPPY_OK);
    out->n += n;
    return AX_OK;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;

static void free_context(void *p)
{
    ZSTD_freeDCtx(p);
}

static void make_key(void)
{
    int rc = pthread_key_create(&context_key, free_context);
    AX_ASSERT(rc == 0);
}

/* The calling thread's context, which keeps its window buffer from body to body. */
static ZSTD_DCtx *thread_context(void)
{
    pthread_once(&once, make_key);
    ZSTD_DCtx *c = pthread_getspecific(context_key);
    if (c)
        return c;
    c = ZSTD_createDCtx();
    if (c && (ZSTD_isError(ZSTD_DCtx_setParameter(c, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX)) ||
              pthread_setspecific(context_key, c) != 0)) {
        ZSTD_freeDCtx(c);
        return NULL;
    }
    return c;
}

void ax_compress_thread_done(void)
{
    pthread_once(&once, make_key);
    free_context(pthread_getspecific(context_key));
    (void)pthread_setspecific(context_key, NULL);
}

/* Grow out for more bytes of the stream: by doubling, to the ceiling. */
static enum ax_err more_room(struct ax_buf *out, struct ax_diag *diag)
{
    size_t left = out->bytes_max - out->n;
    if (left == 0)
        return ax_fail(diag, AX_LIMIT,
                       "the zstd body holds more than %zu bytes decompressed: send smaller batches",
                       out->bytes_max);
    size_t want = out->n < ZSTD_FIRST ? ZSTD_FIRST : out->n;
    if (!ax_buf_reserve(out, want < left ? want : left))
        return ax_fail(diag, AX_NOMEM, "no memory to decompress a body");
    return AX_OK;
}

enum ax_err ax_zstd_decompress(struct ax_str in, struct ax_buf *out, struct ax_diag *diag)
{
    ax_buf_reset(out);
    unsigned long long declared = in.n ? ZSTD_getFrameContentSize(in.p, in.n) : ZSTD_CONTENTSIZE_ERROR;
    if (declared == ZSTD_CONTENTSIZE_ERROR)
        return ax_fail(diag, AX_INVALID, "the body is no zstd frame");
    if (declared != ZSTD_CONTENTSIZE_UNKNOWN && declared > out->bytes_max)
        return over(diag, "zstd", declared, out->bytes_max);
    ZSTD_DCtx *c = thread_context();
    if (!c)
        return ax_fail(diag, AX_NOMEM, "no memory to decompress a body");
    (void)ZSTD_DCtx_reset(c, ZSTD_reset_session_only);
    ZSTD_inBuffer from = {in.p, in.n, 0};
    size_t rc = 1; /* 0 at the end of a frame */
    while (from.pos < from.size || rc != 0) {
        size_t room = out->cap < out->bytes_max ? out->cap : out->bytes_max;
        if (room == out->n) {
            enum ax_err err = more_room(out, diag);
            if (err != AX_OK)
                return err;
            room = out->cap < out->bytes_max ? out->cap : out->bytes_max;
        }
        ZSTD_outBuffer to = {out->bytes, room, out->n};
        size_t read = from.pos;
        rc = ZSTD_decompressStream(c, &to, &from);
        if (ZSTD_isError(rc))
            return ax_fail(diag, AX_INVALID, "the body is corrupt zstd: %s", ZSTD_getErrorName(rc));
        if (to.pos == out->n && from.pos == read && rc != 0)
            return ax_fail(diag, AX_INVALID, "the zstd body is cut off");
        out->n = to.pos;
    }
    return AX_OK;
}
