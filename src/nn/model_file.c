/* model_file.c: the bytes of a model file, and the checks before any of them is believed. */
#include "nn/model_file.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "AUSPEXNN"
#define ORDER 0x01020304u
#define VERSION 1
#define HEAD 28
#define TENSORS_MAX (AX_NN_LAYERS_MAX * AX_NN_LAYER_TENSORS)
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
    struct tensor tensors[TENSORS_MAX];
};

/* A tensor of a network: its name and its place. */
struct slot {
    char name[NAME_MAX_BYTES];
    uint32_t rows, cols;
    float *v;
};

/* List the tensors of a network in their order; returns how many. */
static uint32_t slots_of(const struct ax_nn_net *net, struct slot slots[TENSORS_MAX])
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

static enum ax_err put_tensors(struct ax_buf *b, const struct ax_nn_net *net, struct ax_diag *diag)
{
    struct slot slots[TENSORS_MAX];
    const uint32_t n = slots_of(net, slots);
    ax_put_varint(b, n);
    for (uint32_t i = 0; i < n; i++) {
        ax_put_str(b, ax_str(slots[i].name));
        ax_put_u32(b, slots[i].rows);
        ax_put_u32(b, slots[i].cols);
        for (size_t k = 0; k < (size_t)slots[i].rows * slots[i].cols; k++) {
            if (!isfinite(slots[i].v[k]))
                return ax_fail(diag, AX_NUMERIC,
                               "%s[%zu] is not finite: a model that learnt nothing sound is not kept",
                               slots[i].name, k);
            ax_put_f32(b, slots[i].v[k]);
        }
    }
    return AX_OK;
}

static void put_network(struct ax_buf *b, const struct ax_nn_net *net)
{
    struct ax_buf line;
    ax_buf_init(&line, 4096);
    ax_nn_net_describe(net, &line);
    if (line.err != AX_OK)
        b->err = line.err;
    ax_put_str(b, ax_str(AX_NN_KEY_NETWORK));
    ax_put_str(b, ax_buf_view(&line));
    ax_buf_done(&line);
}

/* The whole file into b, which is empty. */
static enum ax_err encode(struct ax_buf *b, const struct ax_nn_net *net, const struct ax_nn_pair *pairs,
                          uint32_t pairs_n, struct ax_diag *diag)
{
    static const uint8_t room[HEAD] = {0};
    if (pairs_n > AX_NN_PAIRS_MAX - 1)
        return ax_fail(diag, AX_LIMIT, "a model file has at most %d pairs", AX_NN_PAIRS_MAX - 1);
    ax_buf_put(b, room, HEAD);
    ax_put_varint(b, 1 + (uint64_t)pairs_n);
    put_network(b, net);
    for (uint32_t i = 0; i < pairs_n; i++) {
        ax_put_str(b, pairs[i].key);
        ax_put_str(b, pairs[i].value);
    }
    enum ax_err err = put_tensors(b, net, diag);
    if (err == AX_OK && b->err != AX_OK)
        err = ax_fail(diag, b->err, "%s: a model file has at most %zu MiB", ax_err_text(b->err),
                      AX_NN_FILE_MAX >> 20);
    if (err != AX_OK)
        return err;
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
    else
        err = ax_fail(diag, head.err, "out of memory");
    ax_buf_done(&head);
    return err;
}

/* Bytes to a temporary file, to the disk, and then to its name. */
static enum ax_err write_whole(const struct ax_folder *dir, const char *name, struct ax_str bytes,
                               struct ax_diag *diag)
{
    char temporary[NAME_MAX_BYTES + 8];
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", name);
    int fd = openat(dir->fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return ax_folder_fail(diag, errno, "make", dir->path, temporary);
    struct iovec part = {(void *)(uintptr_t)bytes.p, bytes.n};
    enum ax_err err = AX_OK;
    int error = ax_write_all(fd, &part, 1, 0);
    if (error)
        err = ax_folder_fail(diag, error, "write to", dir->path, temporary);
    else if (fsync(fd) != 0)
        err = ax_folder_fail(diag, errno, "sync", dir->path, temporary);
    (void)close(fd);
    if (err == AX_OK && renameat(dir->fd, temporary, dir->fd, name) != 0)
        err = ax_folder_fail(diag, errno, "rename", dir->path, temporary);
    if (err != AX_OK) {
        (void)unlinkat(dir->fd, temporary, 0);
        return err;
    }
    return ax_folder_sync(dir, diag);
}

enum ax_err ax_nn_file_write(const char *dir, const char *name, const struct ax_nn_net *net,
                             const struct ax_nn_pair *pairs, uint32_t pairs_n, struct ax_diag *diag)
{
    struct ax_folder folder = {-1, NULL};
    struct ax_buf b;
    if (strlen(name) > NAME_MAX_BYTES)
        return ax_fail(diag, AX_LIMIT, "the name of a model file has at most %d bytes", NAME_MAX_BYTES);
    ax_buf_init(&b, AX_NN_FILE_MAX);
    enum ax_err err = encode(&b, net, pairs, pairs_n, diag);
    if (err == AX_OK)
        err = ax_folder_open(dir, 0, &folder, diag);
    if (err == AX_OK)
        err = write_whole(&folder, name, ax_buf_view(&b), diag);
    ax_folder_close(&folder);
    ax_buf_done(&b);
    return err;
}

static enum ax_err check_head(struct ax_str bytes, struct ax_diag *diag)
{
    struct ax_bytes r = ax_bytes_of(bytes);
    if (bytes.n < 8 || memcmp(bytes.p, MAGIC, 8) != 0)
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
    f->tensors_n = ax_get_count(&r, TENSORS_MAX);
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

/* All bytes of an open file, at most AX_NN_FILE_MAX. 0, an errno, or EFBIG. */
static int read_all(int fd, char **out, size_t *n)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return errno;
    if (st.st_size < 0 || (size_t)st.st_size > AX_NN_FILE_MAX)
        return EFBIG;
    char *bytes = malloc((size_t)st.st_size + 1);
    if (!bytes)
        return ENOMEM;
    *n = 0;
    for (ssize_t got = 1; got > 0 && *n < (size_t)st.st_size;) {
        got = read(fd, bytes + *n, (size_t)st.st_size - *n);
        if (got < 0 && errno == EINTR) {
            got = 1;
            continue;
        }
        if (got < 0) {
            int error = errno;
            free(bytes);
            return error;
        }
        *n += (size_t)got;
    }
    *out = bytes;
    return 0;
}

enum ax_err ax_nn_file_read(const char *dir, const char *name, struct ax_nn_file **out, struct ax_diag *diag)
{
    struct ax_folder folder;
    char *bytes = NULL;
    size_t n = 0;
    *out = NULL;
    enum ax_err err = ax_folder_open(dir, 0, &folder, diag);
    if (err != AX_OK)
        return err;
    int fd = openat(folder.fd, name, O_RDONLY | O_CLOEXEC);
    int error = fd < 0 ? errno : read_all(fd, &bytes, &n);
    if (fd >= 0)
        (void)close(fd);
    ax_folder_close(&folder);
    if (error == ENOENT)
        return ax_fail(diag, AX_NOTFOUND, "there is no model file %s/%s", dir, name);
    if (error == EFBIG)
        return ax_fail(diag, AX_LIMIT, "%s/%s: is larger than the %zu MiB of a model file", dir, name,
                       AX_NN_FILE_MAX >> 20);
    if (error)
        return ax_folder_fail(diag, error, "read", dir, name);
    err = parse_owned(bytes, n, out, diag);
    return err == AX_OK ? AX_OK : ax_wrap(diag, err, "%s/%s", dir, name);
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
    struct slot slots[TENSORS_MAX];
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
