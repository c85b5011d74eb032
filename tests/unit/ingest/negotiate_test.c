/* Headers choose the message and the compression as RFC 9110 reads them. */
#include "ax_test.h"
#include "ingest/negotiate.h"

static void content_type_decides_the_version(void **state)
{
    (void)state;
    const struct {
        const char *text;
        int version; /* 0: refused */
    } cases[] = {
        {"", 1},
        {"  ", 1},
        {"application/x-protobuf", 1},
        {"Application/X-Protobuf", 1},
        {"application/x-protobuf;proto=prometheus.WriteRequest", 1},
        {"application/x-protobuf;proto=io.prometheus.write.v2.Request", 2},
        {"application/x-protobuf; proto=io.prometheus.write.v2.Request", 2},
        {" application/x-protobuf\t;\tProto = \"io.prometheus.write.v2.Request\" ; charset=utf-8", 2},
        {"application/x-protobuf;charset=\"a;proto=yolo\";proto=io.prometheus.write.v2.Request", 2},
        {"application/x-protobuf;proto=\"io.prometheus\\.write.v2.Request\"", 2},
        {"application/x-protobuf;", 1},
        {"application/x-protobuf; charset=utf-8", 1},
        {"application/x-protobuf;proto=yolo", 0},
        {"application/x-protobuf;proto=", 0},
        {"application/x-protobuf;proto", 0},
        {"application/x-protobuf;proto=\"prometheus.WriteRequest", 0},
        {"application/x-protobuf;proto=prometheus.writerequest", 0},
        {"application/x-protobuf;proto=prometheus.WriteRequest;proto=io.prometheus.write.v2.Request", 0},
        {"application/x-protobuffer", 0},
        {"application/json", 0},
        {"image/png", 0},
        {";proto=prometheus.WriteRequest", 0},
        {"application/x-protobuf;proto=\"\\", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int version = 0;
        struct ax_diag diag = {{0}};
        enum ax_err err = ax_rw_version(ax_str(cases[i].text), &version, &diag);
        if (err != (cases[i].version ? AX_OK : AX_UNSUPPORTED) ||
            (err == AX_OK && version != cases[i].version))
            fail_msg("'%s': error %d, version %d", cases[i].text, err, version);
        if (err != AX_OK)
            assert_non_null(strstr(diag.text, "application/x-protobuf"));
    }
    int version = 0;
    assert_int_equal(ax_rw_version((struct ax_str){NULL, 0}, &version, NULL), AX_OK);
    assert_int_equal(version, 1);
}

static void content_encoding_is_snappy_or_zstd(void **state)
{
    (void)state;
    enum ax_rw_encoding encoding = AX_RW_ZSTD;
    assert_int_equal(ax_rw_encoding((struct ax_str){NULL, 0}, &encoding, NULL), AX_OK);
    assert_int_equal(encoding, AX_RW_SNAPPY);
    assert_int_equal(ax_rw_encoding(ax_str(" ZSTD "), &encoding, NULL), AX_OK);
    assert_int_equal(encoding, AX_RW_ZSTD);
    assert_int_equal(ax_rw_encoding(ax_str("Snappy"), &encoding, NULL), AX_OK);
    assert_int_equal(encoding, AX_RW_SNAPPY);
    const char *bad[] = {"gzip", "deflate", "identity", "snappy, gzip", "snappyx"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct ax_diag diag = {{0}};
        assert_int_equal(ax_rw_encoding(ax_str(bad[i]), &encoding, &diag), AX_UNSUPPORTED);
        assert_non_null(strstr(diag.text, "snappy"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_type_decides_the_version),
        cmocka_unit_test(content_encoding_is_snappy_or_zstd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
