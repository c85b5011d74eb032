/* runs.c: writing down what an answer holds. */
#include "runs.h"

#include "ax_test.h"
#include "prom/labels.h"

#include <inttypes.h>
#include <stdio.h>

enum ax_err runs_visit(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    struct runs *r = ctx;
    struct ax_arena arena;
    struct ax_labels labels;
    struct ax_diag diag = {{0}};
    ax_arena_init(&arena, 1 << 20);
    if (r->text.bytes_max == 0)
        ax_buf_init(&r->text, 64 << 20);
    if (ax_labels_key_parse(run->key, &arena, &labels, &diag) != AX_OK)
        fail_msg("a key that is none: %s", diag.text);
    for (uint32_t i = 0; i < run->samples_n; i++) {
        ax_buf_printf(&r->text, "%u ", query);
        ax_labels_write(&labels, &r->text);
        ax_buf_printf(&r->text, " %" PRId64 " %016" PRIx64 "\n", run->samples[i].t_ms,
                      ax_double_bits(run->samples[i].value));
    }
    for (uint32_t i = 0; i < run->histograms_n; i++) {
        ax_buf_printf(&r->text, "%u ", query);
        ax_labels_write(&labels, &r->text);
        ax_buf_printf(&r->text, " %" PRId64 " histogram %zu\n", run->histograms[i].t_ms,
                      run->histograms[i].message.n);
    }
    ax_arena_done(&arena);
    r->visits++;
    return r->answer;
}

const char *runs_text(struct runs *r)
{
    if (r->text.bytes_max == 0)
        ax_buf_init(&r->text, 64 << 20);
    ax_buf_byte(&r->text, 0);
    r->text.n--;
    return (const char *)r->text.bytes;
}

void runs_done(struct runs *r)
{
    ax_buf_done(&r->text);
    *r = (struct runs){.answer = r->answer};
}

struct ax_buf runs_file(const char *name)
{
    char path[1024];
    struct ax_buf b;
    (void)snprintf(path, sizeof path, "%s/%s", AX_TEST_DIR, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be read", path);
    ax_buf_init(&b, 64 << 20);
    char piece[4096];
    for (size_t n; (n = fread(piece, 1, sizeof piece, f)) > 0;)
        ax_buf_put(&b, piece, n);
    (void)fclose(f);
    return b;
}
