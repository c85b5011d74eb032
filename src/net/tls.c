/* tls.c: credentials out of files, and the check of a client's certificate.
 *
 * The handshake asks for a certificate and takes any that the client holds the key of; whether it is good
 * is decided with the request, so that the client can be told by 403 and a text why it is not. */
#include "net/tls.h"

#include "base/assert.h"
#include "base/buf.h"
#include "net/secret_file.h"
#include "net/tls_names.h"
#include "net/tls_sans.h"

#include <gnutls/x509.h>
#include <stdlib.h>

#define PEM_MAX (1u << 20)
#define CHAIN_MAX 16
#define PRIORITY_MAX 4096

struct ax_tls {
    gnutls_certificate_credentials_t credentials; /* owns trust */
    gnutls_x509_trust_list_t trust;
    gnutls_priority_t priority;
    gnutls_priority_t priority_12; /* for who speaks TLS 1.2, when its suites were chosen; else NULL */
    enum ax_client_auth client_auth;
    struct ax_tls_sans *sans;
};

/* PEM as it was given: itself, or as a file; to be ended by ax_secret_file_done(). */
static enum ax_err take_pem(struct ax_str text, struct ax_str file, struct ax_buf *out, struct ax_diag *diag)
{
    if (!text.n)
        return ax_secret_file_read(file, PEM_MAX, out, diag);
    ax_buf_init(out, PEM_MAX);
    (void)ax_buf_reserve(out, text.n); /* once, so that no copy is left behind */
    ax_buf_str(out, text);
    enum ax_err err = out->err;
    if (err != AX_OK)
        ax_secret_file_done(out);
    return err == AX_OK ? AX_OK
                        : ax_fail(diag, err, "%s", err == AX_NOMEM ? "out of memory" : "PEM is too long");
}

/* What texts call it. */
static struct ax_str shown(struct ax_str file, const char *key)
{
    return file.n ? file : ax_str(key);
}

/* Certificate and key into the credentials. */
static enum ax_err load_pair(struct ax_tls *t, const struct ax_doors_options *o, struct ax_diag *diag)
{
    struct ax_buf cert, key;
    enum ax_err err = take_pem(o->cert, o->cert_file, &cert, diag);
    enum ax_err key_err = err == AX_OK ? take_pem(o->key, o->key_file, &key, diag) : err;
    if (key_err == AX_OK) {
        const gnutls_datum_t c = {cert.bytes, (unsigned)cert.n}, k = {key.bytes, (unsigned)key.n};
        int e = gnutls_certificate_set_x509_key_mem2(t->credentials, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
        if (e < 0)
            key_err = ax_fail(diag, AX_INVALID,
                              "the certificate " AX_STR_FMT " with the key " AX_STR_FMT " cannot be used: %s",
                              AX_STR_ARG(shown(o->cert_file, "of cert")),
                              AX_STR_ARG(shown(o->key_file, "of key")), gnutls_strerror(e));
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
    if (!o->client_ca_file.n && !o->client_ca.n)
        return AX_OK;
    enum ax_err err = take_pem(o->client_ca, o->client_ca_file, &ca, diag);
    if (err != AX_OK)
        return err;
    const gnutls_datum_t d = {ca.bytes, (unsigned)ca.n};
    if (gnutls_x509_trust_list_init(&t->trust, 0) < 0) {
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    } else {
        int n = gnutls_x509_trust_list_add_trust_mem(t->trust, &d, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
        gnutls_certificate_set_trust_list(t->credentials, t->trust, 0);
        if (n <= 0)
            err = ax_fail(diag, AX_INVALID, "%s" AX_STR_FMT " has no certificate in PEM%s%s",
                          o->client_ca_file.n ? "client_ca_file " : "",
                          AX_STR_ARG(shown(o->client_ca_file, "client_ca")), n ? ": " : "",
                          n ? gnutls_strerror(n) : "");
    }
    ax_secret_file_done(&ca);
    return err;
}

/* One set of what GnuTLS may choose from; suites: those of the options, which are for TLS 1.2 alone. */
static enum ax_err make_priority(const struct ax_doors_options *o, bool tls13, bool tls12, bool suites,
                                 bool rsa, gnutls_priority_t *out, struct ax_diag *diag)
{
    struct ax_buf text;
    ax_buf_init(&text, PRIORITY_MAX);
    ax_buf_printf(&text, "NORMAL:-VERS-ALL%s%s", tls13 ? ":+VERS-TLS1.3" : "", tls12 ? ":+VERS-TLS1.2" : "");
    if (suites)
        ax_tls_put_suites(&text, o->cipher_suites, o->cipher_suites_n, rsa);
    ax_tls_put_curves(&text, o->curves, o->curves_n);
    if (o->server_order)
        ax_buf_str(&text, ax_str(":%SERVER_PRECEDENCE"));
    ax_buf_byte(&text, '\0');
    enum ax_err err = text.err == AX_OK ? AX_OK : ax_fail(diag, text.err, "%s", ax_err_text(text.err));
    int e = err == AX_OK ? gnutls_priority_init2(out, (const char *)text.bytes, NULL, 0) : 0;
    if (e < 0)
        err = ax_fail(diag, AX_INVALID, "GnuTLS does not allow these TLS versions, suites or curves: %s",
                      gnutls_strerror(e));
    ax_buf_done(&text);
    return err;
}

/* Is the key of the certificate for RSA? */
static enum ax_err has_rsa_key(const struct ax_tls *t, bool *out, struct ax_diag *diag)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned n = 0;
    int e = gnutls_certificate_get_x509_crt(t->credentials, 0, &chain, &n);
    int algorithm = e >= 0 && n > 0 ? gnutls_x509_crt_get_pk_algorithm(chain[0], NULL) : e;
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    *out = algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS;
    return algorithm > 0 ? AX_OK
                         : ax_fail(diag, AX_INVALID, "the certificate's key cannot be read: %s",
                                   gnutls_strerror(algorithm));
}

/* What to choose from before the client has said which version it speaks, and after. TLS 1.2 is off when none
 * of its suites is chosen that the certificate is for. */
static enum ax_err set_priority(struct ax_tls *t, const struct ax_doors_options *o, struct ax_diag *diag)
{
    bool tls13 = o->max_version == AX_TLS_13, tls12 = o->min_version == AX_TLS_12, rsa;
    AX_ASSERT(tls12 || tls13);
    enum ax_err err = has_rsa_key(t, &rsa, diag);
    if (err != AX_OK)
        return err;
    bool suites = tls12 && o->cipher_suites_n;
    if (suites)
        tls12 = suites = ax_tls_count_suites(o->cipher_suites, o->cipher_suites_n, rsa) > 0;
    if (!tls12 && !tls13)
        return ax_fail(
            diag, AX_INVALID,
            "none of cipher_suites is for TLS 1.2 and a certificate with a key for %s: add one, or allow "
            "TLS13 as max_version",
            rsa ? "RSA" : "ECDSA");
    err = make_priority(o, tls13, tls12, false, rsa, &t->priority, diag);
    return err == AX_OK && suites ? make_priority(o, false, true, true, rsa, &t->priority_12, diag) : err;
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
    if (err == AX_OK && o->client_sans_n) {
        t->sans = ax_tls_sans_new(o->client_sans, o->client_sans_n);
        err = t->sans ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    }
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
    if (t->priority_12)
        gnutls_priority_deinit(t->priority_12);
    ax_tls_sans_free(t->sans);
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

int ax_tls_choose(const struct ax_tls *t, gnutls_session_t session)
{
    return t->priority_12 && gnutls_protocol_get_version(session) == GNUTLS_TLS1_2
               ? gnutls_priority_set(session, t->priority_12)
               : 0;
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

bool ax_tls_names_clients(const struct ax_tls *t)
{
    return t && t->sans;
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
    const char *fault = verified ? chain_fault(t, der, n) : NULL;
    if (!fault && t->sans && !ax_tls_sans_match(t->sans, &der[0]))
        fault = "the client certificate is for none of the names that are allowed here";
    return fault;
}
