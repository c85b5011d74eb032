/* predict_request.c: from JSON to selectors and horizons. */
#include "api/predict_request.h"

#include "base/parse.h"

#include <jansson.h>

#define ARENA_BYTES (64u << 20)
#define RANGE_MAX_MS 3600000
#define HORIZON_MAX_MS 604800000
#define REGEX_MEMORY ((uint64_t)4 << 20) /* of all selectors, compiled */
#define SHOWN 64                         /* bytes of a text that an error quotes */

static const char *const keys[] = {"selectors", "job", "horizons"};

static int shown(struct ax_str s)
{
    return (int)(s.n < SHOWN ? s.n : SHOWN);
}

static struct ax_str string_of(const json_t *v)
{
    return (struct ax_str){json_string_value(v), json_string_length(v)};
}

/* An array of strings that is not empty, or NULL when there is none; *n is how many. */
static enum ax_err strings(const json_t *root, const char *key, uint32_t max, const json_t **out, uint32_t *n,
                           struct ax_diag *diag)
{
    const json_t *list = json_object_get(root, key);
    *out = list;
    *n = 0;
    if (!list)
        return AX_OK;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return ax_fail(diag, AX_INVALID, "%s must be a list of strings that is not empty", key);
    if (json_array_size(list) > max)
        return ax_fail(diag, AX_LIMIT, "%zu %s: at most %u are answered at once (--predict.max-%s)",
                       json_array_size(list), key, max, key);
    *n = (uint32_t)json_array_size(list);
    for (uint32_t i = 0; i < *n; i++)
        if (!json_is_string(json_array_get(list, i)))
            return ax_fail(diag, AX_INVALID, "%s: entry %u is no string", key, i);
    return AX_OK;
}

/* Note the matchers of the one selector of an expression. */
static bool note(void *ctx, struct ax_matcher *const *matchers, uint32_t n, int64_t reach_ms)
{
    struct ax_predict_selector *s = ctx;
    (void)reach_ms;
    s->matchers = matchers;
    s->matchers_n = n;
    return false;
}

static enum ax_err read_selector(struct ax_predict_request *r, struct ax_str text, uint64_t *memory,
                                 struct ax_diag *diag)
{
    struct ax_predict_selector *s = &r->selectors[r->selectors_n];
    *s = (struct ax_predict_selector){.text = ax_arena_str(&r->arena, text)};
    if (!s->text.p)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = ax_expr_parse_within(s->text, RANGE_MAX_MS, memory, &s->expr, diag);
    if (err != AX_OK)
        return ax_wrap(diag, err, "selectors: \"%.*s\"", shown(text), text.p);
    r->selectors_n++;
    if (!ax_expr_is_selector(s->expr))
        return ax_fail(diag, AX_INVALID,
                       "selectors: \"%.*s\" is no series selector, such as {instance=\"a\"}", shown(text),
                       text.p);
    (void)ax_expr_each_selector(s->expr, note, s);
    return AX_OK;
}

static enum ax_err read_selectors(struct ax_predict_request *r, const json_t *root, uint32_t max,
                                  struct ax_diag *diag)
{
    const json_t *list;
    uint32_t n;
    uint64_t memory = REGEX_MEMORY;
    enum ax_err err = strings(root, "selectors", max, &list, &n, diag);
    if (err != AX_OK)
        return err;
    r->selectors = ax_arena_array(&r->arena, n, sizeof *r->selectors);
    if (!r->selectors)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n && err == AX_OK; i++)
        err = read_selector(r, string_of(json_array_get(list, i)), &memory, diag);
    return err;
}

static enum ax_err read_horizons(struct ax_predict_request *r, const json_t *root, uint32_t max,
                                 struct ax_diag *diag)
{
    const json_t *list;
    uint32_t n;
    enum ax_err err = strings(root, "horizons", max, &list, &n, diag);
    if (err != AX_OK)
        return err;
    int64_t *v = ax_arena_array(&r->arena, n, sizeof *v);
    if (!v)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        struct ax_str text = string_of(json_array_get(list, i));
        if (ax_parse_duration(text, &v[i]) != AX_OK)
            return ax_fail(diag, AX_INVALID, "horizons: \"%.*s\" is no duration, such as 15m", shown(text),
                           text.p);
        if (v[i] <= 0 || v[i] > HORIZON_MAX_MS)
            return ax_fail(diag, AX_INVALID, "horizons: %.*s is not above 0 and at most 7d", shown(text),
                           text.p);
        for (uint32_t k = 0; k < i; k++)
            if (v[k] == v[i])
                return ax_fail(diag, AX_INVALID, "horizons has %.*s twice", shown(text), text.p);
    }
    r->horizons_ms = v;
    r->horizons_n = n;
    return AX_OK;
}

static enum ax_err check_keys(json_t *root, struct ax_diag *diag)
{
    const char *key;
    json_t *value;
    const size_t n = sizeof keys / sizeof keys[0];
    json_object_foreach(root, key, value)
    {
        size_t i = 0;
        struct ax_str name = ax_str(key);
        while (i < n && !ax_str_eq(name, ax_str(keys[i])))
            i++;
        if (i < n)
            continue;
        const char *nearest = ax_str_nearest(name, keys, n);
        return ax_fail(diag, AX_INVALID, "unknown key \"%.*s\"%s%s%s; there are selectors, job and horizons",
                       shown(name), key, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                       nearest ? "\"?" : "");
    }
    return AX_OK;
}

static enum ax_err read_root(struct ax_predict_request *r, json_t *root,
                             const struct ax_predict_limits *limits, struct ax_diag *diag)
{
    if (!json_is_object(root))
        return ax_fail(diag, AX_INVALID,
                       "the body must be an object, such as {\"selectors\": [\"{instance=\\\"a\\\"}\"]}");
    enum ax_err err = check_keys(root, diag);
    if (err != AX_OK)
        return err;
    const json_t *job = json_object_get(root, "job");
    if (job && !(json_is_string(job) && json_string_length(job) > 0))
        return ax_fail(diag, AX_INVALID, "job must be the name of a job");
    if (job)
        r->job = ax_arena_str(&r->arena, string_of(job));
    if (job && !r->job.p)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    err = read_selectors(r, root, limits->selectors_max, diag);
    if (err == AX_OK)
        err = read_horizons(r, root, limits->horizons_max, diag);
    if (err == AX_OK && !job && r->selectors_n == 0)
        return ax_fail(diag, AX_INVALID, "selectors or job is needed: which series?");
    return err;
}

enum ax_err ax_predict_request_read(struct ax_str body, const struct ax_predict_limits *limits,
                                    struct ax_predict_request *out, struct ax_diag *diag)
{
    json_error_t error;
    *out = (struct ax_predict_request){0};
    ax_arena_init(&out->arena, ARENA_BYTES);
    if (body.n == 0)
        return ax_fail(diag, AX_INVALID, "the body is empty: a JSON object is needed");
    json_t *root = json_loadb(body.p, body.n, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return ax_fail(diag, json_error_code(&error) == json_error_out_of_memory ? AX_NOMEM : AX_INVALID,
                       "not JSON: line %d, column %d: %s", error.line, error.column, error.text);
    enum ax_err err = read_root(out, root, limits, diag);
    json_decref(root);
    return err;
}

void ax_predict_request_done(struct ax_predict_request *r)
{
    for (uint32_t i = 0; i < r->selectors_n; i++)
        ax_expr_free(r->selectors[i].expr);
    ax_arena_done(&r->arena);
}
