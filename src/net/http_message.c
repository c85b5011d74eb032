/* http_message.c: what handlers ask of a request, and how they fill an answer. */
#include "net/http_server.h"

#include <stdarg.h>
#include <stdio.h>

#define ANSWER_BYTES_MAX (64u << 20)

struct ax_str ax_http_header(const struct ax_http_request *req, const char *name)
{
    return req->find(req->ctx, false, name, 0);
}

struct ax_str ax_http_query(const struct ax_http_request *req, const char *name)
{
    return req->find(req->ctx, true, name, 0);
}

struct ax_str ax_http_query_at(const struct ax_http_request *req, const char *name, uint32_t at)
{
    return req->find(req->ctx, true, name, at);
}

bool ax_http_gone(const struct ax_http_request *req)
{
    return req->gone && req->gone(req->ctx);
}

void ax_http_add_header(struct ax_http_response *res, const char *name, const char *fmt, ...)
{
    if (res->headers_n == AX_HTTP_HEADERS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(res->headers[res->headers_n].value, sizeof res->headers[0].value, fmt, args);
    va_end(args);
    res->headers[res->headers_n++].name = name;
}

void ax_http_text(struct ax_http_response *res, int status, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    res->status = status;
    res->content_type = "text/plain; charset=utf-8";
    ax_buf_reset(&res->body);
    for (struct ax_str rest = ax_str(text); rest.n;) {
        size_t n = ax_str_utf8_first(rest);
        bool shown = n > 1 || (n == 1 && (unsigned char)rest.p[0] >= 0x20 && rest.p[0] != 0x7f);
        n += n == 0;
        ax_buf_str(&res->body, shown ? (struct ax_str){rest.p, n} : ax_str("?"));
        rest = (struct ax_str){rest.p + n, rest.n - n};
    }
    ax_buf_byte(&res->body, '\n');
}

void ax_http_response_init(struct ax_http_response *res)
{
    *res = (struct ax_http_response){.status = 200, .content_type = "text/plain; charset=utf-8"};
    ax_buf_init(&res->body, ANSWER_BYTES_MAX);
}
