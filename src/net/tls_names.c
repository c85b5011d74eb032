/* tls_names.c: GnuTLS chooses cipher, MAC and key exchange one by one. With the key exchange fixed by the
 * certificate the product of what is left is the list itself: ciphers with AEAD take no other MAC, and of
 * those with CBC Go has the ones with SHA1 alone. */
#include "net/tls_names.h"

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum exchange { TLS_13, BY_RSA, BY_ECDSA };

static const struct suite {
    const char *name;
    enum exchange exchange;
    const char *cipher, *mac;
} suites[] = {
    {"TLS_AES_128_GCM_SHA256", TLS_13, NULL, NULL},
    {"TLS_AES_256_GCM_SHA384", TLS_13, NULL, NULL},
    {"TLS_CHACHA20_POLY1305_SHA256", TLS_13, NULL, NULL},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", BY_ECDSA, "AES-128-CBC", "SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", BY_ECDSA, "AES-256-CBC", "SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", BY_RSA, "AES-128-CBC", "SHA1"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", BY_RSA, "AES-256-CBC", "SHA1"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", BY_ECDSA, "AES-128-GCM", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", BY_ECDSA, "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", BY_RSA, "AES-128-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", BY_RSA, "AES-256-GCM", "AEAD"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", BY_RSA, "CHACHA20-POLY1305", "AEAD"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", BY_ECDSA, "CHACHA20-POLY1305", "AEAD"},
};

static const struct {
    const char *name, *group;
} curves[] = {
    {"CurveP256", "SECP256R1"},
    {"CurveP384", "SECP384R1"},
    {"CurveP521", "SECP521R1"},
    {"X25519", "X25519"},
};

static const struct suite *find(struct ax_str name)
{
    for (size_t i = 0; i < COUNT_OF(suites); i++)
        if (ax_str_eq(name, ax_str(suites[i].name)))
            return &suites[i];
    return NULL;
}

bool ax_tls_is_suite(struct ax_str name)
{
    return find(name) != NULL;
}

bool ax_tls_is_suite_13(struct ax_str name)
{
    const struct suite *s = find(name);
    return s && s->exchange == TLS_13;
}

static bool is_for(const struct suite *s, bool rsa)
{
    return s && s->exchange == (rsa ? BY_RSA : BY_ECDSA);
}

uint32_t ax_tls_count_suites(const struct ax_str *names, uint32_t n, bool rsa)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += is_for(find(names[i]), rsa);
    return count;
}

void ax_tls_put_suites(struct ax_buf *priority, const struct ax_str *names, uint32_t n, bool rsa)
{
    ax_buf_printf(priority, ":-KX-ALL:+ECDHE-%s:-CIPHER-ALL:-MAC-ALL", rsa ? "RSA" : "ECDSA");
    for (uint32_t i = 0; i < n; i++) {
        const struct suite *s = find(names[i]);
        if (is_for(s, rsa))
            ax_buf_printf(priority, ":+%s:+%s", s->cipher, s->mac);
    }
}

/* The group of a curve; NULL when there is none of that name. */
static const char *group_of(struct ax_str name)
{
    for (size_t i = 0; i < COUNT_OF(curves); i++)
        if (ax_str_eq(name, ax_str(curves[i].name)))
            return curves[i].group;
    return NULL;
}

bool ax_tls_is_curve(struct ax_str name)
{
    return group_of(name) != NULL;
}

void ax_tls_put_curves(struct ax_buf *priority, const struct ax_str *names, uint32_t n)
{
    if (n)
        ax_buf_str(priority, ax_str(":-RSA:-DHE-RSA:-GROUP-ALL"));
    for (uint32_t i = 0; i < n; i++) {
        const char *group = group_of(names[i]);
        if (group)
            ax_buf_printf(priority, ":+GROUP-%s", group);
    }
}
