/* http_call.c: what becomes of a request, as libmicrohttpd delivers it.
 *
 * The happy path: begin with the headers (the route is found, the doors are asked, room is claimed), take
 * pieces of the body, finish (the handler runs, the answer is queued), end. The handler of a slow route runs
 * on a thread for queries while the connection is suspended; then libmicrohttpd calls once more. What is
 * refused before the body (not let in, no such route, too large, too much at once) is remembered in the call
 * and answered when the body has been read past, so that the client is still there to read why (one that only
 * sees its connection close would try again for ever); at once if the client waits for leave to send it, or
 * announces more than anybody would read past. A password that was not seen before suspends the connection
 * until the doorman has answered; then libmicrohttpd delivers the headers once more. */
#include "net/http_call.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/parse.h"
#include "net/ceilings.h"
#include "net/origin.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define BODY_FIRST (256u << 10) /* reserved at once for a body that is announced to be larger */
#define SKIP_FACTOR 2           /* a body too large is read past to at most so many times its ceiling */

struct ax_http_call {
    struct ax_door_question question; /* first: what the doorman has is the call */
    struct ax_task query;
    bool asked;   /* of him, and the answer not looked at yet */
    bool given;   /* to the threads for queries: next is the answer */
    bool claimed; /* counted in server->requests */
    struct ax_http_server *server;
    struct ax_http_visitor *visitor;
    struct ax_doors *doors;            /* that it came in by */
    const struct ax_http_route *route; /* NULL: refused */
    uint32_t route_i;
    struct ax_buf body;
    uint64_t accounted; /* bytes of it in server->bodies */
    uint64_t skipped;
    int64_t start_ns;
    struct ax_http_response refusal; /* status 0 while the request is acceptable */
    struct ax_http_response answer;
    struct MHD_Connection *connection;
};

/* A value that is looked for among several of one name. */
struct looking {
    const char *name, *value;
    int (*compare)(const char *a, const char *b);
    uint32_t left; /* of them that come before */
};

static enum MHD_Result look(void *ctx, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct looking *l = ctx;
    (void)kind;
    if (!value || l->compare(name, l->name) != 0 || l->left-- > 0)
        return MHD_YES;
    l->value = value;
    return MHD_NO;
}

/* What the handler may ask for; ctx is the call. */
static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    const struct ax_http_call *c = ctx;
    struct looking l = {name, NULL, query ? strcmp : strcasecmp, at};
    (void)MHD_get_connection_values(c->connection, query ? MHD_GET_ARGUMENT_KIND : MHD_HEADER_KIND, look, &l);
    return l.value ? ax_str(l.value) : (struct ax_str){NULL, 0};
}

/* Likewise. */
static bool gone(void *ctx)
{
    const struct ax_http_call *c = ctx;
    return atomic_load(&c->server->over) || ax_conn_gone(c->visitor->conn);
}

/* Hand the answer to libmicrohttpd, which takes over the body's memory. */
static enum MHD_Result send_response(const struct ax_http_call *c, struct ax_http_response *res)
{
    if (res->body.err == AX_NOMEM) {
        ax_http_text(res, 503, "out of memory: try again");
        ax_http_add_header(res, "Retry-After", "1");
    } else if (res->body.err != AX_OK) {
        ax_http_text(res, 500, "the answer is too large");
    }
    size_t n = res->status == 204 ? 0 : res->body.n;
    struct MHD_Response *r = MHD_create_response_from_buffer(
        n, res->body.bytes, res->body.bytes ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
    if (!r) {
        ax_buf_done(&res->body);
        return MHD_NO;
    }
    ax_buf_init(&res->body, 0);
    if (res->status != 204)
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, res->content_type);
    if (atomic_load(&c->server->ending))
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    for (uint32_t i = 0; i < res->headers_n; i++)
        (void)MHD_add_response_header(r, res->headers[i].name, res->headers[i].value);
    ax_gate_decorate(c->doors, r);
    enum MHD_Result queued = MHD_queue_response(c->connection, (unsigned)res->status, r);
    MHD_destroy_response(r);
    return queued;
}

static void count(const struct ax_http_call *c, int status)
{
    char code[8];
    (void)snprintf(code, sizeof code, "%d", status);
    ax_metric_count(AX_M_HTTP_REQUESTS, c->route ? c->route->name : "none", code);
    if (c->route)
        ax_metric_observe(c->server->seconds[c->route_i], (double)(ax_mono_ns() - c->start_ns) * 1e-9);
}

/* Find the route, or fill the refusal: 404, or 405 with what is allowed. */
static void find_route(struct ax_http_call *c, const char *method, const char *path)
{
    char allowed[64] = "";
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (uint32_t i = 0; i < c->server->routes_n; i++) {
        const struct ax_http_route *r = &c->server->routes[i];
        if (strcmp(r->path, path) != 0)
            continue;
        if (strcmp(r->method, method) == 0) {
            c->route = r;
            c->route_i = i;
            return;
        }
        size_t n = strlen(allowed);
        (void)snprintf(allowed + n, sizeof allowed - n, "%s%s", n ? ", " : "", r->method);
    }
    if (!allowed[0]) {
        ax_http_text(&c->refusal, 404,
                     "there is nothing at %s; remote-write goes to /api/v1/write, / has links, docs/http.md "
                     "lists the paths",
                     path);
        return;
    }
    ax_http_text(&c->refusal, 405, "method %s is not allowed here: use %s", method, allowed);
    ax_http_add_header(&c->refusal, "Allow", "%s", allowed);
}

/* Refuse at a ceiling: 413 for what is too large for ever, else 503 with leave to try again. */
static AX_PRINTF(4, 5) void reject(struct ax_http_call *c, int status, enum ax_ceiling ceiling,
                                   const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ax_ceiling_count(ceiling);
    c->refusal.headers_n = 0;
    ax_http_text(&c->refusal, status, "%s", text);
    if (status == 503)
        ax_http_add_header(&c->refusal, "Retry-After", "1");
}

/* Refuse what comes too late to be answered; no ceiling is to blame. */
static void reject_at_end(struct ax_http_call *c)
{
    c->refusal.headers_n = 0;
    ax_http_text(&c->refusal, 503, "Auspex is stopping: try again");
    ax_http_add_header(&c->refusal, "Retry-After", "1");
}

static void reject_large(struct ax_http_call *c)
{
    const char *flag = c->route->body_flag;
    reject(c, 413, AX_CEILING_BODY_SIZE, "the body is larger than the limit of %llu bytes%s%s%s",
           (unsigned long long)c->route->body_max, flag ? " (--" : "", flag ? flag : "", flag ? ")" : "");
}

/* Take n more bytes of the ceiling on all bodies; false (with the refusal) when they are not there. */
static bool account(struct ax_http_call *c, uint64_t n)
{
    uint64_t before = atomic_fetch_add(&c->server->bodies, n);
    c->accounted += n;
    if (before + n <= c->server->bodies_max)
        return true;
    reject(c, 503, AX_CEILING_INFLIGHT_SIZE,
           "more than %llu bytes of bodies in flight (--remote-write.max-inflight-size): try again",
           (unsigned long long)c->server->bodies_max);
    return false;
}

/* Take a place among the requests with a body; refuses when there is none, or no memory for it. */
static void claim(struct ax_http_call *c)
{
    struct ax_http_server *s = c->server;
    if (c->refusal.status || !c->route || !c->route->body_max)
        return;
    if (c->route->open && !c->route->open(c->route->ctx, &c->refusal))
        return;
    if (ax_memory_state() == AX_MEMORY_FULL) {
        reject(c, 503, AX_CEILING_MEMORY, "memory has reached --storage.max-memory: try again");
        return;
    }
    c->claimed = true;
    if (atomic_fetch_add(&s->requests, 1) >= s->requests_max)
        reject(c, 503, AX_CEILING_INFLIGHT_REQUESTS,
               "more than %u requests at once (--web.max-requests): try again", s->requests_max);
}

/* Give back the body's memory and its share of the ceilings. */
static void release_body(struct ax_http_call *c)
{
    (void)atomic_fetch_sub(&c->server->bodies, c->accounted);
    c->accounted = 0;
    if (c->claimed)
        (void)atomic_fetch_sub(&c->server->requests, 1);
    c->claimed = false;
    ax_buf_done(&c->body);
}

/* What the client says of its body's size, 0 when it says nothing. */
static uint64_t announced(struct MHD_Connection *connection)
{
    const char *v = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t n;
    return v && ax_parse_i64(ax_str(v), &n) == AX_OK && n > 0 ? (uint64_t)n : 0;
}

/* Does the client wait for leave to send its body? */
static bool waits(struct MHD_Connection *connection)
{
    const char *v = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);
    return v && strcasecmp(v, "100-continue") == 0;
}

/* How much of an unwanted body is read past. */
static uint64_t patience(const struct ax_http_call *c)
{
    return SKIP_FACTOR * (c->route ? c->route->body_max : 0) + (1u << 20);
}

/* Does it bring data, by remote-write? */
static bool brings(const struct ax_http_call *c)
{
    return c->route && c->route->body_max && !c->route->slow;
}

/* Is it asked on behalf of a page that is not ours? What changes something, or costs much, is not done for
 * it. Samples are no browser's to send, and a sender that adds such a header is not to lose them. */
static bool is_foreign(struct ax_http_call *c)
{
    if (!c->route || strcmp(c->route->method, "GET") == 0 || brings(c) ||
        !ax_origin_foreign(find(c, false, "Sec-Fetch-Site", 0), find(c, false, "Origin", 0),
                           find(c, false, "Host", 0)))
        return false;
    ax_http_text(
        &c->refusal, 403,
        "a browser asks for this on behalf of another page (Origin, Sec-Fetch-Site): ask from a page of "
        "this address, or without a browser");
    return true;
}

/* Is there room for one more at the rate that is allowed? Who brings data is told 503, because senders drop
 * what is answered 429; who asks, 429, as by exporter-toolkit. */
static bool in_time(struct ax_http_call *c)
{
    int64_t wait_ms = ax_doors_wait_ms(c->doors);
    if (wait_ms == 0)
        return true;
    reject(c, brings(c) ? 503 : 429, AX_CEILING_RATE,
           "more requests than rate_limit of the web configuration file allows: try again");
    c->refusal.headers_n = 0;
    ax_http_add_header(&c->refusal, "Retry-After", "%lld", (long long)(wait_ms + 999) / 1000);
    return false;
}

/* The doorman has an answer; the call may go on at once, so nothing here is touched after. */
static void on_answer(struct ax_door_question *q)
{
    struct ax_http_call *c = (struct ax_http_call *)(void *)q;
    MHD_resume_connection(c->connection);
}

/* Ask the doorman; the connection sleeps meanwhile. */
static void ask(struct ax_http_call *c)
{
    c->asked = true;
    c->question = (struct ax_door_question){.doors = c->doors,
                                            .authorization = ax_gate_authorization(c->connection),
                                            .address = ax_conn_address(c->visitor->conn),
                                            .done = on_answer};
    MHD_suspend_connection(c->connection);
    ax_doorman_ask(c->server->doorman, &c->question);
}

/* May it come in? Otherwise there is a refusal, or the doorman is asked. */
static void admit(struct ax_http_call *c)
{
    enum ax_conn_fit fit = ax_conn_fit(c->visitor->conn);
    if (atomic_load(&c->server->ending)) { /* on a connection that was there before */
        reject_at_end(c);
        return;
    }
    if (fit != AX_CONN_FITS) { /* counted when it was opened */
        c->refusal.headers_n = 0;
        ax_http_text(&c->refusal, 503, "too many connections%s: try again",
                     fit == AX_CONN_TOO_MANY ? " (--web.max-connections)"
                                             : " of one address (--web.max-connections-per-ip)");
        ax_http_add_header(&c->refusal, "Retry-After", "1");
        ax_http_add_header(&c->refusal, "Connection", "close");
        return;
    }
    if (!in_time(c) || is_foreign(c))
        return;
    enum ax_door_answer answer = ax_gate_judge(c->doors, c->visitor->entrance, c->connection);
    if (answer != AX_DOOR_OPEN && answer != AX_DOOR_UNKNOWN)
        ax_gate_refuse(c->doors, c->visitor->entrance, answer, &c->refusal);
    else if (c->route && announced(c->connection) > c->route->body_max)
        reject_large(c);
    else if (answer == AX_DOOR_UNKNOWN)
        ask(c);
    else
        claim(c);
}

static enum MHD_Result send_refusal(struct ax_http_call *c)
{
    count(c, c->refusal.status);
    return send_response(c, &c->refusal);
}

/* What is refused is answered before the body where that is of use; else room is made for the body. */
static enum MHD_Result prepare(struct ax_http_call *c)
{
    uint64_t n = announced(c->connection);
    if (c->refusal.status && n && (n > patience(c) || waits(c->connection))) {
        (void)ax_conn_whole(c->visitor->conn);
        return send_refusal(c);
    }
    if (c->refusal.status == 0 && n) /* no more than a little is taken on the client's word */
        (void)ax_buf_reserve(&c->body, (size_t)(n < BODY_FIRST ? n : BODY_FIRST));
    return MHD_YES;
}

struct ax_http_call *ax_http_call_begin(struct ax_http_server *s, struct MHD_Connection *connection,
                                        const char *method, const char *path, const char *version)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct ax_http_visitor *visitor = info ? info->socket_context : NULL;
    struct ax_http_call *c = visitor && ax_conn_begin(visitor->conn) ? calloc(1, sizeof *c) : NULL;
    if (!c)
        return NULL;
    ax_conn_can_probe(visitor->conn, strcmp(version, MHD_HTTP_VERSION_1_1) == 0);
    c->server = s;
    c->visitor = visitor;
    c->connection = connection;
    c->start_ns = ax_mono_ns();
    ax_http_response_init(&c->answer);
    ax_http_response_init(&c->refusal);
    c->refusal.status = 0;
    (void)atomic_fetch_add(&s->running, 1);
    c->doors = ax_gate_doors(s->gate);
    find_route(c, method, path);
    ax_buf_init(&c->body, c->route ? (size_t)c->route->body_max : 0);
    admit(c);
    if (!c->asked && prepare(c) != MHD_YES) {
        ax_http_call_end(c);
        return NULL;
    }
    return c;
}

bool ax_http_call_slept(const struct ax_http_call *c)
{
    return c->asked;
}

enum MHD_Result ax_http_call_resume(struct ax_http_call *c)
{
    c->asked = false;
    if (c->question.answer == AX_DOOR_OPEN)
        claim(c);
    else
        ax_gate_refuse(c->doors, c->visitor->entrance, c->question.answer, &c->refusal);
    return prepare(c);
}

enum MHD_Result ax_http_call_take(struct ax_http_call *c, const char *data, size_t n)
{
    if (c->refusal.status == 0 && c->body.n + n > c->route->body_max)
        reject_large(c);
    if (c->refusal.status == 0 && c->body.n + n > c->accounted)
        (void)account(c, c->body.n + n - c->accounted);
    if (c->refusal.status == 0) {
        ax_buf_put(&c->body, data, n);
        if (c->body.err != AX_OK)
            reject(c, 503, AX_CEILING_OUT_OF_MEMORY, "out of memory: try again");
    }
    if (c->refusal.status == 0)
        return MHD_YES;
    release_body(c);
    c->skipped += n;
    return c->skipped > patience(c) ? MHD_NO : MHD_YES;
}

/* Have the handler make the answer. */
static void make(struct ax_http_call *c)
{
    const struct ax_http_request req = {.authenticated = ax_doors_authenticate(c->doors),
                                        .path = ax_str(c->route->path),
                                        .body = ax_buf_view(&c->body),
                                        .find = find,
                                        .gone = gone,
                                        .ctx = c};
    c->route->handle(c->route->ctx, &req, &c->answer);
    release_body(c); /* while the answer is sent, others may have its place */
    count(c, c->answer.status);
}

/* Make no answer, for the client has gone. Counted with nginx's status for that. */
static void leave(struct ax_http_call *c)
{
    ax_http_text(&c->answer, ax_err_http(AX_CANCELLED), "%s", ax_err_text(AX_CANCELLED));
    release_body(c);
    count(c, c->answer.status);
}

/* The same on a thread for queries; the call may go on at once, so nothing here is touched after. */
static void on_turn(struct ax_task *q, bool turned_away)
{
    struct ax_http_call *c =
        (struct ax_http_call *)(void *)((char *)q - offsetof(struct ax_http_call, query));
    if (!turned_away && gone(c))
        leave(c);
    else if (!turned_away)
        make(c);
    else if (atomic_load(&c->server->ending))
        reject_at_end(c);
    else
        reject(c, 503, AX_CEILING_QUERIES, "too many queries at once (--query.max-concurrency): try again");
    MHD_resume_connection(c->connection);
}

enum MHD_Result ax_http_call_finish(struct ax_http_call *c)
{
    if (!c->given && !ax_conn_whole(c->visitor->conn))
        return MHD_NO;
    if (c->refusal.status)
        return send_refusal(c);
    if (c->given)
        return send_response(c, &c->answer);
    if (!c->route->slow) {
        make(c);
        return send_response(c, &c->answer);
    }
    c->given = true;
    c->query.run = on_turn;
    MHD_suspend_connection(c->connection);
    ax_workers_give(c->server->queries, &c->query);
    return MHD_YES;
}

void ax_http_call_end(struct ax_http_call *c)
{
    struct ax_http_server *s = c->server;
    ax_conn_end(c->visitor->conn);
    release_body(c);
    ax_buf_done(&c->refusal.body);
    ax_buf_done(&c->answer.body); /* of a connection that ended before it was sent */
    ax_doors_release(c->doors);
    free(c);
    (void)atomic_fetch_sub(&s->running, 1);
}
