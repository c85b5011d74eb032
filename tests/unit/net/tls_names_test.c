/* What GnuTLS makes of a list of Go's names is that list and nothing else, in its order. */
#include "ax_test.h"
#include "net/tls_names.h"

#include <gnutls/gnutls.h>

/* Go 1.22's tls.CipherSuites(), with their numbers of the IANA registry. */
static const struct {
    const char *name;
    uint8_t id[2];
    bool rsa;
} go[] = {
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", {0xc0, 0x09}, false},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", {0xc0, 0x0a}, false},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", {0xc0, 0x13}, true},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", {0xc0, 0x14}, true},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", {0xc0, 0x2b}, false},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", {0xc0, 0x2c}, false},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", {0xc0, 0x2f}, true},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", {0xc0, 0x30}, true},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", {0xcc, 0xa8}, true},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", {0xcc, 0xa9}, false},
};
#define GO (sizeof go / sizeof go[0])

/* The suites of TLS 1.2 that a priority string allows, by the numbers of go[], in its order; GO for another.
 */
static uint32_t allowed(const struct ax_str *names, uint32_t n, bool rsa, size_t out[static 64])
{
    struct ax_buf text;
    gnutls_priority_t priority;
    uint32_t found = 0;
    ax_buf_init(&text, 4096);
    ax_buf_str(&text, ax_str("NORMAL:-VERS-ALL:+VERS-TLS1.2"));
    assert_true(ax_tls_count_suites(names, n, rsa) > 0);
    ax_tls_put_suites(&text, names, n, rsa);
    ax_buf_byte(&text, '\0');
    assert_int_equal(gnutls_priority_init2(&priority, (const char *)text.bytes, NULL, 0), 0);
    ax_buf_done(&text);
    for (unsigned i = 0, index;
         gnutls_priority_get_cipher_suite_index(priority, i, &index) != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
         i++) {
        unsigned char id[2];
        gnutls_protocol_t least;
        if (gnutls_priority_get_cipher_suite_index(priority, i, &index) < 0 ||
            !gnutls_cipher_suite_info(index, id, NULL, NULL, NULL, &least) || least > GNUTLS_TLS1_2)
            continue;
        size_t k = 0;
        while (k < GO && memcmp(go[k].id, id, 2) != 0)
            k++;
        assert_true(found < 64);
        out[found++] = k;
    }
    gnutls_priority_deinit(priority);
    return found;
}

static void each_pair_of_suites_is_that_pair_in_its_order(void **state)
{
    (void)state;
    size_t out[64];
    for (size_t a = 0; a < GO; a++)
        for (size_t b = 0; b < GO; b++) {
            const struct ax_str names[] = {ax_str(go[a].name), ax_str(go[b].name)};
            size_t want[2];
            uint32_t n = 0;
            want[n++] = a;
            if (b != a && go[b].rsa == go[a].rsa)
                want[n++] = b;
            uint32_t found = allowed(names, 2, go[a].rsa, out);
            if (found != n || memcmp(out, want, n * sizeof want[0]) != 0)
                fail_msg("%s, %s: %u suites, first %zu, second %zu", go[a].name, go[b].name, found, out[0],
                         out[1]);
        }
}

static void all_of_them_are_all_of_them(void **state)
{
    (void)state;
    struct ax_str names[GO];
    size_t out[64];
    for (size_t i = 0; i < GO; i++)
        names[i] = ax_str(go[i].name);
    for (int rsa = 0; rsa < 2; rsa++) {
        uint32_t found = allowed(names, GO, rsa, out), want = 0;
        for (size_t i = 0; i < GO; i++)
            if (go[i].rsa == rsa)
                assert_int_equal(out[want++], i);
        assert_int_equal(found, want);
    }
}

static void suites_for_another_key_are_not_counted(void **state)
{
    (void)state;
    struct ax_buf text;
    ax_buf_init(&text, 100);
    const struct ax_str names[] = {ax_str("TLS_AES_128_GCM_SHA256"), ax_str(go[0].name)};
    assert_int_equal(ax_tls_count_suites(names, 2, true), 0);
    assert_int_equal(ax_tls_count_suites(names, 2, false), 1);
    ax_tls_put_curves(&text, NULL, 0);
    assert_int_equal(text.n, 0);
    ax_buf_done(&text);
}

static void names_are_known_by_their_spelling(void **state)
{
    (void)state;
    for (size_t i = 0; i < GO; i++) {
        assert_true(ax_tls_is_suite(ax_str(go[i].name)));
        assert_false(ax_tls_is_suite_13(ax_str(go[i].name)));
    }
    static const char *const insecure[] = {"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
                                           "tls_aes_128_gcm_sha256", ""};
    for (size_t i = 0; i < sizeof insecure / sizeof insecure[0]; i++)
        assert_false(ax_tls_is_suite(ax_str(insecure[i])));
    assert_true(ax_tls_is_suite_13(ax_str("TLS_CHACHA20_POLY1305_SHA256")));
    assert_true(ax_tls_is_curve(ax_str("X25519")));
    assert_false(ax_tls_is_curve(ax_str("P-256")));
}

static void curves_are_those_in_their_order(void **state)
{
    (void)state;
    struct ax_buf text;
    gnutls_priority_t priority;
    const unsigned *groups;
    const struct ax_str names[] = {ax_str("CurveP521"), ax_str("X25519"), ax_str("CurveP384"),
                                   ax_str("CurveP256")};
    static const unsigned want[] = {GNUTLS_GROUP_SECP521R1, GNUTLS_GROUP_X25519, GNUTLS_GROUP_SECP384R1,
                                    GNUTLS_GROUP_SECP256R1};
    ax_buf_init(&text, 1000);
    ax_buf_str(&text, ax_str("NORMAL"));
    ax_tls_put_curves(&text, names, 4);
    ax_buf_byte(&text, '\0');
    assert_int_equal(gnutls_priority_init2(&priority, (const char *)text.bytes, NULL, 0), 0);
    assert_int_equal(gnutls_priority_group_list(priority, &groups), 4);
    assert_memory_equal(groups, want, sizeof want);
    gnutls_priority_deinit(priority);
    ax_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_of_suites_is_that_pair_in_its_order),
        cmocka_unit_test(all_of_them_are_all_of_them),
        cmocka_unit_test(suites_for_another_key_are_not_counted),
        cmocka_unit_test(names_are_known_by_their_spelling),
        cmocka_unit_test(curves_are_those_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
