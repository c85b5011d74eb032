/* config.c: from bytes to an immutable config: reading, validation, hashes of the jobs. */
#include "config/config.h"

#include "base/buf.h"
#include "base/hash.h"
#include "config/builtin.h"
#include "config/document.h"
#include "config/dump.h"
#include "config/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CONFIG_BYTES_MAX (64u << 20)

void ax_problem_add(struct ax_problems *p, struct ax_place place, bool warning, const char *fmt, ...)
{
    const uint32_t max = sizeof p->v / sizeof p->v[0];
    uint32_t i = p->n;
    va_list args;
    p->errors_n += !warning;
    while (i > 0 && (p->v[i - 1].place.line > place.line ||
                     (p->v[i - 1].place.line == place.line && p->v[i - 1].place.column > place.column)))
        i--;
    if (i == max)
        return;
    uint32_t moved = (p->n < max ? p->n : max - 1) - i;
    memmove(&p->v[i + 1], &p->v[i], moved * sizeof p->v[0]);
    p->n += p->n < max;
    p->v[i].place = place;
    p->v[i].warning = warning;
    va_start(args, fmt);
    (void)vsnprintf(p->v[i].text, sizeof p->v[i].text, fmt, args);
    va_end(args);
}

/* Equal blocks, equal hashes: over the effective values, so that a comment or another order of keys changes
 * nothing and a changed global default does. */
static enum ax_err hash_jobs(struct ax_config *c)
{
    struct ax_job_config *jobs = ax_fresh(c->jobs);
    struct ax_buf text;
    enum ax_err err = AX_OK;
    ax_buf_init(&text, CONFIG_BYTES_MAX);
    for (uint32_t i = 0; i < c->jobs_n && err == AX_OK; i++) {
        struct ax_job_config block = jobs[i];
        block.calendars_n = 0; /* what was learnt does not hang on them */
        block.targets = (struct ax_targets_config){0};
        ax_buf_reset(&text);
        ax_config_write_job(&block, &text);
        jobs[i].hash = ax_hash64(text.bytes, text.n, 0);
        err = text.err;
    }
    ax_buf_done(&text);
    return err;
}

/* A config that is being read. */
struct reading {
    struct ax_config *config;
    const struct ax_config_check *check;
};

static void read_config(void *ctx, struct ax_reader *r, yaml_node_t *root)
{
    const struct reading *g = ctx;
    ax_read_section(r, root, &ax_schema_file, g->config);
    if (!r->nomem)
        ax_config_validate(r, root, g->config);
    if (!r->nomem && g->check && g->check->run(g->check->ctx, g->config, r->problems) == AX_NOMEM)
        r->nomem = true;
}

static enum ax_err parse(struct ax_str yaml, const struct ax_config_check *check, struct ax_config **out,
                         struct ax_problems *problems)
{
    *out = NULL;
    struct ax_config *c = calloc(1, sizeof *c);
    if (!c)
        return AX_NOMEM;
    ax_arena_init(&c->arena, CONFIG_BYTES_MAX);
    enum ax_err err = ax_document_parse(yaml, &c->arena, problems, read_config, &(struct reading){c, check});
    if (err == AX_OK)
        err = hash_jobs(c);
    if (err == AX_OK)
        *out = c;
    else
        ax_config_free(c);
    return err;
}

enum ax_err ax_config_parse(struct ax_str yaml, struct ax_config **out, struct ax_problems *problems)
{
    return parse(yaml, NULL, out, problems);
}

enum ax_err ax_config_load(const char *path, const struct ax_config_check *check, struct ax_config **out,
                           struct ax_problems *problems)
{
    if (path[0] == '\0')
        return parse(ax_str(ax_config_builtin), check, out, problems);
    *out = NULL;
    struct ax_buf text;
    enum ax_err err = ax_document_load(path, &text, problems);
    if (err == AX_OK)
        err = parse(ax_buf_view(&text), check, out, problems);
    ax_buf_done(&text);
    return err;
}

void ax_config_keep(const struct ax_config *c)
{
    struct ax_config *kept = (struct ax_config *)(uintptr_t)c; /* of what is immutable only this changes */
    (void)atomic_fetch_add(&kept->keepers, 1);
}

void ax_config_free(struct ax_config *c)
{
    if (!c || atomic_fetch_sub(&c->keepers, 1) > 0)
        return;
    /* The arena is part of what it frees with: take it out first. */
    struct ax_arena arena = c->arena;
    free(c);
    ax_arena_done(&arena);
}
