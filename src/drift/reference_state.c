/* reference_state.c: references as bytes: a version, then each, its name first, to the end. */
#include "drift/reference.h"

#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define FEATURES_MAX 73 /* the expression, 64 features and 8 labels */

/* Append a reference. */
static void save_one(const struct ax_drift_reference *r, struct ax_buf *out)
{
    ax_drift_sketch_save(&r->sketch, out);
    ax_put_varint(out, r->seen_n);
    for (uint32_t i = 0; i < r->seen_n; i++) {
        ax_put_u64(out, r->seen[i].id);
        ax_put_varint(out, r->seen[i].n);
        ax_put_f64(out, r->seen[i].median);
        ax_put_f64(out, r->seen[i].scale);
    }
    ax_put_varint(out, r->steps);
    ax_put_varint(out, r->current);
    ax_put_f64(out, r->effective);
    ax_put_f64(out, r->level.mean);
    ax_put_f64(out, r->level.sd);
    ax_put_f64(out, r->level.df);
}

/* Windows are floats, so nothing that was made of them is beyond; and what is within can be computed with. */
#define VALUE_MAX 1e40
#define SCALE_MIN 1e-60
#define EFFECTIVE_MIN 1e-9
#define NUMBER_MAX 1e100

/* Read one back, what cannot be is a failure of in. */
static void load_one(struct ax_drift_reference *r, struct ax_bytes *in)
{
    uint64_t values = 0;
    ax_drift_sketch_load(&r->sketch, AX_DRIFT_SKETCH_MAX, in);
    r->seen_n = ax_get_count(in, AX_DRIFT_POOL_MAX);
    for (uint32_t i = 0; i < r->seen_n; i++) {
        struct ax_drift_seen *s = &r->seen[i];
        *s = (struct ax_drift_seen){.id = ax_get_u64(in), .n = ax_get_count(in, AX_DRIFT_STEPS_MAX)};
        s->median = ax_get_f64_in(in, -VALUE_MAX, VALUE_MAX);
        s->scale = ax_get_f64_in(in, 0, VALUE_MAX);
        if (s->n == 0 || (s->scale > 0 && s->scale < SCALE_MIN) || (i && s->id <= r->seen[i - 1].id))
            (void)ax_bytes_fail(in);
        values += s->scale > 0 ? s->n : 0;
    }
    r->steps = ax_get_count(in, AX_DRIFT_STEPS_MAX);
    r->current = ax_get_count(in, AX_DRIFT_STEPS_MAX);
    r->effective = ax_get_f64_in(in, 0, AX_DRIFT_SKETCH_MAX);
    r->level.mean = ax_get_f64_in(in, -NUMBER_MAX, NUMBER_MAX);
    r->level.sd = ax_get_f64_in(in, 0, NUMBER_MAX);
    r->level.df = ax_get_f64_in(in, 0, AX_DRIFT_SKETCH_MAX);
    if (values != r->sketch.n || r->steps == 0 || r->current == 0 ||
        (r->sketch.n && !(r->effective > EFFECTIVE_MIN)) || (r->level.df > 0 && !(r->level.sd > SCALE_MIN)))
        (void)ax_bytes_fail(in);
}

struct named {
    char name[AX_DRIFT_NAME];
    struct ax_drift_reference r;
};

struct ax_drift_references {
    uint32_t n;
    struct named v[];
};

void ax_drift_references_add(struct ax_buf *bytes, struct ax_str name, const struct ax_drift_reference *r)
{
    if (bytes->n == 0)
        ax_put_u8(bytes, VERSION);
    ax_put_str(bytes, name);
    save_one(r, bytes);
}

static void load_named(struct named *to, struct ax_bytes *in)
{
    const struct ax_str name = ax_get_str(in);
    if (name.n >= sizeof to->name) {
        (void)ax_bytes_fail(in);
        return;
    }
    memcpy(to->name, name.n ? name.p : "", name.n);
    to->name[name.n] = '\0';
    load_one(&to->r, in);
}

enum ax_err ax_drift_references_read(struct ax_str bytes, struct ax_drift_references **out)
{
    struct ax_bytes in = ax_bytes_of(bytes);
    struct ax_drift_references *refs = NULL;
    enum ax_err err = AX_OK;
    *out = NULL;
    if (bytes.n == 0)
        return AX_OK;
    ax_get_version(&in, VERSION);
    while (in.err == AX_OK && ax_bytes_left(&in) && err == AX_OK) {
        const uint32_t n = refs ? refs->n : 0;
        struct ax_drift_references *more =
            n < FEATURES_MAX ? realloc(refs, sizeof *refs + (n + 1) * sizeof *refs->v) : NULL;
        if (!more) {
            err = n < FEATURES_MAX ? AX_NOMEM : AX_CORRUPT;
            break;
        }
        refs = more;
        refs->n = n + 1;
        load_named(&refs->v[n], &in);
    }
    if (err == AX_OK && in.err != AX_OK)
        err = AX_CORRUPT;
    if (err == AX_OK)
        *out = refs;
    else
        free(refs);
    return err;
}

const struct ax_drift_reference *ax_drift_references_find(const struct ax_drift_references *refs,
                                                          struct ax_str name)
{
    for (uint32_t i = 0; refs && i < refs->n; i++)
        if (ax_str_eq(name, ax_str(refs->v[i].name)))
            return &refs->v[i].r;
    return NULL;
}

void ax_drift_references_free(struct ax_drift_references *refs)
{
    free(refs);
}
