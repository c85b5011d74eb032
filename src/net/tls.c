/* tls.c: credentials out of files, and the check of a client's certificate.
 *
 * The handshake asks for a certificate and takes any that the client holds the key of; whether it is good
 * is decided with the request, so that the client can be told by 403 and a text why it is not. */
#include "net/tls.h"

#include "base/assert.h"
#include "base/buf.h"
#include "net/secret_file.h"

#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

#define PEM_MAX (1u << 20)
#define CHAIN_MAX 16

struct ax_tls {
    gnutls_certificate_credentials_t credentials; /* owns trust */
    gnutls_x509_trust_list_t trust;
    gnutls_priority_t priority;
    enum ax_client_auth client_auth;
};

/* Certificate and key into the credentials. */
static enum ax_err load_pair(struct ax_tls *t, const struct ax_doors_options *o, struct ax_diag *diag)
{
    struct ax_buf cert, key;
    enum ax_err err = ax_secret_file_read(o->cert_file, PEM_MAX, &cert, diag);
    enum ax_err key_err = err == AX_OK ? ax_secret_file_read(o->key_file, PEM_MAX, &key, diag) : err;
    if (key_err == AX_OK) {
        const gnutls_datum_t c = {cert.bytes, (unsigned)cert.n}, k = {key.bytes, (unsigned)key.n};
        int e = gnutls_certificate_set_x509_key_mem2(t->credentials, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (e < 0)
            key_err = ax_fail(diag, AX_INVALID,
                              "the certificate " AX_STR_FMT " with the key " AX_STR_FMT " cannot be used: %s",
                              AX_STR_ARG(o->cert_file), AX_STR_ARG(o->key_file), gnutls_strerror(e));
        ax_secret_file_done(&key);
    }
    if (err == AX_OK)
        ax_secret_file_done(&cert);
    return key_err;
}

/* The client CA into a trust list, which the credentials name to clients and own. */
static enum ax_err load_ca(struct ax_tls *t, const struct ax_doors_options *o, struct ax_diag *diag)
{
    struct ax_buf ca;
    if (!o->client_ca_file.n)
        return AX_OK;
    enum ax_err err = ax_secret_file_read(o->client_ca_file, PEM_MAX, &ca, diag);
    if (err != AX_OK)
        return err;
    const gnutls_datum_t d = {ca.bytes, (unsigned)ca.n};
    if (gnutls_x509_trust_list_init(&t->trust, 0) < 0) {
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    } else {
        int n = gnutls_x509_trust_list_add_trust_mem(t->trust, &d, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
        gnutls_certificate_set_trust_list(t->credentials, t->trust, 0);
        if (n <= 0)
            err = ax_fail(diag, AX_INVALID, "client_ca_file " AX_STR_FMT " has no certificate in PEM%s%s",
                          AX_STR_ARG(o->client_ca_file), n ? ": " : "", n ? gnutls_strerror(n) : "");
    }
    ax_secret_file_done(&ca);
    return err;
}

static enum ax_err set_priority(struct ax_tls *t, const struct ax_doors_options *o, struct ax_diag *diag)
{
    char text[96];
    bool tls13 = o->max_version == AX_TLS_13, tls12 = o->min_version == AX_TLS_12;
    AX_ASSERT(tls12 || tls13);
    (void)snprintf(text, sizeof text, "NORMAL:-VERS-ALL%s%s", tls13 ? ":+VERS-TLS1.3" : "",
                   tls12 ? ":+VERS-TLS1.2" : "");
    int e = gnutls_priority_init2(&t->priority, text, NULL, 0);
    return e < 0
               ? ax_fail(diag, AX_INVALID, "GnuTLS does not allow these TLS versions: %s", gnutls_strerror(e))
               : AX_OK;
}

enum ax_err ax_tls_new(const struct ax_doors_options *o, struct ax_tls **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_tls *t = calloc(1, sizeof *t);
    if (!t || gnutls_certificate_allocate_credentials(&t->credentials) < 0) {
        free(t);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    t->client_auth = o->client_auth;
    enum ax_err err = load_pair(t, o, diag);
    if (err == AX_OK)
        err = load_ca(t, o, diag);
    if (err == AX_OK)
        err = set_priority(t, o, diag);
    if (err == AX_OK)
        *out = t;
    else
        ax_tls_free(t);
    return err;
}

void ax_tls_free(struct ax_tls *t)
{
    if (!t)
        return;
    gnutls_certificate_free_credentials(t->credentials);
    if (t->priority)
        gnutls_priority_deinit(t->priority);
    free(t);
}

enum ax_err ax_tls_attach(const struct ax_tls *t, gnutls_session_t session)
{
    /* The session keeps a pointer to the credentials: last, so that a failure leaves none. */
    if (gnutls_priority_set(session, t->priority) < 0 ||
        gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, t->credentials) < 0)
        return AX_IO;
    gnutls_certificate_server_set_request(
        session, t->client_auth == AX_CLIENT_CERT_NONE ? GNUTLS_CERT_IGNORE : GNUTLS_CERT_REQUEST);
    return AX_OK;
}

/* Verify a chain against the client CA; NULL when it holds. */
static const char *chain_fault(const struct ax_tls *t, const gnutls_datum_t *der, unsigned n)
{
    gnutls_x509_crt_t chain[CHAIN_MAX];
    unsigned made = 0, status = 0;
    int e = 0;
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st want = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose};
    if (n > CHAIN_MAX)
        return "the chain of the client certificate is too long";
    for (; made < n && e >= 0; made += e >= 0) {
        e = gnutls_x509_crt_init(&chain[made]);
        if (e < 0)
            break;
        e = gnutls_x509_crt_import(chain[made], &der[made], GNUTLS_X509_FMT_DER);
        if (e < 0)
            gnutls_x509_crt_deinit(chain[made]);
    }
    if (e >= 0)
        e = gnutls_x509_trust_list_verify_crt2(t->trust, chain, n, &want, 1, 0, &status, NULL);
    for (unsigned i = 0; i < made; i++)
        gnutls_x509_crt_deinit(chain[i]);
    if (e < 0)
        return "the client certificate cannot be read";
    if (status & GNUTLS_CERT_EXPIRED)
        return "the client certificate has expired";
    if (status & GNUTLS_CERT_NOT_ACTIVATED)
        return "the client certificate is not valid yet";
    return status ? "the client certificate is not of a CA that is trusted here, or not one for clients"
                  : NULL;
}

bool ax_tls_needs_client(const struct ax_tls *t)
{
    return t && (t->client_auth == AX_CLIENT_CERT_ANY || t->client_auth == AX_CLIENT_CERT_VERIFIED);
}

const char *ax_tls_client_fault(const struct ax_tls *t, gnutls_session_t session)
{
    unsigned n = 0;
    const gnutls_datum_t *der = gnutls_certificate_get_peers(session, &n);
    bool given = der && n > 0;
    bool verified =
        t->client_auth == AX_CLIENT_CERT_VERIFIED_IF_GIVEN || t->client_auth == AX_CLIENT_CERT_VERIFIED;
    if (!given)
        return ax_tls_needs_client(t) ? "a client certificate is needed here" : NULL;
    return verified ? chain_fault(t, der, n) : NULL;
}
