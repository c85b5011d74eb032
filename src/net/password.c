/* password.c: bcrypt by crypt_r(3), and the two tables of what it said. What is remembered of a pair covers
 * the hash that it was checked against, so that the tables hold for other users, too: a pair is unknown again
 * when its user is gone or has another password. */
#include "net/password.h"

#include <crypt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define KEY_BYTES 32
#define DIGEST_BYTES 32 /* SHA-256 */
#define REMEMBERED 256
#define HASH_BYTES 61

/* Digests of pairs, the oldest replaced first. */
struct memory {
    uint8_t v[REMEMBERED][DIGEST_BYTES];
    uint32_t n, next;
};

struct user {
    struct ax_str name;
    char hash[HASH_BYTES];
};

struct ax_passwords {
    uint8_t key[KEY_BYTES]; /* that of the process */
    pthread_mutex_t lock;   /* of the memories */
    struct memory right, wrong;
    uint32_t users_n;
    char *names;
    struct user users[];
};

/* The key of all digests: random, and the same for as long as the process lives. */
static bool process_key(uint8_t out[static KEY_BYTES])
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static uint8_t key[KEY_BYTES];
    static bool made;
    (void)pthread_mutex_lock(&lock);
    made = made || gnutls_rnd(GNUTLS_RND_KEY, key, sizeof key) >= 0;
    bool ok = made;
    memcpy(out, key, sizeof key);
    (void)pthread_mutex_unlock(&lock);
    return ok;
}

enum ax_err ax_passwords_new(const struct ax_door_user *users, uint32_t n, struct ax_passwords **out,
                             struct ax_diag *diag)
{
    size_t names_n = 0;
    for (uint32_t i = 0; i < n; i++)
        names_n += users[i].name.n;
    *out = NULL;
    struct ax_passwords *p = calloc(1, sizeof *p + n * sizeof p->users[0]);
    char *names = malloc(names_n + 1);
    if (!p || !names) {
        free(p);
        free(names);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    p->names = names;
    p->users_n = n;
    (void)pthread_mutex_init(&p->lock, NULL);
    for (uint32_t i = 0; i < n; i++) {
        size_t hash_n = users[i].hash.n < HASH_BYTES - 1 ? users[i].hash.n : HASH_BYTES - 1;
        memcpy(p->users[i].hash, users[i].hash.p, hash_n);
        memcpy(names, users[i].name.p, users[i].name.n);
        p->users[i].name = (struct ax_str){names, users[i].name.n};
        names += users[i].name.n;
    }
    if (!process_key(p->key)) {
        ax_passwords_free(p);
        return ax_fail(diag, AX_IO, "no random numbers are to be had");
    }
    *out = p;
    return AX_OK;
}

void ax_passwords_free(struct ax_passwords *p)
{
    if (!p)
        return;
    (void)pthread_mutex_destroy(&p->lock);
    free(p->names);
    explicit_bzero(p, sizeof *p);
    free(p);
}

void ax_passwords_inherit(struct ax_passwords *p, struct ax_passwords *before)
{
    if (p == before)
        return;
    (void)pthread_mutex_lock(&before->lock);
    struct memory right = before->right, wrong = before->wrong;
    (void)pthread_mutex_unlock(&before->lock);
    (void)pthread_mutex_lock(&p->lock);
    p->right = right;
    p->wrong = wrong;
    (void)pthread_mutex_unlock(&p->lock);
}

/* The user of that name; NULL: nobody. */
static const struct user *find_user(const struct ax_passwords *p, struct ax_str name)
{
    const struct user *user = NULL;
    for (uint32_t i = 0; i < p->users_n; i++)
        if (ax_str_eq(p->users[i].name, name))
            user = &p->users[i];
    return user;
}

/* Keyed hash of a pair and what it is checked against; the name's length keeps "ab","c" and "a","bc" apart.
 * For nobody it is somebody's hash, for the time of it, and marked so. */
static bool digest(const struct ax_passwords *p, struct ax_str name, struct ax_str password,
                   uint8_t out[static DIGEST_BYTES])
{
    gnutls_hmac_hd_t h;
    const struct user *user = find_user(p, name);
    const char *hash = user ? user->hash : p->users[0].hash;
    const uint64_t about[2] = {user != NULL, name.n};
    if (gnutls_hmac_init(&h, GNUTLS_MAC_SHA256, p->key, sizeof p->key) < 0)
        return false;
    bool ok = gnutls_hmac(h, about, sizeof about) >= 0 && gnutls_hmac(h, hash, HASH_BYTES) >= 0 &&
              (!name.n || gnutls_hmac(h, name.p, name.n) >= 0) &&
              (!password.n || gnutls_hmac(h, password.p, password.n) >= 0);
    gnutls_hmac_deinit(h, out);
    return ok;
}

/* Is it there? Every entry is looked at whole. */
static bool remembers(const struct memory *m, const uint8_t d[static DIGEST_BYTES])
{
    unsigned found = 0;
    for (uint32_t i = 0; i < m->n; i++)
        found |= gnutls_memcmp(m->v[i], d, DIGEST_BYTES) == 0;
    return found != 0;
}

static void remember(struct memory *m, const uint8_t d[static DIGEST_BYTES])
{
    memcpy(m->v[m->next], d, DIGEST_BYTES);
    m->next = (m->next + 1) % REMEMBERED;
    m->n += m->n < REMEMBERED;
}

/* bcrypt. An unknown name is checked against somebody's hash, for the time of it. False when it cannot be
 * computed. */
static bool compute(const struct ax_passwords *p, struct ax_str name, struct ax_str password, bool *right)
{
    char text[CRYPT_MAX_PASSPHRASE_SIZE];
    const struct user *user = find_user(p, name);
    const char *hash = user ? user->hash : p->users[0].hash;
    struct crypt_data *data = calloc(1, sizeof *data);
    if (!data)
        return false;
    memcpy(text, password.p, password.n);
    text[password.n] = '\0';
    const char *got = crypt_r(text, hash, data);
    *right = user && got && strlen(got) == strlen(hash) && gnutls_memcmp(got, hash, strlen(hash)) == 0;
    explicit_bzero(text, sizeof text);
    explicit_bzero(data, sizeof *data);
    free(data);
    return true;
}

/* crypt_r ends at a zero byte: what comes after would not count. */
static bool is_password(struct ax_str s)
{
    return s.n < CRYPT_MAX_PASSPHRASE_SIZE && !(s.n && memchr(s.p, '\0', s.n));
}

enum ax_door_answer ax_passwords_recall(struct ax_passwords *p, struct ax_str name, struct ax_str password)
{
    uint8_t d[DIGEST_BYTES];
    if (!is_password(password))
        return AX_DOOR_WRONG;
    if (!digest(p, name, password, d))
        return AX_DOOR_BUSY;
    (void)pthread_mutex_lock(&p->lock);
    bool right = remembers(&p->right, d), wrong = remembers(&p->wrong, d);
    (void)pthread_mutex_unlock(&p->lock);
    return right ? AX_DOOR_OPEN : wrong ? AX_DOOR_WRONG : AX_DOOR_UNKNOWN;
}

enum ax_door_answer ax_passwords_check(struct ax_passwords *p, struct ax_str name, struct ax_str password)
{
    uint8_t d[DIGEST_BYTES];
    bool right;
    if (!is_password(password))
        return AX_DOOR_WRONG;
    if (!digest(p, name, password, d) || !compute(p, name, password, &right))
        return AX_DOOR_BUSY;
    (void)pthread_mutex_lock(&p->lock);
    remember(right ? &p->right : &p->wrong, d);
    (void)pthread_mutex_unlock(&p->lock);
    return right ? AX_DOOR_OPEN : AX_DOOR_WRONG;
}
