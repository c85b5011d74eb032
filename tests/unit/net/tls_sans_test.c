/* A certificate is matched by each kind of its names, whole, and by nothing else. */
#include "ax_test.h"
#include "net/tls_sans.h"

#include <gnutls/x509.h>

/* What data/tls/named.pem is for. */
static const char *const good[] = {"sender.test",    "owner@sender.test", "192.0.2.7",
                                   "2001:db8::7",    "2001:DB8:0:0::7",   "spiffe://sender.test/prometheus",
                                   "::ffff:c000:207"};
static const char *const bad[] = {"subject.test", "sender.tes", "sender.test.",   "Sender.test",
                                  "*.test",       "192.0.2.8",  "2001:db8::8",    "spiffe://sender.test",
                                  "owner",        "",           "DNS:sender.test"};

/* The certificate in a file of data/tls, as DER. */
static gnutls_datum_t der_of(const char *file)
{
    gnutls_datum_t pem, der;
    assert_int_equal(gnutls_load_file(file, &pem), 0);
    assert_int_equal(gnutls_pem_base64_decode2("CERTIFICATE", &pem, &der), 0);
    gnutls_free(pem.data);
    return der;
}

static bool matches(const gnutls_datum_t *der, const char *const *names, uint32_t n)
{
    struct ax_str list[16];
    for (uint32_t i = 0; i < n; i++)
        list[i] = ax_str(names[i]);
    struct ax_tls_sans *s = ax_tls_sans_new(list, n);
    assert_non_null(s);
    bool match = ax_tls_sans_match(s, der);
    ax_tls_sans_free(s);
    return match;
}

static void each_kind_of_name_matches_whole(void **state)
{
    (void)state;
    gnutls_datum_t der = der_of(AX_TEST_DIR "/data/tls/named.pem");
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!matches(&der, &good[i], 1))
            fail_msg("%s does not match", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (matches(&der, &bad[i], 1))
            fail_msg("%s matches", bad[i]);
    assert_false(matches(&der, bad, sizeof bad / sizeof bad[0]));
    const char *mixed[] = {bad[0], good[3], bad[1]};
    assert_true(matches(&der, mixed, 3));
    assert_false(matches(&der, NULL, 0));
    gnutls_free(der.data);
}

static void a_certificate_without_names_and_one_that_is_none_match_nothing(void **state)
{
    (void)state;
    gnutls_datum_t der = der_of(AX_TEST_DIR "/data/tls/client.pem");
    assert_false(matches(&der, good, sizeof good / sizeof good[0]));
    der.size /= 2;
    assert_false(matches(&der, good, sizeof good / sizeof good[0]));
    gnutls_free(der.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_name_matches_whole),
        cmocka_unit_test(a_certificate_without_names_and_one_that_is_none_match_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
