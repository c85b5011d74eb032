/* tls_sans.c: each name as its text, and as the bytes of an address if it is one. */
#include "net/tls_sans.h"

#include <arpa/inet.h>
#include <gnutls/x509-ext.h>
#include <stdlib.h>
#include <string.h>

#define V4_BYTES 4
#define V6_BYTES 16

struct name {
    char *text;
    size_t n;
    uint8_t address[V6_BYTES];
    size_t address_n; /* 0: it is none */
};

struct ax_tls_sans {
    uint32_t n;
    struct name names[];
};

/* The IPv4 address that IPv6 wraps up is that address. */
static size_t unwrap(uint8_t address[static V6_BYTES], size_t n)
{
    static const uint8_t prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (n != V6_BYTES || memcmp(address, prefix, sizeof prefix) != 0)
        return n;
    memmove(address, address + sizeof prefix, V4_BYTES);
    return V4_BYTES;
}

struct ax_tls_sans *ax_tls_sans_new(const struct ax_str *names, uint32_t n)
{
    struct ax_tls_sans *s = calloc(1, sizeof *s + n * sizeof s->names[0]);
    for (uint32_t i = 0; s && i < n; i++) {
        struct name *name = &s->names[s->n];
        name->text = strndup(names[i].p, names[i].n);
        if (!name->text) {
            ax_tls_sans_free(s);
            return NULL;
        }
        s->n++;
        name->n = names[i].n;
        if (inet_pton(AF_INET, name->text, name->address) == 1)
            name->address_n = V4_BYTES;
        else if (inet_pton(AF_INET6, name->text, name->address) == 1)
            name->address_n = unwrap(name->address, V6_BYTES);
    }
    return s;
}

void ax_tls_sans_free(struct ax_tls_sans *s)
{
    for (uint32_t i = 0; s && i < s->n; i++)
        free(s->names[i].text);
    free(s);
}

/* Is one name of a certificate among those that are allowed? */
static bool allowed(const struct ax_tls_sans *s, unsigned type, const gnutls_datum_t *san)
{
    uint8_t address[V6_BYTES];
    size_t address_n = 0;
    bool text = type == GNUTLS_SAN_DNSNAME || type == GNUTLS_SAN_RFC822NAME || type == GNUTLS_SAN_URI;
    if (type == GNUTLS_SAN_IPADDRESS && (san->size == V4_BYTES || san->size == V6_BYTES)) {
        memcpy(address, san->data, san->size);
        address_n = unwrap(address, san->size);
    }
    for (uint32_t i = 0; i < s->n; i++) {
        const struct name *name = &s->names[i];
        if (text && name->n == san->size && memcmp(name->text, san->data, name->n) == 0)
            return true;
        if (address_n && name->address_n == address_n && memcmp(name->address, address, address_n) == 0)
            return true;
    }
    return false;
}

bool ax_tls_sans_match(const struct ax_tls_sans *s, const gnutls_datum_t *der)
{
    gnutls_x509_crt_t certificate = NULL;
    gnutls_subject_alt_names_t names = NULL;
    gnutls_datum_t extension = {NULL, 0}, san;
    unsigned type;
    bool match = false;
    if (gnutls_x509_crt_init(&certificate) >= 0 &&
        gnutls_x509_crt_import(certificate, der, GNUTLS_X509_FMT_DER) >= 0 &&
        gnutls_x509_crt_get_extension_by_oid2(certificate, "2.5.29.17", 0, &extension, NULL) >= 0 &&
        gnutls_subject_alt_names_init(&names) >= 0 &&
        gnutls_x509_ext_import_subject_alt_names(&extension, names, 0) >= 0)
        for (unsigned i = 0; !match && gnutls_subject_alt_names_get(names, i, &type, &san, NULL) >= 0; i++)
            match = allowed(s, type, &san);
    if (names)
        gnutls_subject_alt_names_deinit(names);
    gnutls_free(extension.data);
    if (certificate)
        gnutls_x509_crt_deinit(certificate);
    return match;
}
