/* The registry while memory, SQLite's memory, its writing or files fail, each call in turn: what a call says
 * is done is done, what it refuses has changed nothing, and the log and all artifacts are whole, also after a
 * start. */
#include "ax_test.h"
#include "failing.h"
#include "failing_sqlite.h"
#include "registry/digest.h"
#include "registry/shown.h"
#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What fails. */
enum what { OUR_MEMORY, OUR_FILES, SQLITE_MEMORY, SQLITE_FILES, WHATS };

static enum what now;
static uint32_t all_refused;

/* Let the nth call of what is on fail. */
static void begin(uint32_t n)
{
    if (now == OUR_MEMORY || now == OUR_FILES)
        failing_begin(&(struct failing){
            .kinds = now == OUR_MEMORY ? FAILING_MEMORY : FAILING_IO, .nth = n, .error = ENOSPC});
    else
        failing_sqlite_begin(now == SQLITE_MEMORY ? FAILING_SQLITE_MEMORY : FAILING_SQLITE_WRITES, n);
}

/* Did one fail? */
static bool end(void)
{
    return now == OUR_MEMORY || now == OUR_FILES ? failing_end() > 0 : failing_sqlite_end();
}

/* ---- a registry ---- */

#define MODEL "job/lstm"
static const struct ax_registry_by by = {{"jo", 2}, {"so", 2}};

static struct ax_registry *open_registry(const char *dir)
{
    struct ax_registry *r = NULL;
    struct ax_diag diag = {{0}};
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall(), .keep = 1000};
    if (ax_registry_open(&options, &r, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return r;
}

/* All versions with their stages, and how long the log is. */
static bool put_version(void *ctx, const struct ax_model_version *v)
{
    ax_buf_printf(ctx, "%s %d %d;", v->ref.version, (int)v->ref.stage, v->artifact);
    return true;
}

static void put_state(struct ax_registry *r, struct ax_buf *out)
{
    struct ax_registry_report report;
    struct ax_diag diag = {{0}};
    ax_buf_reset(out);
    if (ax_registry_verify(r, &report, &diag) != AX_OK ||
        ax_registry_each(r, ax_str(MODEL), put_version, out, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_buf_printf(out, "%lld entries", (long long)report.entries);
}

static enum ax_err add(struct ax_registry *r, struct ax_model_ref *ref, struct ax_diag *diag)
{
    static uint32_t number;
    char bytes[32];
    (void)snprintf(bytes, sizeof bytes, "weights %u", ++number);
    const struct ax_model_draft draft = {.name = ax_str(MODEL), .hyper_parameters = ax_str("{\"units\": 1}")};
    return ax_registry_add(r, &draft, ax_str(bytes), &by, ref, diag);
}

/* ---- what is done ---- */

static json_t *bundle; /* of a version, with its bytes and another name each time */

static enum ax_err op_add(struct ax_registry *r, struct ax_diag *diag)
{
    struct ax_model_ref ref;
    return add(r, &ref, diag);
}

static enum ax_err op_move(struct ax_registry *r, struct ax_diag *diag)
{
    struct ax_model_ref ref;
    return ax_registry_move(r, ax_str(MODEL), ax_str("latest"), AX_STAGE_STAGING, &by, &ref, diag);
}

static enum ax_err op_rollback(struct ax_registry *r, struct ax_diag *diag)
{
    struct ax_model_ref ref;
    return ax_registry_rollback(r, ax_str(MODEL), &by, &ref, diag);
}

static enum ax_err op_decide(struct ax_registry *r, struct ax_diag *diag)
{
    struct ax_model_ref ref;
    return ax_registry_decide(r, ax_str(MODEL), ax_str("challenger"), AX_DECIDE_PROMOTE, ax_str("better"),
                              &ref, diag);
}

static enum ax_err op_import(struct ax_registry *r, struct ax_diag *diag)
{
    char name[AX_REGISTRY_NAME_MAX + 1], *text = json_dumps(bundle, 0);
    struct ax_model_ref ref;
    assert_non_null(text);
    const enum ax_err err = ax_model_import(r, ax_str(text), &by, NULL, NULL, name, &ref, diag);
    free(text);
    return err;
}

/* What each needs: a champion that replaced another one, and a challenger or a new version. */
static void prepare(struct ax_registry *r, bool challenger)
{
    struct ax_model_ref ref;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(add(r, &ref, NULL), AX_OK);
        assert_int_equal(
            ax_registry_move(r, ax_str(MODEL), ax_str(ref.version), AX_STAGE_PRODUCTION, &by, &ref, NULL),
            AX_OK);
    }
    assert_int_equal(add(r, &ref, NULL), AX_OK);
    if (challenger)
        assert_int_equal(
            ax_registry_move(r, ax_str(MODEL), ax_str(ref.version), AX_STAGE_STAGING, &by, &ref, NULL),
            AX_OK);
    if (!bundle)
        assert_int_equal(ax_model_export(r, ax_str(MODEL), ax_str(ref.version), &bundle, NULL), AX_OK);
}

static const struct op {
    const char *name;
    enum ax_err (*run)(struct ax_registry *r, struct ax_diag *diag);
} ops[] = {{"add", op_add},
           {"move", op_move},
           {"rollback", op_rollback},
           {"decide", op_decide},
           {"import", op_import}};

/* Do it with each call failing in turn, until there are no more of them. */
static void try(const struct op *op, const char *dir)
{
    struct ax_registry *r = open_registry(dir);
    struct ax_buf before, after;
    bool failed = true;
    uint32_t refused = 0;
    ax_buf_init(&before, 1u << 20);
    ax_buf_init(&after, 1u << 20);
    prepare(r, op->run == op_decide);
    /* SQLite asks for memory thousands of times: the later ones are taken with steps between them. */
    for (uint32_t i = 1; failed; i += now == SQLITE_MEMORY ? 1 + i / 8 : 1) {
        struct ax_diag diag = {{0}};
        put_state(r, &before);
        begin(i);
        const enum ax_err err = op->run(r, &diag);
        failed = end();
        refused += err != AX_OK;
        if (err != AX_OK && (!failed || !diag.text[0]))
            fail_msg("%s, call %u: %d, %s", op->name, i, (int)err, diag.text);
        if (i % 16 == 0 || err == AX_OK) { /* and a start finds the same */
            ax_registry_close(r);
            r = open_registry(dir);
        }
        put_state(r, &after);
        const bool same = before.n == after.n && memcmp(before.bytes, after.bytes, after.n) == 0;
        if (same != (err != AX_OK))
            fail_msg("%s, call %u: %s, and it %s", op->name, i, err == AX_OK ? "done" : diag.text,
                     same ? "is as before" : "has changed");
        if (err == AX_OK && failed)
            prepare(r, op->run == op_decide); /* it could do without that call */
    }
    assert_true(refused > 0 || now == OUR_FILES); /* which most of them have none of */
    all_refused += refused;
    ax_registry_close(r);
    ax_buf_done(&before);
    ax_buf_done(&after);
}

static void try_all(enum what what)
{
    all_refused = 0;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        char dir[SCRATCH_PATH];
        scratch_make(dir, NULL);
        now = what;
        try(&ops[i], dir);
        scratch_remove(dir);
        json_decref(bundle);
        bundle = NULL;
    }
    assert_true(all_refused > 5);
}

static void what_is_refused_without_memory_has_changed_nothing(void **state)
{
    (void)state;
    try_all(OUR_MEMORY);
}

static void what_is_refused_by_the_disk_has_changed_nothing(void **state)
{
    (void)state;
    try_all(OUR_FILES);
}

static void what_is_refused_without_memory_for_sqlite_has_changed_nothing(void **state)
{
    (void)state;
    try_all(SQLITE_MEMORY);
}

static void what_is_refused_by_sqlites_disk_has_changed_nothing(void **state)
{
    (void)state;
    failing_sqlite_writes(true);
    try_all(SQLITE_FILES);
    failing_sqlite_writes(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_refused_without_memory_has_changed_nothing),
        cmocka_unit_test(what_is_refused_by_the_disk_has_changed_nothing),
        cmocka_unit_test(what_is_refused_without_memory_for_sqlite_has_changed_nothing),
        cmocka_unit_test(what_is_refused_by_sqlites_disk_has_changed_nothing),
    };
    return cmocka_run_group_tests(tests, failing_sqlite_setup, NULL);
}
