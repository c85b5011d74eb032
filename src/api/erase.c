/* erase.c: from a request to the pipeline, and what it leaves. */
#include "api/erase.h"

#include "api/answer.h"
#include "api/caller.h"
#include "base/clock.h"
#include "base/log.h"
#include "pipeline/erase.h"
#include "pipeline/lesson.h"

#include <stdio.h>

#define SELECTORS_MAX 16
#define SELECTOR_BYTES_MAX 4096
#define WAIT_NS INT64_C(5000000000) /* for the log; then the answer says that it is under way */
#define NAP_NS 20000000

static const char *const remains[] = {
    "models that have learnt from it, with names of entities and labels, until models.keep lets them go",
    "what people have said of its scores (GET /api/v1/feedback), and the audit log",
    "sums over many series: scorecards, drift scores, and what members of a portfolio are worth",
    "samples of its outputs that were sent: delete them in Prometheus too",
    "exports, reports and recordings that were made of it",
    "what is sent again, or is read again from a remote_read, is taken again: delete and drop it there first",
};

/* The selectors of a request, checked. */
static enum ax_err read_match(const struct ax_http_request *req, struct ax_str *match, uint32_t *n,
                              struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    *n = 0;
    if (ax_http_query(req, "tenant").p)
        return ax_fail(diag, AX_UNSUPPORTED, "there is one tenant: say by match[] what is to be erased");
    for (struct ax_str s; (s = ax_http_query_at(req, "match[]", *n)).p && err == AX_OK;) {
        if (*n == SELECTORS_MAX)
            return ax_fail(diag, AX_INVALID, "at most %d selectors in one request", SELECTORS_MAX);
        if (s.n == 0 || s.n > SELECTOR_BYTES_MAX)
            return ax_fail(diag, AX_INVALID, "a selector of match[] has 1 to %d bytes", SELECTOR_BYTES_MAX);
        match[(*n)++] = s;
        err = ax_lesson_check(s, diag);
    }
    if (err == AX_OK && *n == 0)
        err = ax_fail(diag, AX_INVALID,
                      "the parameter match[] is missing: a selector such as {instance=\"a\"}");
    return err;
}

/* Write down who wants what erased. */
static enum ax_err note(const struct ax_erase_service *s, const struct ax_registry_by *by,
                        struct ax_str selector, struct ax_diag *diag)
{
    char text[SELECTOR_BYTES_MAX + AX_CALLER_WHY + 16];
    (void)snprintf(text, sizeof text, AX_STR_FMT "%s" AX_STR_FMT, AX_STR_ARG(selector), by->why.n ? ": " : "",
                   AX_STR_ARG(by->why));
    const struct ax_registry_by noted = {by->who, ax_str(text)};
    return ax_registry_note(s->registry, ax_str(""), ax_str(""), ax_str("erase"), &noted, diag);
}

static bool wait_for_log(struct ax_pipeline *p)
{
    const int64_t until_ns = ax_mono_ns() + WAIT_NS;
    while (ax_pipeline_erasing(p) && ax_mono_ns() < until_ns)
        ax_sleep_ns(NAP_NS);
    return !ax_pipeline_erasing(p);
}

static json_t *remains_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof remains / sizeof remains[0]; i++)
        (void)json_array_append_new(list, json_string(remains[i]));
    return list;
}

static void erase(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    const struct ax_erase_service *s = ctx;
    struct ax_str match[SELECTORS_MAX];
    struct ax_registry_by by;
    struct ax_erased all = {0};
    struct ax_diag diag = {{0}};
    char user[AX_CALLER_WHO];
    uint32_t n;
    if (!s->admin) {
        ax_answer_error(res, 403, "forbidden", "erasing is not enabled: start with --web.enable-admin-api");
        return;
    }
    enum ax_err err = read_match(req, match, &n, &diag);
    if (err == AX_OK)
        err = ax_caller(req, user, &by, &diag);
    for (uint32_t i = 0; i < n && err == AX_OK; i++) {
        struct ax_erased one = {0};
        err = note(s, &by, match[i], &diag);
        if (err == AX_OK)
            err = ax_pipeline_erase(s->pipeline, match[i], &one, &diag);
        all.inputs += one.inputs;
        all.series += one.series;
        all.entities += one.entities;
        all.fits += one.fits;
        all.queued += one.queued;
    }
    if (err != AX_OK) {
        ax_answer_err(res, err, &diag);
        return;
    }
    ax_log(AX_LOG_INFO, "erased", "%u input series, %u modelled series and %u entities were erased",
           all.inputs, all.series, all.entities);
    const bool clean = wait_for_log(s->pipeline);
    ax_answer_json(res, json_pack("{s:i, s:i, s:i, s:i, s:I, s:b, s:o}", "inputs", (int)all.inputs, "series",
                                  (int)all.series, "entities", (int)all.entities, "fitsCalledOff",
                                  (int)all.fits, "queuedSamples", (json_int_t)all.queued, "pending", !clean,
                                  "remains", remains_json()));
}

static void pending(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    const struct ax_erase_service *s = ctx;
    (void)req;
    ax_answer_json(res, json_pack("{s:b}", "pending", ax_pipeline_erasing(s->pipeline)));
}

void ax_erase_routes(struct ax_erase_service *s, struct ax_http_route *out)
{
    const struct ax_http_route routes[AX_ERASE_ROUTES] = {
        {"POST", "/api/v1/admin/erase", "erase", erase, s, 0, NULL, true, NULL},
        {"GET", "/api/v1/admin/erase", "erase_pending", pending, s, 0, NULL, true, NULL},
    };
    memcpy(out, routes, sizeof routes);
}
