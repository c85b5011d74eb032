/* no_proxy.c: word by word, as an address, a network or the end of a name. */
#include "net/no_proxy.h"

#include "base/parse.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 256

/* Bytes of an address; its length, or 0 for what is none. */
static size_t address_of(const char *text, unsigned char out[static 16])
{
    if (inet_pton(AF_INET, text, out) == 1)
        return 4;
    return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

/* Is the address in a network, or the one that the word is? The word is cut at its slash. */
static bool is_in(char *word, const unsigned char *address, size_t n)
{
    unsigned char net[16];
    const int64_t most = 8 * (int64_t)n;
    int64_t bits = most;
    char *slash = strchr(word, '/');
    if (slash) {
        *slash = '\0';
        if (ax_parse_i64(ax_str(slash + 1), &bits) != AX_OK || bits < 0 || bits > most)
            return false;
    }
    if (address_of(word, net) != n || memcmp(net, address, (size_t)bits / 8) != 0)
        return false;
    unsigned mask = (0xff00u >> (bits % 8)) & 0xff;
    return bits % 8 == 0 || ((net[bits / 8] ^ address[bits / 8]) & mask) == 0;
}

/* Is the name a domain, or below it? */
static bool is_below(const char *name, size_t n, const char *domain)
{
    domain += *domain == '.';
    size_t d = strlen(domain);
    if (d && domain[d - 1] == '.')
        d--;
    return d && n >= d && strncasecmp(name + n - d, domain, d) == 0 && (n == d || name[n - d - 1] == '.');
}

static bool ends_word(char c)
{
    return c == ',' || c == ' ' || c == '\t';
}

bool ax_no_proxy_has(struct ax_str list, const char *host)
{
    char name[WORD_MAX], word[WORD_MAX];
    unsigned char address[16];
    size_t n = strlen(host);
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    }
    if (n > 0 && host[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof name)
        return false;
    memcpy(name, host, n);
    name[n] = '\0';
    size_t bytes = address_of(name, address);
    for (size_t from = 0, to; from < list.n; from = to + 1) {
        for (to = from; to < list.n && !ends_word(list.p[to]);)
            to++;
        if (to == from || to - from >= sizeof word)
            continue;
        memcpy(word, list.p + from, to - from);
        word[to - from] = '\0';
        if (strcmp(word, "*") == 0 || (bytes ? is_in(word, address, bytes) : is_below(name, n, word)))
            return true;
    }
    return false;
}
