/* listen.c: split host from port, resolve, bind the first address that lets itself be bound. */
#include "net/listen.h"

#include "base/parse.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

/* "host:port" into its parts; an empty host means all addresses. */
static enum ax_err split(const char *address, char host[256], char port[16], struct ax_diag *diag)
{
    const char *colon = strrchr(address, ':');
    size_t host_n = colon ? (size_t)(colon - address) : 0;
    const char *start = address;
    if (host_n >= 2 && address[0] == '[' && colon[-1] == ']') {
        start++;
        host_n -= 2;
    }
    if (!colon || host_n >= 256 || strlen(colon + 1) >= 16 || colon[1] == '\0')
        return ax_fail(diag, AX_INVALID, "'%s' is no listen address: write host:port, :port or [v6]:port",
                       address);
    int64_t number; /* getaddrinfo() takes one that is too large modulo 65,536 */
    if (ax_parse_i64(ax_str(colon + 1), &number) == AX_OK && (number < 0 || number > UINT16_MAX))
        return ax_fail(diag, AX_INVALID, "'%s' is no listen address: a port is at most 65535", address);
    memcpy(host, start, host_n);
    host[host_n] = '\0';
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return AX_OK;
}

static int bind_one(const struct addrinfo *a)
{
    const int on = 1, off = 0;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } at;
    socklen_t n = sizeof at;
    memset(&at, 0, sizeof at);
    if (getsockname(fd, &at.any, &n) != 0)
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

enum ax_err ax_listen(const char *address, int *out_fd, uint16_t *out_port, struct ax_diag *diag)
{
    char host[256] = "", port[16] = "";
    enum ax_err err = split(address, host, port, diag);
    if (err != AX_OK)
        return err;
    const struct addrinfo hints = {.ai_family = host[0] ? AF_UNSPEC : AF_INET6,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (rc != 0)
        return ax_fail(diag, AX_INVALID, "cannot read the listen address '%s': %s", address,
                       gai_strerror(rc));
    int fd = -1;
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = bind_one(a);
    int why = errno;
    freeaddrinfo(found);
    if (fd < 0 && !host[0] && why == EAFNOSUPPORT) { /* a kernel without IPv6 */
        char v4[32];
        (void)snprintf(v4, sizeof v4, "0.0.0.0:%s", port);
        return ax_listen(v4, out_fd, out_port, diag);
    }
    char text[128];
    if (fd < 0)
        return ax_fail(diag, AX_IO, "cannot listen on %s: %s%s", address, strerror_r(why, text, sizeof text),
                       why == EADDRINUSE
                           ? " (another process has it: stop it, or choose another address with "
                             "--web.listen-address)"
                       : why == EADDRNOTAVAIL ? " (no interface of this machine has this address)"
                                              : "");
    *out_fd = fd;
    *out_port = port_of(fd);
    return AX_OK;
}
