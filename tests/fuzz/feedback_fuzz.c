/* feedback_fuzz.c: any bytes as the body of POST /api/v1/feedback: refused with a text, or taken, and the job
 * goes on. */
#include "api/feedback.h"
#include "folder.h"
#include "job_world.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_MOST 4096 /* the default */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    (void)ctx;
    (void)query;
    (void)name;
    (void)at;
    return (struct ax_str){NULL, 0};
}

static void ask(const struct ax_http_route *route, struct ax_str body)
{
    const struct ax_http_request req = {.path = ax_str(route->path), .body = body, .find = find};
    struct ax_http_response res;
    ax_http_response_init(&res);
    route->handle(route->ctx, &req, &res);
    json_t *answer = json_loadb((const char *)res.body.bytes, res.body.n, 0, NULL);
    AX_ASSERT(answer && (res.status == 200 || (res.status >= 400 && json_object_get(answer, "error"))));
    json_decref(answer);
    ax_buf_done(&res.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct job_world w;
    static struct ax_feedback feedback;
    static struct ax_http_route routes[AX_FEEDBACK_ROUTES];
    static char path[128];
    if (!w.db) {
        job_world_init(&w);
        (void)snprintf(path, sizeof path, "%s/events.db", fuzz_folder());
        AX_ASSERT(ax_events_open(path, EVENTS_MOST, &feedback.events, NULL) == AX_OK);
        feedback.pipeline = w.pipeline;
        feedback.clock = ax_clock_virtual(&w.now_ms);
        ax_feedback_init(&feedback);
        ax_feedback_routes(&feedback, routes);
    }
    if (n > 65536)
        return 0;
    for (uint32_t i = 0; i < AX_FEEDBACK_ROUTES; i++)
        if (strcmp(routes[i].method, "POST") == 0)
            ask(&routes[i], (struct ax_str){(const char *)data, n});
    job_world_step(&w);
    return 0;
}
