/* Decompression gives the bytes back, and refuses what claims or holds too much before taking memory. */
#include "ax_test.h"
#include "base/rng.h"
#include "net/compress.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zstd.h>

#define N 300000u

static char plain[N], packed[2 * N];

static int start(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    for (size_t i = 0; i < N; i++)
        plain[i] = (char)('a' + ax_rng_below(&rng, 4));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_compress_thread_done();
    return 0;
}

static struct ax_str snappy_of(size_t n)
{
    size_t out = sizeof packed;
    assert_int_equal(snappy_compress(plain, n, packed, &out), SNAPPY_OK);
    return (struct ax_str){packed, out};
}

static struct ax_str zstd_of(size_t n, int size_known)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, size_known);
    size_t out = ZSTD_compress2(c, packed, sizeof packed, plain, n);
    ZSTD_freeCCtx(c);
    assert_false(ZSTD_isError(out));
    return (struct ax_str){packed, out};
}

static void snappy_blocks_come_back_and_memory_is_kept(void **state)
{
    (void)state;
    struct ax_buf out;
    ax_buf_init(&out, N);
    assert_int_equal(ax_snappy_decompress(snappy_of(N), &out, NULL), AX_OK);
    assert_int_equal(out.n, N);
    assert_memory_equal(out.bytes, plain, N);
    const uint8_t *before = out.bytes;
    assert_int_equal(ax_snappy_decompress(snappy_of(10), &out, NULL), AX_OK);
    assert_int_equal(out.n, 10);
    assert_ptr_equal(out.bytes, before);
    assert_int_equal(ax_snappy_decompress((struct ax_str){"\x00", 1}, &out, NULL), AX_OK);
    assert_int_equal(out.n, 0);
    ax_buf_done(&out);
}

static void what_is_compressed_comes_back_behind_what_was_there(void **state)
{
    (void)state;
    struct ax_buf out, back;
    ax_buf_init(&out, 2 * N);
    ax_buf_init(&back, N);
    ax_buf_byte(&out, 'x');
    assert_int_equal(ax_snappy_compress((struct ax_str){plain, N}, &out), AX_OK);
    assert_int_equal(ax_snappy_decompress((struct ax_str){(char *)out.bytes + 1, out.n - 1}, &back, NULL),
                     AX_OK);
    assert_int_equal(back.n, N);
    assert_memory_equal(back.bytes, plain, N);
    ax_buf_reset(&out);
    assert_int_equal(ax_snappy_compress((struct ax_str){NULL, 0}, &out), AX_OK);
    assert_int_equal(out.n, 1);
    ax_buf_done(&out);
    ax_buf_init(&out, N / 2);
    ax_buf_byte(&out, 'x');
    assert_int_equal(ax_snappy_compress((struct ax_str){plain, N}, &out), AX_LIMIT);
    assert_true(out.n == 1 && out.err == AX_OK);
    ax_buf_done(&out);
    ax_buf_done(&back);
}

static void snappy_bombs_take_no_memory(void **state)
{
    (void)state;
    struct ax_buf out;
    struct ax_diag diag = {{0}};
    ax_buf_init(&out, 32u << 20);
    struct ax_str gib = {"\x80\x80\x80\x80\x04xxxxxxxx", 13};
    assert_int_equal(ax_snappy_decompress(gib, &out, &diag), AX_LIMIT);
    assert_non_null(strstr(diag.text, "declares 1073741824 bytes"));
    char cve[47] = "\x97\xea\xb4\x89\x0a\x17"; /* of CVE-2026-42154: declares 2.6 GB */
    assert_int_equal(ax_snappy_decompress((struct ax_str){cve, sizeof cve}, &out, &diag), AX_LIMIT);
    struct ax_str below_ceiling = {"\x80\x80\x80\x0fxxxxxxxx", 12}; /* 30 MiB out of 12 bytes */
    assert_int_equal(ax_snappy_decompress(below_ceiling, &out, &diag), AX_INVALID);
    assert_null(out.bytes);
    ax_buf_done(&out);
}

static void corrupt_and_framed_snappy_is_refused(void **state)
{
    (void)state;
    struct ax_buf out;
    struct ax_diag diag = {{0}};
    ax_buf_init(&out, 32u << 20);
    assert_int_equal(ax_snappy_decompress((struct ax_str){"", 0}, &out, &diag), AX_INVALID);
    assert_int_equal(ax_snappy_decompress((struct ax_str){"\xff\xff\xff\xff\xff\xff", 6}, &out, &diag),
                     AX_INVALID);
    struct ax_str cut = snappy_of(1000);
    cut.n -= 3;
    assert_int_equal(ax_snappy_decompress(cut, &out, &diag), AX_INVALID);
    assert_int_equal(ax_snappy_decompress((struct ax_str){"\xff\x06\x00\x00sNaPpYzz", 12}, &out, &diag),
                     AX_INVALID);
    assert_non_null(strstr(diag.text, "framed"));
    ax_buf_done(&out);
}

static void zstd_comes_back_with_and_without_a_declared_size(void **state)
{
    (void)state;
    struct ax_buf out;
    ax_buf_init(&out, N);
    for (int known = 0; known <= 1; known++) {
        assert_int_equal(ax_zstd_decompress(zstd_of(N, known), &out, NULL), AX_OK);
        assert_int_equal(out.n, N);
        assert_memory_equal(out.bytes, plain, N);
        ax_buf_done(&out);
    }
    struct ax_str one = zstd_of(100, 1); /* two frames in a row are one stream */
    memcpy(packed + one.n, packed, one.n);
    assert_int_equal(ax_zstd_decompress((struct ax_str){packed, 2 * one.n}, &out, NULL), AX_OK);
    assert_int_equal(out.n, 200);
    ax_buf_done(&out);
}

static void zstd_above_the_ceiling_is_refused(void **state)
{
    (void)state;
    struct ax_buf out;
    struct ax_diag diag = {{0}};
    ax_buf_init(&out, N - 1);
    assert_int_equal(ax_zstd_decompress(zstd_of(N, 1), &out, &diag), AX_LIMIT);
    assert_non_null(strstr(diag.text, "declares 300000 bytes"));
    assert_null(out.bytes);
    assert_int_equal(ax_zstd_decompress(zstd_of(N, 0), &out, &diag), AX_LIMIT);
    assert_non_null(strstr(diag.text, "more than 299999"));
    assert_true(out.cap <= N - 1 + ZSTD_BLOCKSIZE_MAX);
    ax_buf_done(&out);
}

static void corrupt_zstd_is_refused_and_the_next_body_is_not(void **state)
{
    (void)state;
    struct ax_buf out;
    struct ax_diag diag = {{0}};
    ax_buf_init(&out, N);
    assert_int_equal(ax_zstd_decompress((struct ax_str){"", 0}, &out, &diag), AX_INVALID);
    assert_int_equal(ax_zstd_decompress((struct ax_str){"no zstd at all", 14}, &out, &diag), AX_INVALID);
    struct ax_str cut = zstd_of(N, 1);
    cut.n /= 2;
    assert_int_equal(ax_zstd_decompress(cut, &out, &diag), AX_INVALID);
    packed[cut.n / 2] = (char)(packed[cut.n / 2] ^ 0x55);
    cut.n *= 2;
    enum ax_err err = ax_zstd_decompress(cut, &out, &diag);
    assert_true(err == AX_INVALID || err == AX_OK); /* there is no checksum by default */
    assert_int_equal(ax_zstd_decompress(zstd_of(N, 1), &out, &diag), AX_OK);
    assert_memory_equal(out.bytes, plain, N);
    ax_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snappy_blocks_come_back_and_memory_is_kept),
        cmocka_unit_test(what_is_compressed_comes_back_behind_what_was_there),
        cmocka_unit_test(snappy_bombs_take_no_memory),
        cmocka_unit_test(corrupt_and_framed_snappy_is_refused),
        cmocka_unit_test(zstd_comes_back_with_and_without_a_declared_size),
        cmocka_unit_test(zstd_above_the_ceiling_is_refused),
        cmocka_unit_test(corrupt_zstd_is_refused_and_the_next_body_is_not),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
