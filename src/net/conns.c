/* conns.c: a table of connections under one lock, and the thread that looks at it.
 *
 * libmicrohttpd says nothing between the beginning of a connection and the end of a request's headers, and a
 * byte now and then keeps its own timeout away. The kernel knows better: it counts the bytes that a socket
 * has received, and a request has begun when there are more of them than at the end of the one before. */
#include "net/conns.h"

#include "base/clock.h"
#include "net/ceilings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPARE_READ_MS 5000
#define PROBE_MS 50 /* for a reset to come back */
#define MS INT64_C(1000000)

/* Where a connection stands in its request. */
enum phase {
    HEADERS, /* or before them */
    BODY,
    ANSWER,
    CUT
};

struct ax_conn {
    struct ax_conns *table;
    uint32_t i; /* in table->v */
    int fd;
    uint64_t address;
    enum ax_conn_fit fit;
    enum phase phase;
    uint64_t received;      /* bytes of the socket before the request */
    int64_t since_ns;       /* the phase's beginning; 0: no byte of the request is there */
    bool can_probe, probed; /* of who makes the answer, one thread at a time */
};

struct ax_conns {
    struct ax_conns_options opt;
    pthread_mutex_t lock; /* of all below, and of the connections */
    pthread_cond_t ending;
    bool end;
    struct ax_conn **v;
    uint32_t n, cap;
    pthread_t thread;
};

static const enum ax_ceiling ceilings[] = {[AX_CONN_TOO_MANY] = AX_CEILING_CONNECTIONS,
                                           [AX_CONN_TOO_MANY_PER_ADDRESS] = AX_CEILING_CONNECTIONS_PER_IP};

/* One number for what counts as one address. */
static uint64_t address_number(const struct sockaddr *a)
{
    static const uint64_t v4 = UINT64_C(0xffff) << 32; /* no prefix of IPv6 looks like that */
    uint64_t prefix = 0;
    if (a && a->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, a, sizeof in);
        return v4 | ntohl(in.sin_addr.s_addr);
    }
    if (a && a->sa_family == AF_INET6) {
        struct sockaddr_in6 in;
        memcpy(&in, a, sizeof in);
        if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
            uint32_t v;
            memcpy(&v, in.sin6_addr.s6_addr + 12, sizeof v);
            return v4 | ntohl(v);
        }
        for (int i = 0; i < 8; i++)
            prefix = prefix << 8 | in.sin6_addr.s6_addr[i];
    }
    return prefix;
}

/* Bytes that the socket has received since it exists; what the kernel does not know is 0. */
static uint64_t received(int fd)
{
    struct tcp_info info;
    socklen_t n = sizeof info;
    memset(&info, 0, sizeof info);
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_bytes_received : 0;
}

static uint32_t count_address(const struct ax_conns *t, uint64_t address)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n; i++)
        n += t->v[i]->address == address;
    return n;
}

/* Does one more of an address fit, with so many to spare? The lock is held. */
static enum ax_conn_fit fit_of(const struct ax_conns *t, uint64_t address, uint32_t spare,
                               uint32_t spare_same)
{
    if (t->n >= t->opt.max + spare)
        return AX_CONN_TOO_MANY;
    return count_address(t, address) >= t->opt.per_address_max + spare_same ? AX_CONN_TOO_MANY_PER_ADDRESS
                                                                            : AX_CONN_FITS;
}

bool ax_conns_accept(struct ax_conns *t, const struct sockaddr *address)
{
    (void)pthread_mutex_lock(&t->lock);
    enum ax_conn_fit fit = fit_of(t, address_number(address), AX_CONNS_SPARE, AX_CONNS_SPARE_PER_ADDRESS);
    (void)pthread_mutex_unlock(&t->lock);
    if (fit != AX_CONN_FITS)
        ax_ceiling_count(ceilings[fit]);
    return fit == AX_CONN_FITS;
}

/* Room for one more; the lock is held. */
static bool reserve(struct ax_conns *t)
{
    if (t->n < t->cap)
        return true;
    uint32_t cap = t->cap ? t->cap * 2 : 64;
    struct ax_conn **v = realloc(t->v, cap * sizeof *v);
    if (!v)
        return false;
    t->v = v;
    t->cap = cap;
    return true;
}

struct ax_conn *ax_conn_open(struct ax_conns *t, int fd, const struct sockaddr *address)
{
    struct ax_conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->table = t;
    c->fd = fd;
    c->address = address_number(address);
    (void)pthread_mutex_lock(&t->lock);
    bool ok = reserve(t);
    if (ok) {
        c->fit = fit_of(t, c->address, 0, 0);
        /* Threads that accept at the same time may let in too many. */
        if (fit_of(t, c->address, AX_CONNS_SPARE, AX_CONNS_SPARE_PER_ADDRESS) != AX_CONN_FITS) {
            c->phase = CUT;
            (void)shutdown(fd, SHUT_RDWR);
        }
        c->i = t->n;
        t->v[t->n++] = c;
    }
    (void)pthread_mutex_unlock(&t->lock);
    if (!ok) {
        free(c);
        return NULL;
    }
    if (c->fit != AX_CONN_FITS)
        ax_ceiling_count(ceilings[c->fit]);
    return c;
}

void ax_conn_close(struct ax_conn *c)
{
    if (!c)
        return;
    struct ax_conns *t = c->table;
    (void)pthread_mutex_lock(&t->lock);
    t->v[c->i] = t->v[--t->n];
    t->v[c->i]->i = c->i;
    (void)pthread_mutex_unlock(&t->lock);
    free(c);
}

enum ax_conn_fit ax_conn_fit(const struct ax_conn *c)
{
    return c->fit;
}

uint64_t ax_conn_address(const struct ax_conn *c)
{
    return c->address;
}

/* Begin a phase, unless it was cut off. */
static bool enter(struct ax_conn *c, enum phase phase)
{
    (void)pthread_mutex_lock(&c->table->lock);
    bool ok = c->phase != CUT;
    if (ok && phase == HEADERS) {
        c->since_ns = 0;
        c->received = received(c->fd);
    } else if (ok && (phase == ANSWER || !c->since_ns)) {
        c->since_ns = ax_mono_ns(); /* a body's time began with the headers, if the thread has seen them */
    }
    if (ok)
        c->phase = phase;
    (void)pthread_mutex_unlock(&c->table->lock);
    return ok;
}

void ax_conn_settle(struct ax_conn *c)
{
    (void)enter(c, HEADERS);
}

bool ax_conn_begin(struct ax_conn *c)
{
    return enter(c, BODY);
}

bool ax_conn_whole(struct ax_conn *c)
{
    return enter(c, ANSWER);
}

void ax_conn_can_probe(struct ax_conn *c, bool can)
{
    c->can_probe = can && !c->table->opt.tls;
    c->probed = false;
}

/* Send what a client that still reads passes over, and wait a little for what a closed socket says to it.
 * True: it did, or it did not go out whole, and nothing may follow. */
static bool probe(struct ax_conn *c)
{
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct pollfd p = {.fd = c->fd}; /* of errors alone */
    const ssize_t n = send(c->fd, interim, sizeof interim - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n == -1 && errno == EAGAIN)
        return false; /* another time */
    c->probed = true;
    if (n != -1 && (size_t)n != sizeof interim - 1)
        (void)shutdown(c->fd, SHUT_RDWR);
    return poll(&p, 1, PROBE_MS) > 0;
}

bool ax_conn_gone(struct ax_conn *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};
    if (poll(&p, 1, 0) <= 0)
        return false;
    if ((p.revents & (POLLHUP | POLLERR)) || ((p.revents & POLLRDHUP) && c->table->opt.tls))
        return true;
    return (p.revents & POLLRDHUP) && c->can_probe && !c->probed && probe(c);
}

void ax_conn_end(struct ax_conn *c)
{
    (void)enter(c, HEADERS);
}

/* Say why, where that can be read, and end it: what libmicrohttpd reads next is the connection's end. */
static void cut(struct ax_conn *c)
{
    static const char body[] = "the request took longer to arrive than --web.read-timeout\n";
    char text[256];
    ax_ceiling_count(c->phase == ANSWER ? AX_CEILING_ANSWER_TIMEOUT : AX_CEILING_READ_TIMEOUT);
    if (c->phase != ANSWER && !c->table->opt.tls) {
        int n = snprintf(text, sizeof text,
                         "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
                         "Content-Length: %zu\r\n\r\n%s",
                         sizeof body - 1, body);
        (void)send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)shutdown(c->fd, SHUT_RDWR);
    c->phase = CUT;
}

/* Has it taken too long? A first byte that is seen here begins its request. */
static bool is_late(struct ax_conn *c, int64_t now_ns)
{
    const struct ax_conns_options *o = &c->table->opt;
    int64_t limit_ms = c->phase == ANSWER ? o->answer_ms : o->read_ms;
    if (c->fit != AX_CONN_FITS && limit_ms > SPARE_READ_MS)
        limit_ms = SPARE_READ_MS;
    if (c->phase == HEADERS && c->since_ns == 0 && (c->fit != AX_CONN_FITS || received(c->fd) > c->received))
        c->since_ns = now_ns;
    return c->phase != CUT && c->since_ns && now_ns - c->since_ns > limit_ms * MS;
}

static void *look(void *table)
{
    struct ax_conns *t = table;
    int64_t pause_ns = t->opt.read_ms * MS / 8;
    if (pause_ns > 1000 * MS)
        pause_ns = 1000 * MS;
    (void)pthread_mutex_lock(&t->lock);
    while (!t->end) {
        int64_t now_ns = ax_mono_ns();
        for (uint32_t i = 0; i < t->n; i++)
            if (is_late(t->v[i], now_ns))
                cut(t->v[i]);
        int64_t wake_ns = now_ns + pause_ns;
        const struct timespec wake = {.tv_sec = wake_ns / (1000 * MS), .tv_nsec = wake_ns % (1000 * MS)};
        (void)pthread_cond_timedwait(&t->ending, &t->lock, &wake);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void make_locks(struct ax_conns *t)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* that of ax_mono_ns() */
    (void)pthread_cond_init(&t->ending, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&t->lock, NULL);
}

enum ax_err ax_conns_new(const struct ax_conns_options *options, struct ax_conns **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_conns *t = calloc(1, sizeof *t);
    if (!t)
        return ax_fail(diag, AX_NOMEM, "no memory for the table of connections");
    t->opt = *options;
    make_locks(t);
    if (pthread_create(&t->thread, NULL, look, t) != 0) {
        (void)pthread_cond_destroy(&t->ending);
        (void)pthread_mutex_destroy(&t->lock);
        free(t);
        return ax_fail(diag, AX_IO, "no thread to watch connections: too many threads run already");
    }
    *out = t;
    return AX_OK;
}

void ax_conns_free(struct ax_conns *t)
{
    if (!t)
        return;
    (void)pthread_mutex_lock(&t->lock);
    t->end = true;
    (void)pthread_cond_signal(&t->ending);
    (void)pthread_mutex_unlock(&t->lock);
    (void)pthread_join(t->thread, NULL);
    (void)pthread_cond_destroy(&t->ending);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->v);
    free(t);
}
