/* doors.h: who may come in: TLS, client certificates, passwords, bearer tokens; and headers of answers.
 *
 * One generation is made whole from its options, with the files that they name, and does not change; a
 * change on disk makes the next one. Counted references: connections and requests on their way keep theirs.
 * Any thread. */
#ifndef AX_NET_DOORS_H
#define AX_NET_DOORS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What is asked of a client's certificate. */
enum ax_client_auth {
    AX_CLIENT_CERT_NONE,
    AX_CLIENT_CERT_ASKED, /* and not looked at */
    AX_CLIENT_CERT_ANY,   /* there must be one */
    AX_CLIENT_CERT_VERIFIED_IF_GIVEN,
    AX_CLIENT_CERT_VERIFIED
};

/* TLS versions, in order. */
enum ax_tls_version { AX_TLS_12, AX_TLS_13 };

/* A header that every answer carries; name and value are terminated. */
struct ax_door_header {
    struct ax_str name, value;
};

/* A user with the bcrypt hash of the password; the hash is terminated. */
struct ax_door_user {
    struct ax_str name, hash;
};

/* Borrowed while a generation is made; an empty text is one that was not set. */
struct ax_doors_options {
    struct ax_str cert_file, key_file, client_ca_file; /* in PEM */
    struct ax_str cert, key, client_ca;                /* or the PEM itself; no certificate at all: no TLS */
    enum ax_client_auth client_auth;
    const struct ax_str *client_sans; /* a client's certificate must be for one of them; none: for anything */
    uint32_t client_sans_n;
    enum ax_tls_version min_version, max_version;
    const struct ax_str *cipher_suites, *curves; /* net/tls_names.h; none: those of GnuTLS */
    uint32_t cipher_suites_n, curves_n;
    bool server_order;        /* of them as they stand above, and not as the client prefers them */
    int64_t rate_interval_ms; /* one request in each, all in all; 0: any number */
    uint32_t rate_burst;      /* and so many at once, above 0 with an interval */
    const struct ax_door_header *headers;
    uint32_t headers_n;
    const struct ax_door_user *users;
    uint32_t users_n;
    struct ax_str bearer_token_file; /* a token of 16 to 512 visible characters a line; # begins a comment */
};

/* One generation; the TLS in it. */
struct ax_doors;
struct ax_tls;

/* Read the files and make a generation, with one reference. AX_IO, AX_INVALID, AX_LIMIT and AX_NOMEM with
 * a text that names the file and holds no secret. */
AX_MUST_USE enum ax_err ax_doors_new(const struct ax_doors_options *o, struct ax_doors **out,
                                     struct ax_diag *diag);

/* Take one more reference; NULL stays NULL. */
struct ax_doors *ax_doors_hold(struct ax_doors *d);

/* Give a reference back; the last one frees. NULL is fine. */
void ax_doors_release(struct ax_doors *d);

/* Take over which passwords the generation before has checked, so that a change of a certificate does not
 * leave those who are known to compete with those who guess; and how much of the rate is used up. NULL is
 * fine for both. */
void ax_doors_inherit(struct ax_doors *d, struct ax_doors *before);

/* Does it have TLS? NULL has none. */
bool ax_doors_tls(const struct ax_doors *d);

/* Its TLS, which lives as long as it; NULL when it has none. */
const struct ax_tls *ax_doors_tls_of(const struct ax_doors *d);

/* A number that no other generation of the process has, above 0. */
uint64_t ax_doors_generation(const struct ax_doors *d);

/* Does it ask for a password or a token? NULL does not. */
bool ax_doors_authenticate(const struct ax_doors *d);

/* Take one request off what the rate allows: 0, or after how many ms there will be room for it. NULL always
 * has room. Wait-free but for other requests at the same moment. */
int64_t ax_doors_wait_ms(struct ax_doors *d);

/* How a request is let in. */
enum ax_door_answer {
    AX_DOOR_OPEN,
    AX_DOOR_NONE_GIVEN,  /* 401: no Authorization */
    AX_DOOR_WRONG,       /* 401 */
    AX_DOOR_CERTIFICATE, /* 403: that of the client, or its absence */
    AX_DOOR_UNKNOWN,     /* ax_doors_check() has to be asked */
    AX_DOOR_BUSY         /* 503: not judged now; try again */
};

/* Judge the value of Authorization ({NULL, 0}: absent) by what is known: a few microseconds. AX_DOOR_UNKNOWN
 * for a password that was not seen before. */
enum ax_door_answer ax_doors_judge(struct ax_doors *d, struct ax_str authorization);

/* The same, and find out what is not known: a bcrypt check, of up to some seconds of CPU. Never
 * AX_DOOR_UNKNOWN; AX_DOOR_BUSY when it could not be found out. Any thread, one at a time to spare the CPU.
 */
enum ax_door_answer ax_doors_check(struct ax_doors *d, struct ax_str authorization);

/* The values of WWW-Authenticate, for a 401: challenge i, NULL behind the last. */
const char *ax_doors_challenge(const struct ax_doors *d, uint32_t i);

/* Header i of every answer; NULL behind the last. */
const struct ax_door_header *ax_doors_header(const struct ax_doors *d, uint32_t i);

#endif
