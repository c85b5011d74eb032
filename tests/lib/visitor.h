/* visitor.h: one HTTP client with everything that a door may ask for, on libcurl. */
#ifndef AX_TEST_VISITOR_H
#define AX_TEST_VISITOR_H

#include <stdbool.h>
#include <stdint.h>

struct visitor;

/* What a visitor brings; NULL: nothing. Files are those of data/tls, without folder and ".pem". */
struct visit {
    bool tls;
    const char *ca;          /* trusted for the server "receiver.test" */
    const char *certificate; /* with its key in "<name>-key" */
    const char *user;        /* "name:password" */
    const char *token;
    const char *body;    /* POST */
    const char *path;    /* default "/" */
    long newest_version; /* CURL_SSLVERSION_MAX_..., 0: any */
    const char *suites;  /* of TLS 1.2, as OpenSSL calls them */
    const char *curves;  /* likewise */
};

/* A visitor for a port of this machine. */
struct visitor *visitor_new(uint16_t port);

/* Go there: the status, or minus libcurl's error when there is no answer. Connections are kept. */
int visitor_ask(struct visitor *v, const struct visit *visit);

/* The same, again as long as the answer is 503, as senders do. */
int visitor_insist(struct visitor *v, const struct visit *visit);

/* Body and headers of the last answer. */
const char *visitor_body(const struct visitor *v);
const char *visitor_headers(const struct visitor *v);

/* Connections that the last visit opened. */
long visitor_opened(const struct visitor *v);

void visitor_free(struct visitor *v);

#endif
