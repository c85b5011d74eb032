/* model_file.c: the bytes of a model file, and the checks before any of them is believed. */
#include "nn/model_file.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "store/whole_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MAGIC "AUSPEXNN"
#define ORDER 0x01020304u
#define VERSION 1
#define HEAD 28
#define NAME_MAX_BYTES 64

/* A tensor of a file; floats are little endian. */
struct tensor {
    struct ax_str name, floats;
    uint32_t rows, cols;
};

struct ax_nn_file {
    char *bytes;
    uint32_t pairs_n, tensors_n;
    struct ax_nn_pair pairs[AX_NN_PAIRS_MAX];
    struct tensor tensors[AX_NN_TENSORS_MAX];
};

/* A tensor of a network: its name and its place. */
struct slot {
    char name[NAME_MAX_BYTES];
    uint32_t rows, cols;
    float *v;
};

/* List the tensors of a network in their order; returns how many. */
static uint32_t slots_of(const struct ax_nn_net *net, struct slot slots[AX_NN_TENSORS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < net->layers_n; i++) {
        const struct ax_nn_layer *l = &net->layers[i];
        float *weight = net->weights + l->weights, *state = net->states + l->states;
        for (uint32_t p = 0; p < l->parts_n; p++) {
            const struct ax_nn_part *part = &l->parts[p];
            float **at = part->state ? &state : &weight;
            slots[n] = (struct slot){.rows = part->rows, .cols = part->cols, .v = *at};
            (void)snprintf(slots[n].name, NAME_MAX_BYTES, "%u.%s.%s", i, ax_nn_layer_ops(l->spec.kind)->name,
                           part->name);
            *at += (size_t)part->rows * part->cols;
            n++;
        }
    }
    return n;
}

static enum ax_err put_tensors(struct ax_buf *b, const struct ax_nn_tensor *tensors, uint32_t n,
                               struct ax_diag *diag)
{
    ax_put_varint(b, n);
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_nn_tensor *t = &tensors[i];
        ax_put_str(b, t->name);
        ax_put_u32(b, t->rows);
        ax_put_u32(b, t->cols);
        for (size_t k = 0; k < (size_t)t->rows * t->cols; k++) {
            if (!isfinite(t->v[k]))
                return ax_fail(diag, AX_NUMERIC,
                               AX_STR_FMT
                               "[%zu] is not finite: a model that learnt nothing sound is not kept",
                               AX_STR_ARG(t->name), k);
            ax_put_f32(b, t->v[k]);
        }
    }
    return AX_OK;
}

/* The head in front of a body that is there. */
static enum ax_err put_head(struct ax_buf *b, struct ax_diag *diag)
{
    struct ax_buf head;
    ax_buf_init(&head, HEAD);
    ax_buf_put(&head, MAGIC, 8);
    ax_put_u32(&head, ORDER);
    ax_put_u32(&head, VERSION);
    ax_put_u32(&head, (uint32_t)(b->n - HEAD));
    ax_put_u32(&head, ax_crc32c(0, b->bytes + HEAD, b->n - HEAD));
    if (head.err == AX_OK)
        ax_put_u32(&head, ax_crc32c(0, head.bytes, HEAD - 4));
    if (head.err == AX_OK)
        memcpy(b->bytes, head.bytes, HEAD);
    enum ax_err err = head.err == AX_OK ? AX_OK : ax_fail(diag, head.err, "out of memory");
    ax_buf_done(&head);
    return err;
}

enum ax_err ax_nn_file_encode(const struct ax_nn_tensor *tensors, uint32_t tensors_n,
                              const struct ax_nn_pair *pairs, uint32_t pairs_n, struct ax_buf *b,
                              struct ax_diag *diag)
{
    static const uint8_t room[HEAD] = {0};
    if (pairs_n > AX_NN_PAIRS_MAX)
        return ax_fail(diag, AX_LIMIT, "a model file has at most %d pairs", AX_NN_PAIRS_MAX);
    if (tensors_n > AX_NN_TENSORS_MAX)
        return ax_fail(diag, AX_LIMIT, "a model file has at most %d tensors", AX_NN_TENSORS_MAX);
    ax_buf_put(b, room, HEAD);
    ax_put_varint(b, pairs_n);
    for (uint32_t i = 0; i < pairs_n; i++) {
        ax_put_str(b, pairs[i].key);
        ax_put_str(b, pairs[i].value);
    }
    enum ax_err err = put_tensors(b, tensors, tensors_n, diag);
    if (err == AX_OK && (b->err != AX_OK || b->n > AX_NN_FILE_MAX))
        err = ax_fail(diag, b->err != AX_OK ? b->err : AX_LIMIT,
                      "a model file has at most %zu MiB, and there must be memory for it",
                      AX_NN_FILE_MAX >> 20);
    return err == AX_OK ? put_head(b, diag) : err;
}

enum ax_err ax_nn_file_encode_net(const struct ax_nn_net *net, const struct ax_nn_pair *pairs,
                                  uint32_t pairs_n, struct ax_buf *b, struct ax_diag *diag)
{
    struct slot slots[AX_NN_TENSORS_MAX];
    struct ax_nn_tensor tensors[AX_NN_TENSORS_MAX];
    struct ax_nn_pair all[AX_NN_PAIRS_MAX];
    struct ax_buf line;
    const uint32_t n = slots_of(net, slots);
    if (pairs_n > AX_NN_PAIRS_MAX - 1)
        return ax_fail(diag, AX_LIMIT, "the model file of a network has at most %d pairs",
                       AX_NN_PAIRS_MAX - 1);
    for (uint32_t i = 0; i < n; i++)
        tensors[i] = (struct ax_nn_tensor){ax_str(slots[i].name), slots[i].rows, slots[i].cols, slots[i].v};
    ax_buf_init(&line, 4096);
    ax_nn_net_describe(net, &line);
    all[0] = (struct ax_nn_pair){ax_str(AX_NN_KEY_NETWORK), ax_buf_view(&line)};
    for (uint32_t i = 0; i < pairs_n; i++)
        all[1 + i] = pairs[i];
    enum ax_err err = line.err == AX_OK ? ax_nn_file_encode(tensors, n, all, 1 + pairs_n, b, diag)
                                        : ax_fail(diag, line.err, "%s", ax_err_text(line.err));
    ax_buf_done(&line);
    return err;
}

enum ax_err ax_nn_file_write(const char *dir, const char *name, const struct ax_nn_net *net,
                             const struct ax_nn_pair *pairs, uint32_t pairs_n, struct ax_diag *diag)
{
    struct ax_buf b;
    ax_buf_init(&b, AX_NN_FILE_MAX);
    enum ax_err err = ax_nn_file_encode_net(net, pairs, pairs_n, &b, diag);
    if (err == AX_OK)
        err = ax_whole_file_write(dir, name, ax_buf_view(&b), diag);
    ax_buf_done(&b);
    return err;
}

static enum ax_err check_head(struct ax_str bytes, struct ax_diag *diag)
{
    struct ax_bytes r = ax_bytes_of(bytes);
    if (!bytes.p || bytes.n < 8 || memcmp(bytes.p, MAGIC, 8) != 0)
        return ax_fail(diag, AX_CORRUPT, "is not a model file");
    if (bytes.n < HEAD)
        return ax_fail(diag, AX_CORRUPT, "is cut short: %zu bytes", bytes.n);
    (void)ax_get_u64(&r);
    const uint32_t order = ax_get_u32(&r), version = ax_get_u32(&r), n = ax_get_u32(&r), crc = ax_get_u32(&r);
    const uint32_t head_crc = ax_get_u32(&r);
    if (order == __builtin_bswap32(ORDER))
        return ax_fail(diag, AX_UNSUPPORTED, "was written in the other byte order");
    if (head_crc != ax_crc32c(0, bytes.p, HEAD - 4) || order != ORDER)
        return ax_fail(diag, AX_CORRUPT, "is damaged: its head has another checksum");
    if (version != VERSION)
        return ax_fail(diag, AX_UNSUPPORTED, "is of format %u, this auspex reads format %d", version,
                       VERSION);
    if (bytes.n - HEAD != n)
        return ax_fail(diag, AX_CORRUPT,
                       bytes.n - HEAD < n ? "is cut short: %zu of %zu bytes"
                                          : "is longer than it says: %zu of %zu bytes",
                       bytes.n, (size_t)n + HEAD);
    if (crc != ax_crc32c(0, bytes.p + HEAD, n))
        return ax_fail(diag, AX_CORRUPT, "is damaged: its body has another checksum");
    return AX_OK;
}

/* View of count floats that must be finite. */
static struct ax_str floats_of(struct ax_bytes *r, uint64_t count)
{
    const struct ax_str view = {(const char *)r->p, (size_t)count * 4};
    if (count > ax_bytes_left(r) / 4) {
        (void)ax_bytes_fail(r);
        return (struct ax_str){NULL, 0};
    }
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(ax_get_f32(r)))
            (void)ax_bytes_fail(r);
    return view;
}

static enum ax_err parse_body(struct ax_nn_file *f, struct ax_str body, struct ax_diag *diag)
{
    struct ax_bytes r = ax_bytes_of(body);
    f->pairs_n = ax_get_count(&r, AX_NN_PAIRS_MAX);
    for (uint32_t i = 0; i < f->pairs_n; i++) {
        f->pairs[i].key = ax_get_str(&r);
        f->pairs[i].value = ax_get_str(&r);
    }
    f->tensors_n = ax_get_count(&r, AX_NN_TENSORS_MAX);
    for (uint32_t i = 0; i < f->tensors_n; i++) {
        struct tensor *t = &f->tensors[i];
        t->name = ax_get_str(&r);
        t->rows = ax_get_u32(&r);
        t->cols = ax_get_u32(&r);
        t->floats = floats_of(&r, (uint64_t)t->rows * t->cols);
    }
    if (ax_bytes_end(&r) != AX_OK)
        return ax_fail(diag, AX_CORRUPT,
                       "makes no sense: its checksums are right, its lengths or numbers are not");
    return AX_OK;
}

/* Parse bytes that the file owns from here on. */
static enum ax_err parse_owned(char *bytes, size_t n, struct ax_nn_file **out, struct ax_diag *diag)
{
    struct ax_nn_file *f = calloc(1, sizeof *f);
    if (!f) {
        free(bytes);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    f->bytes = bytes;
    enum ax_err err = check_head((struct ax_str){bytes, n}, diag);
    if (err == AX_OK)
        err = parse_body(f, (struct ax_str){bytes + HEAD, n - HEAD}, diag);
    if (err == AX_OK)
        *out = f;
    else
        ax_nn_file_free(f);
    return err;
}

enum ax_err ax_nn_file_parse(struct ax_str bytes, struct ax_nn_file **out, struct ax_diag *diag)
{
    *out = NULL;
    if (bytes.n > AX_NN_FILE_MAX)
        return ax_fail(diag, AX_LIMIT, "is larger than the %zu MiB of a model file", AX_NN_FILE_MAX >> 20);
    char *copy = malloc(bytes.n + 1);
    if (!copy)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    return parse_owned(copy, bytes.n, out, diag);
}

enum ax_err ax_nn_file_read(const char *dir, const char *name, struct ax_nn_file **out, struct ax_diag *diag)
{
    struct ax_buf b;
    *out = NULL;
    ax_buf_init(&b, AX_NN_FILE_MAX);
    enum ax_err err = ax_whole_file_read(dir, name, AX_NN_FILE_MAX, &b, diag);
    if (err == AX_OK) {
        err = ax_nn_file_parse(ax_buf_view(&b), out, diag);
        if (err != AX_OK)
            err = ax_wrap(diag, err, "%s/%s", dir, name);
    }
    ax_buf_done(&b);
    return err;
}

void ax_nn_file_free(struct ax_nn_file *f)
{
    if (!f)
        return;
    free(f->bytes);
    free(f);
}

struct ax_str ax_nn_file_value(const struct ax_nn_file *f, const char *key)
{
    for (uint32_t i = 0; i < f->pairs_n; i++)
        if (ax_str_eq(f->pairs[i].key, ax_str(key)))
            return f->pairs[i].value;
    return (struct ax_str){NULL, 0};
}

enum ax_err ax_nn_file_expect(const struct ax_nn_file *f, const char *key, struct ax_str value,
                              struct ax_diag *diag)
{
    const struct ax_str has = ax_nn_file_value(f, key);
    if (!has.p)
        return ax_fail(diag, AX_CONFLICT, "the model has no %s; \"" AX_STR_FMT "\" is wanted", key,
                       AX_STR_ARG(value));
    if (!ax_str_eq(has, value))
        return ax_fail(diag, AX_CONFLICT,
                       "the model is of %s \"" AX_STR_FMT "\"; \"" AX_STR_FMT "\" is wanted", key,
                       AX_STR_ARG(has), AX_STR_ARG(value));
    return AX_OK;
}

bool ax_nn_file_tensor(const struct ax_nn_file *f, const char *name, uint32_t *rows, uint32_t *cols)
{
    for (uint32_t i = 0; i < f->tensors_n; i++)
        if (ax_str_eq(f->tensors[i].name, ax_str(name))) {
            *rows = f->tensors[i].rows;
            *cols = f->tensors[i].cols;
            return true;
        }
    return false;
}

bool ax_nn_file_floats(const struct ax_nn_file *f, const char *name, float *out, size_t n)
{
    for (uint32_t i = 0; i < f->tensors_n; i++) {
        const struct tensor *t = &f->tensors[i];
        if (!ax_str_eq(t->name, ax_str(name)))
            continue;
        if ((size_t)t->rows * t->cols != n)
            return false;
        struct ax_bytes r = ax_bytes_of(t->floats);
        for (size_t k = 0; k < n; k++)
            out[k] = ax_get_f32(&r);
        return true;
    }
    return false;
}

/* The same network, and the same tensors in the same order? */
static enum ax_err check_tensors(const struct ax_nn_file *f, const struct ax_nn_net *net,
                                 const struct slot *slots, uint32_t n, struct ax_diag *diag)
{
    struct ax_buf line;
    ax_buf_init(&line, 4096);
    ax_nn_net_describe(net, &line);
    enum ax_err err = line.err == AX_OK ? ax_nn_file_expect(f, AX_NN_KEY_NETWORK, ax_buf_view(&line), diag)
                                        : ax_fail(diag, line.err, "%s", ax_err_text(line.err));
    ax_buf_done(&line);
    if (err == AX_OK && f->tensors_n != n)
        err = ax_fail(diag, AX_CONFLICT, "the model has %u tensors; %u are wanted", f->tensors_n, n);
    for (uint32_t i = 0; err == AX_OK && i < n; i++) {
        const struct tensor *t = &f->tensors[i];
        if (!ax_str_eq(t->name, ax_str(slots[i].name)) || t->rows != slots[i].rows ||
            t->cols != slots[i].cols)
            err = ax_fail(diag, AX_CONFLICT,
                          "the model has a tensor " AX_STR_FMT "[%u x %u] where %s[%u x %u] is wanted",
                          AX_STR_ARG(t->name), t->rows, t->cols, slots[i].name, slots[i].rows, slots[i].cols);
    }
    return err;
}

enum ax_err ax_nn_file_load(const struct ax_nn_file *f, struct ax_nn_net *net, struct ax_diag *diag)
{
    struct slot slots[AX_NN_TENSORS_MAX];
    const uint32_t n = slots_of(net, slots);
    enum ax_err err = check_tensors(f, net, slots, n, diag);
    if (err != AX_OK)
        return err;
    for (uint32_t i = 0; i < n; i++) {
        struct ax_bytes r = ax_bytes_of(f->tensors[i].floats);
        for (size_t k = 0; k < (size_t)slots[i].rows * slots[i].cols; k++)
            slots[i].v[k] = ax_get_f32(&r);
    }
    return AX_OK;
}
