/* doors.c: puts TLS, passwords and tokens into one generation, and reads Authorization. */
#include "net/doors.h"

#include "base/clock.h"
#include "net/password.h"
#include "net/rate.h"
#include "net/secret_file.h"
#include "net/tls.h"

#include <gnutls/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#define TOKENS_MAX 1024
#define TOKEN_MIN 16
#define TOKEN_MAX 512
#define TOKEN_FILE_MAX (1u << 20)
#define HEADERS_MAX 8
#define CREDENTIALS_MAX 2048 /* base64 of a name and a password */
#define KEY_BYTES 32
#define DIGEST_BYTES 32

struct ax_doors {
    atomic_uint references;
    uint64_t generation;
    struct ax_tls *tls;
    struct ax_passwords *passwords;
    bool bearer; /* tokens are asked for, even if the file holds none */
    uint8_t key[KEY_BYTES];
    uint8_t (*tokens)[DIGEST_BYTES];
    uint32_t tokens_n;
    struct ax_door_header headers[HEADERS_MAX];
    uint32_t headers_n;
    struct ax_rate rate;
};

/* Keyed hash, so that a comparison says nothing of the token and takes no time of its length. */
static bool token_digest(const struct ax_doors *d, struct ax_str token, uint8_t out[static DIGEST_BYTES])
{
    return gnutls_hmac_fast(GNUTLS_MAC_SHA256, d->key, sizeof d->key, token.p, token.n, out) >= 0;
}

static bool is_token(struct ax_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f)
            return false;
    return s.n >= TOKEN_MIN && s.n <= TOKEN_MAX;
}

/* The next line of text, without what surrounds it; text moves on. */
static struct ax_str next_line(struct ax_str *text)
{
    const char *end = memchr(text->p, '\n', text->n);
    struct ax_str line = {text->p, end ? (size_t)(end - text->p) : text->n};
    size_t used = line.n + (end ? 1 : 0);
    *text = (struct ax_str){text->p + used, text->n - used};
    while (line.n && (line.p[line.n - 1] == '\r' || line.p[line.n - 1] == ' '))
        line.n--;
    return line;
}

static enum ax_err take_tokens(struct ax_doors *d, struct ax_str path, struct ax_str text,
                               struct ax_diag *diag)
{
    unsigned long number = 0;
    while (text.n) {
        struct ax_str line = next_line(&text);
        number++;
        if (line.n == 0 || line.p[0] == '#')
            continue;
        if (!is_token(line))
            return ax_fail(diag, AX_INVALID,
                           AX_STR_FMT ":%lu: a token has from %d to %d visible ASCII characters and no space",
                           AX_STR_ARG(path), number, TOKEN_MIN, TOKEN_MAX);
        if (d->tokens_n == TOKENS_MAX)
            return ax_fail(diag, AX_LIMIT, AX_STR_FMT ":%lu: more than %d tokens", AX_STR_ARG(path), number,
                           TOKENS_MAX);
        if (!token_digest(d, line, d->tokens[d->tokens_n++]))
            return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    return d->tokens_n ? AX_OK
                       : ax_fail(diag, AX_INVALID, AX_STR_FMT ": the file holds no token: write one a line",
                                 AX_STR_ARG(path));
}

static enum ax_err load_tokens(struct ax_doors *d, struct ax_str path, struct ax_diag *diag)
{
    struct ax_buf text;
    if (!path.n)
        return AX_OK;
    d->bearer = true;
    d->tokens = calloc(TOKENS_MAX, DIGEST_BYTES);
    if (!d->tokens || gnutls_rnd(GNUTLS_RND_KEY, d->key, sizeof d->key) < 0)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_secret_file_read(path, TOKEN_FILE_MAX, &text, diag);
    if (err != AX_OK)
        return err;
    err = take_tokens(d, path, ax_buf_view(&text), diag);
    ax_secret_file_done(&text);
    return err;
}

/* Copy the headers: both texts of one in one piece, which its name begins. */
static enum ax_err copy_headers(struct ax_doors *d, const struct ax_doors_options *o, struct ax_diag *diag)
{
    for (uint32_t i = 0; i < o->headers_n; i++) {
        const struct ax_door_header *h = &o->headers[i];
        char *text = d->headers_n < HEADERS_MAX ? calloc(1, h->name.n + h->value.n + 2) : NULL;
        if (!text)
            return ax_fail(diag, AX_NOMEM, "out of memory");
        memcpy(text, h->name.p, h->name.n);
        memcpy(text + h->name.n + 1, h->value.p, h->value.n);
        d->headers[d->headers_n].name = (struct ax_str){text, h->name.n};
        d->headers[d->headers_n++].value = (struct ax_str){text + h->name.n + 1, h->value.n};
    }
    return AX_OK;
}

enum ax_err ax_doors_new(const struct ax_doors_options *o, struct ax_doors **out, struct ax_diag *diag)
{
    static atomic_uint_fast64_t generations;
    *out = NULL;
    struct ax_doors *d = calloc(1, sizeof *d);
    if (!d)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    atomic_init(&d->references, 1);
    d->generation = atomic_fetch_add(&generations, 1) + 1;
    ax_rate_init(&d->rate, o->rate_interval_ms * 1000000, o->rate_burst);
    enum ax_err err = copy_headers(d, o, diag);
    if (err == AX_OK && (o->cert_file.n || o->cert.n))
        err = ax_tls_new(o, &d->tls, diag);
    if (err == AX_OK && o->users_n)
        err = ax_passwords_new(o->users, o->users_n, &d->passwords, diag);
    if (err == AX_OK)
        err = load_tokens(d, o->bearer_token_file, diag);
    if (err == AX_OK)
        *out = d;
    else
        ax_doors_release(d);
    return err;
}

struct ax_doors *ax_doors_hold(struct ax_doors *d)
{
    if (d)
        (void)atomic_fetch_add(&d->references, 1);
    return d;
}

void ax_doors_release(struct ax_doors *d)
{
    if (!d || atomic_fetch_sub(&d->references, 1) > 1)
        return;
    ax_tls_free(d->tls);
    ax_passwords_free(d->passwords);
    for (uint32_t i = 0; i < d->headers_n; i++) {
        union {
            const char *text;
            void *memory;
        } piece = {d->headers[i].name.p}; /* copied by copy_headers() */
        free(piece.memory);
    }
    free(d->tokens);
    explicit_bzero(d->key, sizeof d->key);
    free(d);
}

void ax_doors_inherit(struct ax_doors *d, struct ax_doors *before)
{
    if (!d || !before)
        return;
    if (d->passwords && before->passwords)
        ax_passwords_inherit(d->passwords, before->passwords);
    ax_rate_inherit(&d->rate, &before->rate, ax_mono_ns());
}

int64_t ax_doors_wait_ms(struct ax_doors *d)
{
    return d ? (ax_rate_take(&d->rate, ax_mono_ns()) + 999999) / 1000000 : 0;
}

bool ax_doors_tls(const struct ax_doors *d)
{
    return d && d->tls;
}

bool ax_doors_authenticate(const struct ax_doors *d)
{
    return d && (d->passwords || d->bearer);
}

const struct ax_tls *ax_doors_tls_of(const struct ax_doors *d)
{
    return d->tls;
}

uint64_t ax_doors_generation(const struct ax_doors *d)
{
    return d->generation;
}

/* All tokens are compared, whole. */
static enum ax_door_answer judge_token(const struct ax_doors *d, struct ax_str token)
{
    uint8_t digest[DIGEST_BYTES];
    unsigned found = 0;
    if (!d->bearer || token.n > TOKEN_MAX || !token.n || !token_digest(d, token, digest))
        return AX_DOOR_WRONG;
    for (uint32_t i = 0; i < d->tokens_n; i++)
        found |= gnutls_memcmp(d->tokens[i], digest, DIGEST_BYTES) == 0;
    return found ? AX_DOOR_OPEN : AX_DOOR_WRONG;
}

/* RFC 7617: base64 of name, colon, password. */
static enum ax_door_answer judge_basic(struct ax_doors *d, struct ax_str base64, bool check)
{
    gnutls_datum_t plain = {NULL, 0};
    union {
        const char *text;
        unsigned char *bytes;
    } in = {base64.p}; /* gnutls_datum_t does not say const */
    const gnutls_datum_t given = {in.bytes, (unsigned)base64.n};
    if (!d->passwords || !base64.n || base64.n > CREDENTIALS_MAX || gnutls_base64_decode2(&given, &plain) < 0)
        return AX_DOOR_WRONG;
    enum ax_door_answer answer = AX_DOOR_WRONG;
    const char *text = (const char *)plain.data, *colon = plain.size ? memchr(text, ':', plain.size) : NULL;
    if (colon) {
        size_t name_n = (size_t)(colon - text);
        const struct ax_str name = {text, name_n}, password = {colon + 1, plain.size - name_n - 1};
        answer = ax_passwords_recall(d->passwords, name, password);
        if (answer == AX_DOOR_UNKNOWN && check)
            answer = ax_passwords_check(d->passwords, name, password);
    }
    if (plain.data)
        explicit_bzero(plain.data, plain.size);
    gnutls_free(plain.data);
    return answer;
}

static enum ax_door_answer judge(struct ax_doors *d, struct ax_str authorization, bool check)
{
    if (!ax_doors_authenticate(d))
        return AX_DOOR_OPEN;
    const char *space = authorization.n ? memchr(authorization.p, ' ', authorization.n) : NULL;
    if (!authorization.n)
        return AX_DOOR_NONE_GIVEN;
    if (!space)
        return AX_DOOR_WRONG;
    size_t scheme_n = (size_t)(space - authorization.p);
    struct ax_str rest = {space, authorization.n - scheme_n};
    while (rest.n && rest.p[0] == ' ')
        rest = (struct ax_str){rest.p + 1, rest.n - 1};
    if (scheme_n == 6 && strncasecmp(authorization.p, "bearer", 6) == 0)
        return judge_token(d, rest);
    if (scheme_n == 5 && strncasecmp(authorization.p, "basic", 5) == 0)
        return judge_basic(d, rest, check);
    return AX_DOOR_WRONG;
}

enum ax_door_answer ax_doors_judge(struct ax_doors *d, struct ax_str authorization)
{
    return judge(d, authorization, false);
}

enum ax_door_answer ax_doors_check(struct ax_doors *d, struct ax_str authorization)
{
    return judge(d, authorization, true);
}

const char *ax_doors_challenge(const struct ax_doors *d, uint32_t i)
{
    static const char *const basic = "Basic realm=\"auspex\", charset=\"UTF-8\"", *const bearer = "Bearer";
    if (i == 0)
        return d->passwords ? basic : d->bearer ? bearer : NULL;
    return i == 1 && d->passwords && d->bearer ? bearer : NULL;
}

const struct ax_door_header *ax_doors_header(const struct ax_doors *d, uint32_t i)
{
    return d && i < d->headers_n ? &d->headers[i] : NULL;
}
