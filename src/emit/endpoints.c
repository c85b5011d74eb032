/* endpoints.c: a plan that may fail, and its execution, which may not. */
#include "emit/endpoints.h"

#include "base/log.h"
#include "base/metrics.h"

#include <stdlib.h>

#define LOOK_NS INT64_C(100000000)          /* between two looks whether there is hurry */
#define LAST_REQUEST_NS INT64_C(1000000000) /* for the answers to what is under way */

static const enum ax_metric gauges[] = {AX_M_QUEUE_SAMPLES, AX_M_QUEUE_BYTES, AX_M_QUEUE_MAX_BYTES,
                                        AX_M_SEND_HIGHEST};

/* The endpoints to be, which of the old ones are among them, and the positions of the others. Nothing of the
 * running state changes until it is complete. */
struct plan {
    struct ax_endpoint **v;
    struct ax_positions **positions; /* of those that are new and have no predecessor that runs */
    struct ax_endpoint **before;     /* the predecessor that runs */
    bool *created;                   /* the file was made for it */
    uint32_t n;
    bool *kept; /* of the old endpoints */
    struct ax_positions_list files;
};

static bool same(struct ax_hash128 a, struct ax_hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* The running endpoint of an unchanged block that no other block has claimed; -1 when there is none. */
static int64_t find_unchanged(const struct ax_endpoints *set, const bool *kept,
                              const struct ax_remote_write *config)
{
    struct ax_hash128 identity = ax_endpoint_fingerprint(config);
    for (uint32_t i = 0; i < set->n; i++)
        if (!kept[i] && same(ax_endpoint_identity(set->v[i]), identity))
            return i;
    return -1;
}

static void claim(struct plan *p, uint32_t number)
{
    for (uint32_t i = 0; i < p->files.n; i++)
        if (p->files.v[i].number == number)
            p->files.v[i].claimed = true;
}

static enum ax_err plan_endpoints(struct ax_endpoints *set, const struct ax_remote_write *configs, uint32_t n,
                                  struct plan *p, struct ax_diag *diag)
{
    p->v = calloc(n + (size_t)1, sizeof(struct ax_endpoint *));
    p->positions = calloc(n + (size_t)1, sizeof(struct ax_positions *));
    p->before = calloc(n + (size_t)1, sizeof(struct ax_endpoint *));
    p->created = calloc(n + (size_t)1, sizeof *p->created);
    p->kept = calloc(set->n + (size_t)1, sizeof *p->kept);
    if (!p->v || !p->positions || !p->before || !p->created || !p->kept)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; i < n; i++) {
        int64_t old = find_unchanged(set, p->kept, &configs[i]);
        if (old >= 0) {
            p->v[i] = set->v[old];
            p->kept[old] = true;
            claim(p, ax_endpoint_file(p->v[i]));
        } else {
            enum ax_err err = ax_endpoint_new(&configs[i], &set->env, &p->v[i], diag);
            if (err != AX_OK)
                return err;
        }
        p->n++;
    }
    return AX_OK;
}

static bool is_new(const struct plan *p, uint32_t i)
{
    return ax_endpoint_file(p->v[i]) == 0;
}

/* Give an endpoint the positions of the one in whose place it stands, if there is one that answers to this
 * degree. */
static enum ax_err inherit(const struct ax_endpoints *set, struct plan *p, uint32_t i, int degree,
                           struct ax_diag *diag)
{
    struct ax_positions_file *file = NULL;
    for (uint32_t k = 0; k < p->files.n && !file; k++)
        if (!p->files.v[k].claimed && ax_endpoint_succeeds(p->v[i], &p->files.v[k]) == degree)
            file = &p->files.v[k];
    if (!file)
        return AX_OK;
    file->claimed = true;
    for (uint32_t k = 0; k < set->n; k++)
        if (ax_endpoint_file(set->v[k]) == file->number)
            p->before[i] = set->v[k];
    return p->before[i] ? AX_OK : ax_positions_open(set->dir, file->number, &p->positions[i], diag);
}

/* A file whose owner cannot be read may be that of any endpoint: a new one then begins with all that is
 * there. */
static uint64_t where_to_begin(const struct ax_endpoints *set, const struct plan *p)
{
    for (uint32_t i = 0; i < p->files.n; i++)
        if (!p->files.v[i].name) {
            ax_log(AX_LOG_WARN, "position_damaged",
                   "%s/%u.position is damaged: an endpoint that has no other begins with the oldest sample, "
                   "and may "
                   "refuse what it has already",
                   set->dir, p->files.v[i].number);
            return 0;
        }
    return ax_outgoing_end(set->env.outgoing);
}

static enum ax_err plan_positions(const struct ax_endpoints *set, struct plan *p, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    for (int degree = 2; degree >= 1; degree--)
        for (uint32_t i = 0; err == AX_OK && i < p->n; i++)
            if (is_new(p, i) && !p->before[i] && !p->positions[i])
                err = inherit(set, p, i, degree, diag);
    for (uint32_t i = 0; err == AX_OK && i < p->n; i++) {
        if (!is_new(p, i) || p->before[i] || p->positions[i])
            continue;
        const struct ax_positions_owner owner = ax_endpoint_owner(p->v[i]);
        err = ax_positions_create(set->dir, &owner, where_to_begin(set, p), &p->positions[i], diag);
        p->created[i] = err == AX_OK;
    }
    return err;
}

static void remove_file(const struct ax_endpoints *set, uint32_t number)
{
    struct ax_diag diag = {{0}};
    if (ax_positions_remove(set->dir, number, &diag) != AX_OK)
        ax_log(AX_LOG_WARN, "position_not_removed", "%s", diag.text);
}

static void drop_plan(const struct ax_endpoints *set, struct plan *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (!is_new(p, i))
            continue;
        if (p->created[i])
            remove_file(set, ax_positions_number(p->positions[i]));
        ax_positions_close(p->positions[i]);
        ax_endpoint_free(p->v[i]);
    }
    free(p->v);
}

/* End the endpoints whose block is gone or changed. */
static void retire(const struct ax_endpoints *set, const struct plan *p)
{
    for (uint32_t i = 0; i < set->n; i++)
        if (!p->kept[i])
            ax_endpoint_halt(set->v[i]);
    int64_t until_ns = ax_mono_ns() + LAST_REQUEST_NS;
    for (uint32_t i = 0; i < set->n; i++) {
        if (p->kept[i])
            continue;
        const char *url = ax_endpoint_url(set->v[i]);
        bool url_remains = false;
        for (uint32_t k = 0; k < p->n; k++)
            url_remains |= strcmp(ax_endpoint_url(p->v[k]), url) == 0;
        ax_endpoint_end(set->v[i], until_ns);
        if (!url_remains) /* gauges of what is no more would look like a queue that stands still */
            for (size_t k = 0; k < sizeof gauges / sizeof gauges[0]; k++)
                ax_metric_forget(gauges[k], url);
    }
}

static void carry_out(struct ax_endpoints *set, struct plan *p)
{
    struct ax_diag diag = {{0}};
    retire(set, p);
    for (uint32_t i = 0; i < p->n; i++) {
        if (!is_new(p, i))
            continue;
        struct ax_positions *positions = p->before[i] ? ax_endpoint_give_up(p->before[i]) : p->positions[i];
        const struct ax_positions_owner owner = ax_endpoint_owner(p->v[i]);
        if (ax_positions_give(positions, &owner, ax_outgoing_end(set->env.outgoing), &diag) != AX_OK)
            ax_log(AX_LOG_WARN, "position_not_written", "%s", diag.text);
        ax_endpoint_go(p->v[i], positions);
    }
    for (uint32_t i = 0; i < p->files.n; i++)
        if (!p->files.v[i].claimed)
            remove_file(set, p->files.v[i].number);
    for (uint32_t i = 0; i < set->n; i++)
        if (!p->kept[i])
            ax_endpoint_free(set->v[i]);
    free(set->v);
    set->v = p->v;
    set->n = p->n;
}

enum ax_err ax_endpoints_load(struct ax_endpoints *set, const struct ax_remote_write *configs, uint32_t n,
                              struct ax_diag *diag)
{
    struct plan p = {0};
    enum ax_err err = ax_positions_list(set->dir, &p.files, diag);
    if (err == AX_OK)
        err = plan_endpoints(set, configs, n, &p, diag);
    if (err == AX_OK)
        err = plan_positions(set, &p, diag);
    if (err == AX_OK)
        carry_out(set, &p);
    else
        drop_plan(set, &p);
    ax_positions_list_free(&p.files);
    free(p.positions);
    free(p.before);
    free(p.created);
    free(p.kept);
    return err;
}

uint64_t ax_endpoints_at(const struct ax_endpoints *set)
{
    uint64_t at = UINT64_MAX;
    for (uint32_t i = 0; i < set->n; i++) {
        uint64_t its = ax_endpoint_at(set->v[i]);
        at = its < at ? its : at;
    }
    return at;
}

uint64_t ax_endpoints_measure(struct ax_endpoints *set)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < set->n; i++)
        n += ax_endpoint_measure(set->v[i]);
    return n;
}

uint32_t ax_endpoints_unsynced(struct ax_endpoints *set, int *fds, uint32_t cap)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < set->n && n < cap; i++) {
        fds[n] = ax_endpoint_unsynced(set->v[i]);
        n += fds[n] >= 0;
    }
    return n;
}

void ax_endpoints_count_dropped(struct ax_endpoints *set, const char *reason, uint32_t n)
{
    for (uint32_t i = 0; n && i < set->n; i++)
        ax_endpoint_count_dropped(set->v[i], reason, n);
}

void ax_endpoints_pause(struct ax_endpoints *set)
{
    for (uint32_t i = 0; i < set->n; i++)
        ax_endpoint_halt(set->v[i]);
    const int64_t until_ns = ax_mono_ns() + LAST_REQUEST_NS;
    for (uint32_t i = 0; i < set->n; i++)
        ax_endpoint_end(set->v[i], until_ns);
}

enum ax_err ax_endpoints_resume(struct ax_endpoints *set, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < set->n; i++) {
        const enum ax_err one = ax_endpoint_resume(set->v[i], diag);
        err = one != AX_OK ? one : err;
    }
    return err;
}

/* Wait until an endpoint has sent what waits. */
static void wait_for(struct ax_endpoint *e, int64_t until_ns, const atomic_bool *hurry)
{
    int64_t now_ns = ax_mono_ns();
    while (now_ns < until_ns && !(hurry && atomic_load(hurry))) {
        if (ax_endpoint_wait(e, until_ns - now_ns < LOOK_NS ? until_ns : now_ns + LOOK_NS))
            return;
        now_ns = ax_mono_ns();
    }
}

void ax_endpoints_end(struct ax_endpoints *set, int64_t until_ns, const atomic_bool *hurry)
{
    for (uint32_t i = 0; i < set->n; i++)
        ax_endpoint_flush(set->v[i]);
    for (uint32_t i = 0; i < set->n; i++)
        wait_for(set->v[i], until_ns, hurry);
    for (uint32_t i = 0; i < set->n; i++)
        ax_endpoint_halt(set->v[i]);
    until_ns = ax_mono_ns() + LAST_REQUEST_NS;
    for (uint32_t i = 0; i < set->n; i++) {
        ax_endpoint_end(set->v[i], until_ns);
        ax_endpoint_free(set->v[i]);
    }
    free(set->v);
    set->v = NULL;
    set->n = 0;
}
