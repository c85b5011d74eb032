/* url.c: RFC 3986, section 3: scheme://user:password@host/path?query#fragment */
#include "base/url.h"

#include <string.h>

/* Where the parts end, each empty where it is missing; and where the name of the user does. */
struct parts {
    size_t scheme, name, user, host, path, query;
};

static size_t until(struct ax_str url, size_t from, const char *stops)
{
    while (from < url.n && !strchr(stops, url.p[from]))
        from++;
    return from;
}

static struct parts split(struct ax_str url)
{
    const char *scheme = url.n ? memmem(url.p, url.n, "://", 3) : NULL;
    struct parts p = {.scheme = scheme ? (size_t)(scheme - url.p) + 3 : 0};
    p.host = until(url, p.scheme, "/?#");
    const char *at = p.host > p.scheme ? memrchr(url.p + p.scheme, '@', p.host - p.scheme) : NULL;
    p.user = at ? (size_t)(at - url.p) + 1 : p.scheme;
    p.name = at ? until((struct ax_str){url.p, p.user - 1}, p.scheme, ":") : p.scheme;
    p.path = until(url, p.host, "?#");
    p.query = until(url, p.path, "#");
    return p;
}

static void put(struct ax_buf *out, struct ax_str url, size_t from, size_t end)
{
    if (end > from)
        ax_buf_put(out, url.p + from, end - from);
}

/* The query: names of arguments, and no values. One without a name may be a value as a whole. */
static void put_query(struct ax_buf *out, struct ax_str url, size_t from, size_t end)
{
    while (from < end) {
        const size_t stop = until((struct ax_str){url.p, end}, from + 1, "&;");
        const size_t equals = until((struct ax_str){url.p, stop}, from + 1, "=");
        put(out, url, from, equals < stop ? equals + 1 : from + 1);
        if (stop > from + 1)
            ax_buf_str(out, ax_str(AX_URL_SECRET));
        from = stop;
    }
}

static void put_rest(struct ax_buf *out, struct ax_str url, const struct parts *p)
{
    put(out, url, p->user, p->path);
    put_query(out, url, p->path, p->query);
    put(out, url, p->query, url.n);
}

void ax_url_shown(struct ax_str url, struct ax_buf *out)
{
    const struct parts p = split(url);
    const bool password = p.user > p.scheme && p.name < p.user - 1;
    put(out, url, 0, password ? p.name + 1 : p.user);
    if (password) {
        ax_buf_str(out, ax_str(AX_URL_SECRET));
        put(out, url, p.user - 1, p.user);
    }
    put_rest(out, url, &p);
}

char *ax_url_label(struct ax_str url)
{
    const struct parts p = split(url);
    struct ax_buf out;
    ax_buf_init(&out, SIZE_MAX);
    put(&out, url, 0, p.scheme);
    put_rest(&out, url, &p);
    char *text = out.err == AX_OK ? strndup(out.n ? (const char *)out.bytes : "", out.n) : NULL;
    ax_buf_done(&out);
    return text;
}
