/* read_request.c: ReadRequest, both ways. */
#include "prom/read_request.h"

#include "prom/wire_put.h"

/* Field numbers. */
enum { REQUEST_QUERIES = 1, REQUEST_FORMS = 2 };
enum { QUERY_START = 1, QUERY_END = 2, QUERY_MATCHERS = 3 };
enum { MATCHER_TYPE = 1, MATCHER_NAME = 2, MATCHER_VALUE = 3 };

static size_t number_size(uint64_t v)
{
    return v ? 1 + ax_wire_varint_size(v) : 0;
}

static size_t bytes_size(size_t n)
{
    return 1 + ax_wire_varint_size(n) + n;
}

static size_t matcher_size(const struct ax_read_matcher *m)
{
    return number_size((uint64_t)m->op) + bytes_size(m->name.n) + bytes_size(m->value.n);
}

static void put_matcher(struct ax_buf *b, const struct ax_read_matcher *m)
{
    ax_wire_put_tag(b, QUERY_MATCHERS, AX_WIRE_BYTES);
    ax_wire_put_varint(b, matcher_size(m));
    ax_wire_put_number(b, MATCHER_TYPE, (uint64_t)m->op);
    ax_wire_put_bytes(b, MATCHER_NAME, m->name);
    ax_wire_put_bytes(b, MATCHER_VALUE, m->value);
}

void ax_read_request_write(const struct ax_read_query *queries, uint32_t n, struct ax_buf *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_read_query *q = &queries[i];
        size_t bytes = number_size((uint64_t)q->start_ms) + number_size((uint64_t)q->end_ms);
        for (uint32_t k = 0; k < q->matchers_n; k++)
            bytes += bytes_size(matcher_size(&q->matchers[k]));
        ax_wire_put_tag(out, REQUEST_QUERIES, AX_WIRE_BYTES);
        ax_wire_put_varint(out, bytes);
        ax_wire_put_number(out, QUERY_START, (uint64_t)q->start_ms);
        ax_wire_put_number(out, QUERY_END, (uint64_t)q->end_ms);
        for (uint32_t k = 0; k < q->matchers_n; k++)
            put_matcher(out, &q->matchers[k]);
    }
    static const uint8_t forms[] = {AX_READ_STREAMED, AX_READ_SAMPLES};
    ax_wire_put_bytes(out, REQUEST_FORMS, (struct ax_str){(const char *)forms, sizeof forms});
}

static enum ax_err malformed(struct ax_diag *diag)
{
    return ax_fail(diag, AX_INVALID, "not a remote-read request: malformed protobuf");
}

static enum ax_err read_matcher(struct ax_str bytes, struct ax_read_matcher *out, struct ax_diag *diag)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint64_t op = 0;
    uint32_t field, type;
    *out = (struct ax_read_matcher){.op = AX_MATCH_EQ};
    while (w.p < w.end) {
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        bool text = field == MATCHER_NAME || field == MATCHER_VALUE, ok;
        if (field == MATCHER_TYPE)
            ok = type == AX_WIRE_VARINT && ax_wire_varint(&w, &op);
        else if (text)
            ok = type == AX_WIRE_BYTES && ax_wire_bytes(&w, field == MATCHER_NAME ? &out->name : &out->value);
        else
            ok = ax_wire_skip(&w, type);
        if (!ok)
            return malformed(diag);
    }
    op = (uint32_t)op; /* as an enum is read */
    if (op > AX_MATCH_NRE)
        return ax_fail(diag, AX_INVALID, "invalid matcher type");
    out->op = (enum ax_match_op)op;
    return AX_OK;
}

/* How many length-delimited fields of this number there are; false when the bytes are malformed. */
static bool count_fields(struct ax_str bytes, uint32_t number, uint32_t *out)
{
    struct ax_wire w = ax_wire_of(bytes);
    uint32_t field, type;
    for (*out = 0; w.p < w.end;) {
        if (!ax_wire_tag(&w, &field, &type) || (field == number && type != AX_WIRE_BYTES) ||
            !ax_wire_skip(&w, type))
            return false;
        *out += field == number;
    }
    return true;
}

static enum ax_err read_query(struct ax_str bytes, const struct ax_read_limits *limits,
                              struct ax_arena *arena, struct ax_read_query *out, struct ax_diag *diag)
{
    uint32_t n, field, type, at = 0;
    *out = (struct ax_read_query){0};
    if (!count_fields(bytes, QUERY_MATCHERS, &n))
        return malformed(diag);
    if (n > limits->matchers_max)
        return ax_fail(diag, AX_LIMIT, "%u matchers in one query; at most %u are taken", n,
                       limits->matchers_max);
    struct ax_read_matcher *matchers = ax_arena_array(arena, n, sizeof *matchers);
    if (!matchers)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (struct ax_wire w = ax_wire_of(bytes); w.p < w.end;) {
        uint64_t number = 0;
        struct ax_str inner;
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        if (field == QUERY_MATCHERS) {
            if (!ax_wire_bytes(&w, &inner))
                return malformed(diag);
            enum ax_err err = read_matcher(inner, &matchers[at++], diag);
            if (err != AX_OK)
                return err;
            continue;
        }
        bool time = field == QUERY_START || field == QUERY_END;
        if (time ? type != AX_WIRE_VARINT || !ax_wire_varint(&w, &number) : !ax_wire_skip(&w, type))
            return malformed(diag);
        if (time)
            *(field == QUERY_START ? &out->start_ms : &out->end_ms) = (int64_t)number;
    }
    out->matchers = matchers;
    out->matchers_n = n;
    return AX_OK;
}

/* Forms in the order of preference; the first that is known is taken. */
struct forms {
    bool any, known;
    enum ax_read_form first;
};

static void take_form(struct forms *f, uint64_t number)
{
    const uint32_t form = (uint32_t)number; /* as an enum is read */
    f->any = true;
    if (!f->known && (form == AX_READ_SAMPLES || form == AX_READ_STREAMED)) {
        f->known = true;
        f->first = (enum ax_read_form)form;
    }
}

static bool read_forms(struct ax_wire *w, uint32_t type, struct forms *f)
{
    uint64_t form;
    struct ax_str packed;
    if (type == AX_WIRE_VARINT) {
        if (!ax_wire_varint(w, &form))
            return false;
        take_form(f, form);
        return true;
    }
    if (type != AX_WIRE_BYTES || !ax_wire_bytes(w, &packed))
        return false;
    for (struct ax_wire p = ax_wire_of(packed); p.p < p.end;) {
        if (!ax_wire_varint(&p, &form))
            return false;
        take_form(f, form);
    }
    return true;
}

enum ax_err ax_read_request_read(struct ax_str body, const struct ax_read_limits *limits,
                                 struct ax_arena *arena, struct ax_read_request *out, struct ax_diag *diag)
{
    uint32_t n, field, type, at = 0;
    struct forms forms = {.first = AX_READ_SAMPLES};
    if (!count_fields(body, REQUEST_QUERIES, &n))
        return malformed(diag);
    if (n > limits->queries_max)
        return ax_fail(diag, AX_LIMIT, "%u queries in one request; at most %u are taken", n,
                       limits->queries_max);
    struct ax_read_query *queries = ax_arena_array(arena, n, sizeof *queries);
    if (!queries)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (struct ax_wire w = ax_wire_of(body); w.p < w.end;) {
        struct ax_str inner;
        if (!ax_wire_tag(&w, &field, &type))
            return malformed(diag);
        if (field == REQUEST_QUERIES) {
            if (!ax_wire_bytes(&w, &inner))
                return malformed(diag);
            enum ax_err err = read_query(inner, limits, arena, &queries[at++], diag);
            if (err != AX_OK)
                return err;
        } else if (field == REQUEST_FORMS ? !read_forms(&w, type, &forms) : !ax_wire_skip(&w, type)) {
            return malformed(diag);
        }
    }
    if (forms.any && !forms.known)
        return ax_fail(diag, AX_INVALID,
                       "server does not support any of the requested response types; supported: "
                       "STREAMED_XOR_CHUNKS, SAMPLES");
    *out = (struct ax_read_request){queries, n, forms.first};
    return AX_OK;
}
