/* Versions are numbered, moved, found again, and what was done to them cannot be changed in silence. */
#include "ax_test.h"
#include "registry/digest.h"
#include "registry/registry.h"
#include "scratch.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_ms = 1700000000000;
static const struct ax_registry_by nobody = {{NULL, 0}, {NULL, 0}};

static struct ax_registry *open_at(const char *dir, uint32_t approvals, uint32_t keep)
{
    struct ax_diag diag = {{0}};
    struct ax_registry *r = NULL;
    const struct ax_registry_options options = {
        .dir = dir, .clock = ax_clock_virtual(&now_ms), .approvals = approvals, .keep = keep};
    if (ax_registry_open(&options, &r, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return r;
}

static struct ax_model_draft draft_of(const char *features, const char *config, const char *scores)
{
    return (struct ax_model_draft){.name = ax_str("bandwidth/lstm"),
                                   .data_from_ms = 1699000000000,
                                   .data_to_ms = 1699990000000,
                                   .samples = 960,
                                   .features_hash = ax_str(features),
                                   .config_hash = ax_str(config),
                                   .seed = UINT64_MAX,
                                   .hyper_parameters = ax_str("{\"hidden\": 32}"),
                                   .scores = ax_str(scores)};
}

/* Register a version whose artifact is the text; its number. */
static struct ax_model_ref add(struct ax_registry *r, const struct ax_model_draft *d, const char *artifact)
{
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    if (ax_registry_add(r, d, ax_str(artifact), &nobody, &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return ref;
}

static void move(struct ax_registry *r, const char *which, enum ax_stage to)
{
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    if (ax_registry_move(r, ax_str("bandwidth/lstm"), ax_str(which), to, &nobody, &ref, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static const char *find(struct ax_registry *r, const char *which, struct ax_model_ref *ref)
{
    struct ax_diag diag;
    return ax_registry_find(r, ax_str("bandwidth/lstm"), ax_str(which), ref, &diag) == AX_OK ? ref->version
                                                                                             : "";
}

static void assert_sound(struct ax_registry *r)
{
    struct ax_diag diag = {{0}};
    struct ax_registry_report report;
    if (ax_registry_verify(r, &report, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void the_digest_is_that_of_fips_180_4(void **state)
{
    char text[AX_SHA256_TEXT];
    (void)state;
    ax_sha256_text(ax_str("abc"), text);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(ax_sha256_is_text(ax_str(text)));
    assert_false(ax_sha256_is_text(ax_str("BA7816")));
}

static void a_number_says_what_has_changed(void **state)
{
    char dir[SCRATCH_PATH];
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    struct ax_model_draft d = draft_of("f", "c", "{\"wape\": 0.2}");
    assert_string_equal(add(r, &d, "a").version, "1.0.0");
    assert_string_equal(add(r, &d, "b").version, "1.0.1");
    d.hyper_parameters = ax_str("{\"hidden\":32}"); /* the same, spaced otherwise */
    assert_string_equal(add(r, &d, "c").version, "1.0.2");
    d.hyper_parameters = ax_str("{\"hidden\": 64}");
    assert_string_equal(add(r, &d, "d").version, "1.1.0");
    d.features_hash = ax_str("g");
    assert_string_equal(add(r, &d, "e").version, "2.0.0");
    ax_registry_close(r);
    scratch_remove(dir);
}

struct seen {
    char change[4096], reviewers[256];
    struct ax_model_version v;
    uint32_t n;
};

static bool see(void *ctx, const struct ax_model_version *v)
{
    struct seen *s = ctx;
    s->v = *v;
    (void)snprintf(s->change, sizeof s->change, "%.*s", (int)v->draft.change.n, v->draft.change.p);
    (void)snprintf(s->reviewers, sizeof s->reviewers, "%.*s", (int)v->reviewers.n, v->reviewers.p);
    s->n++;
    return true;
}

static void what_was_registered_is_read_back_after_a_restart(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    struct ax_buf bytes;
    struct seen seen = {.n = 0};
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    struct ax_model_draft d = draft_of("f", "c", "{\"wape\": 0.2}");
    (void)add(r, &d, "first");
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    d.scores = ax_str("{\"wape\": 0.15}");
    (void)add(r, &d, "second");
    ax_registry_close(r);
    r = open_at(dir, 0, 0);
    assert_string_equal(find(r, "champion", &ref), "1.0.0");
    assert_string_equal(find(r, "latest", &ref), "1.0.1");
    ax_buf_init(&bytes, 1024);
    assert_int_equal(ax_registry_artifact(r, ref.sha256, &bytes, &diag), AX_OK);
    assert_true(ax_str_eq(ax_buf_view(&bytes), ax_str("second")));
    assert_int_equal(ax_registry_see(r, d.name, ax_str("1.0.1"), see, &seen, &diag), AX_OK);
    assert_int_equal(seen.n, 1);
    assert_string_equal(seen.change, "trained on newer data; wape 0.15 (was 0.2)");
    assert_true(seen.v.draft.seed == UINT64_MAX);
    assert_int_equal(seen.v.created_ms, now_ms);
    assert_sound(r);
    ax_buf_done(&bytes);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void each_move_is_allowed_or_explained(void **state)
{
    static const char *const allowed[AX_STAGES] = {"spa", "dpa", "a", "sp"}; /* by first letter */
    (void)state;
    for (enum ax_stage from = 0; from < AX_STAGES; from++) {
        for (enum ax_stage to = 0; to < AX_STAGES; to++)
            assert_int_equal(ax_stage_may(from, to), strchr(allowed[from], ax_stage_name(to)[0]) != NULL);
    }
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    move(r, "latest", AX_STAGE_PRODUCTION);
    assert_int_equal(ax_registry_move(r, d.name, ax_str("1.0.0"), AX_STAGE_STAGING, &nobody, &ref, &diag),
                     AX_CONFLICT);
    assert_non_null(strstr(diag.text, "roll back"));
    assert_int_equal(ax_registry_move(r, d.name, ax_str("9.9.9"), AX_STAGE_STAGING, &nobody, &ref, &diag),
                     AX_NOTFOUND);
    assert_non_null(strstr(diag.text, "newest version is 1.0.0"));
    assert_int_equal(ax_registry_find(r, ax_str("other/lstm"), ax_str("latest"), &ref, &diag), AX_NOTFOUND);
    assert_int_equal(ax_registry_find(r, d.name, ax_str("newest"), &ref, &diag), AX_INVALID);
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void a_model_has_one_champion_and_one_challenger(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_model_ref ref;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    for (char text[2] = "a"; text[0] < 'e'; text[0]++)
        (void)add(r, &d, text);
    const uint64_t changes = ax_registry_changes(r);
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    assert_true(ax_registry_changes(r) > changes);
    move(r, "1.0.1", AX_STAGE_STAGING);
    move(r, "1.0.2", AX_STAGE_STAGING);
    assert_string_equal(find(r, "challenger", &ref), "1.0.2");
    (void)find(r, "1.0.1", &ref);
    assert_int_equal(ref.stage, AX_STAGE_ARCHIVED);
    move(r, "challenger", AX_STAGE_PRODUCTION);
    assert_string_equal(find(r, "champion", &ref), "1.0.2");
    assert_string_equal(find(r, "challenger", &ref), "");
    (void)find(r, "1.0.0", &ref);
    assert_int_equal(ref.stage, AX_STAGE_ARCHIVED);
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void a_rollback_returns_to_whom_the_champion_replaced_and_further(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    for (char text[2] = "a"; text[0] < 'd'; text[0]++) {
        (void)add(r, &d, text);
        move(r, "latest", AX_STAGE_PRODUCTION);
    }
    assert_int_equal(ax_registry_rollback(r, d.name, &nobody, &ref, &diag), AX_OK);
    assert_string_equal(ref.version, "1.0.1");
    assert_string_equal(find(r, "champion", &ref), "1.0.1");
    assert_int_equal(ax_registry_rollback(r, d.name, &nobody, &ref, &diag), AX_OK);
    assert_string_equal(find(r, "champion", &ref), "1.0.0");
    assert_int_equal(ax_registry_rollback(r, d.name, &nobody, &ref, &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "nothing to roll back to"));
    assert_string_equal(find(r, "champion", &ref), "1.0.0");
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void production_waits_for_different_reviewers(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    struct seen seen = {.n = 0};
    const struct ax_registry_by ann = {ax_str("ann"), ax_str("looks right")},
                                bob = {ax_str("bob"), ax_str("")};
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 2, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    assert_int_equal(ax_registry_approve(r, d.name, ax_str("latest"), &nobody, &diag), AX_INVALID);
    assert_int_equal(ax_registry_approve(r, d.name, ax_str("latest"), &ann, &diag), AX_OK);
    assert_int_equal(ax_registry_approve(r, d.name, ax_str("latest"), &ann, &diag), AX_OK);
    assert_int_equal(ax_registry_move(r, d.name, ax_str("latest"), AX_STAGE_PRODUCTION, &ann, &ref, &diag),
                     AX_CONFLICT);
    assert_non_null(strstr(diag.text, "1 of the 2 approvals"));
    assert_int_equal(ax_registry_approve(r, d.name, ax_str("latest"), &bob, &diag), AX_OK);
    assert_int_equal(ax_registry_move(r, d.name, ax_str("latest"), AX_STAGE_PRODUCTION, &ann, &ref, &diag),
                     AX_OK);
    assert_int_equal(ax_registry_see(r, d.name, ax_str("champion"), see, &seen, &diag), AX_OK);
    assert_string_equal(seen.reviewers, "ann, bob");
    ax_registry_close(r);
    scratch_remove(dir);
}

static void old_artifacts_go_and_those_that_are_needed_stay(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 3);
    const struct ax_model_draft d = draft_of("f", "c", "");
    char text[3] = "aa";
    (void)add(r, &d, "before");
    move(r, "latest", AX_STAGE_PRODUCTION);
    (void)add(r, &d, "champion");
    move(r, "latest", AX_STAGE_PRODUCTION);
    (void)add(r, &d, "challenger");
    move(r, "latest", AX_STAGE_STAGING);
    for (; text[0] < 'k'; text[0]++)
        (void)add(r, &d, text);
    assert_int_equal(scratch_count(dir, ".model"), 6);
    assert_int_equal(ax_registry_move(r, d.name, ax_str("1.0.4"), AX_STAGE_PRODUCTION, &nobody, &ref, &diag),
                     AX_CONFLICT);
    assert_non_null(strstr(diag.text, "models.keep"));
    assert_int_equal(ax_registry_rollback(r, d.name, &nobody, &ref, &diag), AX_OK);
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static bool see_baseline(void *ctx, const struct ax_model_version *v)
{
    (void)snprintf(ctx, 16, AX_STR_FMT, AX_STR_ARG(v->baseline));
    return false;
}

static const char *baseline_of(struct ax_registry *r, const char *which, char text[16])
{
    text[0] = '?';
    assert_int_equal(ax_registry_see(r, ax_str("bandwidth/lstm"), ax_str(which), see_baseline, text, NULL),
                     AX_OK);
    return text;
}

static enum ax_err set_baseline(struct ax_registry *r, const char *which, struct ax_diag *diag)
{
    struct ax_model_ref ref;
    return ax_registry_set_baseline(r, ax_str("bandwidth/lstm"), ax_str(which), &nobody, &ref, diag);
}

static void a_baseline_belongs_to_its_champion_is_kept_and_is_of_the_same_features(void **state)
{
    char dir[SCRATCH_PATH], text[16];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 3);
    const struct ax_model_draft d = draft_of("f", "c", ""), other = draft_of("g", "c", "");
    (void)add(r, &d, "0");
    assert_int_equal(set_baseline(r, "1.0.0", &diag), AX_NOTFOUND); /* nobody serves */
    move(r, "latest", AX_STAGE_PRODUCTION);
    (void)add(r, &d, "1");
    const uint64_t changes = ax_registry_changes(r);
    assert_int_equal(set_baseline(r, "1.0.1", &diag), AX_OK);
    assert_int_equal(set_baseline(r, "1.0.1", &diag), AX_OK); /* once */
    assert_true(ax_registry_changes(r) > changes);
    assert_string_equal(baseline_of(r, "champion", text), "1.0.1");
    now_ms += 2 * 86400000; /* artifacts of roles are kept for a day */
    for (char name[2] = "a"; name[0] < 'f'; name[0]++)
        (void)add(r, &d, name);
    assert_int_equal(scratch_count(dir, ".model"), 5); /* three, the champion and its baseline */
    assert_int_equal(set_baseline(r, "1.0.2", &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "models.keep"));
    (void)add(r, &other, "x");
    assert_int_equal(set_baseline(r, "latest", &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "other features"));
    move(r, "1.0.6", AX_STAGE_PRODUCTION);
    assert_string_equal(baseline_of(r, "champion", text), "");
    assert_int_equal(ax_registry_rollback(r, d.name, &nobody, &ref, &diag), AX_OK);
    assert_string_equal(baseline_of(r, "champion", text), "1.0.1");
    assert_int_equal(set_baseline(r, "champion", &diag), AX_OK); /* its own again */
    assert_string_equal(baseline_of(r, "champion", text), "");
    assert_sound(r);
    ax_registry_close(r);
    r = open_at(dir, 0, 3);
    assert_string_equal(baseline_of(r, "champion", text), "");
    ax_registry_close(r);
    scratch_remove(dir);
}

static void what_is_wrong_with_a_draft_is_said(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    static const char *const names[] = {"", "lstm", "/lstm", "job/", "job/a b", "a\nb/lstm", "\xff/lstm"};
    struct ax_model_draft d = draft_of("f", "c", "");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        d.name = ax_str(names[i]);
        assert_int_equal(ax_registry_add(r, &d, ax_str("a"), &nobody, &ref, &diag), AX_INVALID);
    }
    d = draft_of("f", "c", "{\"wape\": \"low\"}");
    assert_int_equal(ax_registry_add(r, &d, ax_str("a"), &nobody, &ref, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "score 'wape' must be a number"));
    d = draft_of("f", "c", "[]");
    assert_int_equal(ax_registry_add(r, &d, ax_str("a"), &nobody, &ref, &diag), AX_INVALID);
    d = draft_of("f", "c", "");
    assert_int_equal(ax_registry_add(r, &d, ax_str(""), &nobody, &ref, &diag), AX_INVALID);
    assert_int_equal(scratch_count(dir, ".model"), 0);
    ax_registry_close(r);
    scratch_remove(dir);
}

/* Change the database behind the registry's back; *err is what the check then says. */
static const char *tamper(const char *dir, const char *sql, struct ax_diag *diag)
{
    char copy[SCRATCH_PATH], path[SCRATCH_PATH], *error = NULL;
    sqlite3 *db = NULL;
    scratch_make(copy, "models");
    scratch_copy(dir, copy);
    scratch_in(path, copy, "models.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    const struct ax_registry_options options = {
        .dir = copy, .clock = ax_clock_wall(), .limits_as_before = true};
    struct ax_registry *r = NULL;
    assert_int_equal(ax_registry_open(&options, &r, diag), AX_OK);
    struct ax_registry_report report;
    diag->text[0] = '\0';
    const enum ax_err err = ax_registry_verify(r, &report, diag);
    ax_registry_close(r);
    scratch_remove(copy);
    assert_int_equal(err, diag->text[0] ? AX_CORRUPT : AX_OK);
    return diag->text;
}

static void what_says_who_may_serve_is_held_against_the_audit_log(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 1, 0);
    const struct ax_registry_by ann = {ax_str("ann"), ax_str("seen")};
    const struct ax_model_draft d = draft_of("f", "c", "{\"wape\": 0.2}");
    (void)add(r, &d, "a");
    (void)add(r, &d, "b");
    assert_int_equal(ax_registry_approve(r, ax_str("bandwidth/lstm"), ax_str("1.0.0"), &ann, &diag), AX_OK);
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    assert_sound(r);
    ax_registry_close(r);
    static const struct {
        const char *sql, *found;
    } cases[] = {
        {"SELECT 1", ""},
        {"UPDATE version SET scores = '{\"wape\":0.1}' WHERE id = 2", "not the one that was registered"},
        {"UPDATE version SET data_to_ms = 7 WHERE id = 1", "not the one that was registered"},
        {"UPDATE version SET hyper_parameters = '{}' WHERE id = 1", "not the one that was registered"},
        {"UPDATE version SET change = 'better' WHERE id = 1", "not the one that was registered"},
        {"UPDATE version SET created_ms = 7 WHERE id = 1", "not the one that was registered"},
        {"UPDATE version SET replaced = 2 WHERE id = 1", "has not replaced"},
        {"INSERT INTO approval VALUES(2, 'bob', 7, '')", "an approval that nobody gave"},
        {"UPDATE approval SET reviewer = 'bob'", "an approval that nobody gave"},
        {"UPDATE approval SET note = 'never'", "an approval that nobody gave"},
        {"DELETE FROM approval", "has lost an approval"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *found = tamper(dir, cases[i].sql, &diag);
        if (*cases[i].found ? !strstr(found, cases[i].found) : *found != '\0')
            fail_msg("%s: '%s'", cases[i].sql, found);
    }
    scratch_remove(dir);
}

static bool keep_detail(void *ctx, const struct ax_audit_entry *e)
{
    struct ax_buf *out = ctx;
    if (ax_str_eq(e->action, ax_str("limits")))
        ax_buf_printf(out, AX_STR_FMT "; ", AX_STR_ARG(e->detail));
    return true;
}

static void a_log_of_many_entries_is_checked_to_its_end(void **state)
{
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    struct ax_registry_report report;
    struct ax_diag diag = {{0}};
    const struct ax_registry_by by = {ax_str("jo"), ax_str("a note")};
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const int64_t notes[] = {63, 1, 70}; /* up to an entry before a part's end, to its end, and beyond */
    int64_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        for (int64_t end = n + notes[i]; n < end; n++)
            if (ax_registry_note(r, ax_str("a"), ax_str("1.0.0"), ax_str("note"), &by, &diag) != AX_OK)
                fail_msg("%s", diag.text);
        assert_int_equal(ax_registry_verify(r, &report, &diag), AX_OK);
        assert_int_equal(report.entries, n);
    }
    ax_registry_close(r);
    sqlite3 *db = NULL;
    scratch_in(path, dir, "models.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DROP TRIGGER audit_delete; DELETE FROM audit WHERE seq > 128", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    r = open_at(dir, 0, 0);
    assert_int_equal(ax_registry_verify(r, &report, &diag), AX_CORRUPT);
    assert_non_null(strstr(diag.text, "entry 129 is missing"));
    ax_registry_close(r);
    scratch_remove(dir);
}

static void who_lowers_the_limits_leaves_an_entry(void **state)
{
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_buf found;
    (void)state;
    scratch_make(dir, NULL);
    ax_buf_init(&found, 1000);
    ax_registry_close(open_at(dir, 0, 0)); /* what holds anyway is no change */
    struct ax_registry *r = open_at(dir, 2, 0);
    assert_int_equal(ax_registry_limits(r, 2, 0, &diag), AX_OK);
    assert_int_equal(ax_registry_limits(r, 0, 7, &diag), AX_OK); /* a reload */
    ax_registry_close(r);
    r = open_at(dir, 0, 7);
    assert_int_equal(ax_registry_audit(r, &(struct ax_audit_query){.after = 0}, keep_detail, &found, &diag),
                     AX_OK);
    assert_true(ax_str_eq(ax_buf_view(&found), ax_str("approvals 2, keep 20; approvals 0, keep 7; ")));
    assert_sound(r);
    ax_registry_close(r);
    sqlite3 *db = NULL; /* behind its back, for whoever opens it without a configuration */
    scratch_in(path, dir, "models.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "UPDATE setting SET value = 9 WHERE name = 'keep'", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    const struct ax_registry_options as_before = {
        .dir = dir, .clock = ax_clock_wall(), .limits_as_before = true};
    struct ax_registry_report report;
    assert_int_equal(ax_registry_open(&as_before, &r, &diag), AX_OK);
    assert_int_equal(ax_registry_verify(r, &report, &diag), AX_CORRUPT);
    assert_non_null(
        strstr(diag.text, "the limits are approvals 0, keep 9, and were set to approvals 0, keep 7"));
    ax_registry_close(r);
    ax_buf_done(&found);
    scratch_remove(dir);
}

static const char *roll_back(struct ax_registry *r, struct ax_model_ref *ref)
{
    struct ax_diag diag = {{0}};
    return ax_registry_rollback(r, ax_str("bandwidth/lstm"), &nobody, ref, &diag) == AX_OK ? ref->version
                                                                                           : "";
}

static void the_way_back_does_not_turn_in_a_circle(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_model_ref ref;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    (void)add(r, &d, "b");
    (void)add(r, &d, "c");
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    move(r, "1.0.1", AX_STAGE_PRODUCTION);
    move(r, "1.0.0", AX_STAGE_PRODUCTION); /* an old one again */
    move(r, "1.0.2", AX_STAGE_PRODUCTION);
    assert_sound(r);
    assert_string_equal(roll_back(r, &ref), "1.0.0");
    assert_sound(r);
    assert_string_equal(roll_back(r, &ref), "1.0.1");
    assert_string_equal(roll_back(r, &ref), "1.0.0");
    assert_string_equal(roll_back(r, &ref), ""); /* it was the first */
    assert_sound(r);
    move(r, "1.0.2", AX_STAGE_PRODUCTION);
    assert_string_equal(roll_back(r, &ref), "1.0.0");
    move(r, "1.0.0", AX_STAGE_ARCHIVED); /* nobody serves any more */
    move(r, "1.0.1", AX_STAGE_PRODUCTION);
    assert_string_equal(roll_back(r, &ref), "");
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static bool keep_newest(void *ctx, const struct ax_audit_entry *e)
{
    char *out = ctx;
    if (ax_str_eq(e->action, ax_str("decision")))
        (void)snprintf(out, 100, AX_STR_FMT " " AX_STR_FMT, AX_STR_ARG(e->version), AX_STR_ARG(e->detail));
    return true;
}

static const char *newest_decision(struct ax_registry *r)
{
    static char text[100];
    *text = '\0';
    assert_int_equal(ax_registry_audit(r, &(struct ax_audit_query){.name = ax_str("bandwidth/lstm")},
                                       keep_newest, text, NULL),
                     AX_OK);
    return text;
}

static void what_a_comparison_leads_to_is_an_entry_of_its_own(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_model_ref ref;
    struct ax_diag diag;
    const struct ax_str name = ax_str("bandwidth/lstm");
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    (void)add(r, &d, "b");
    (void)add(r, &d, "c");
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    move(r, "1.0.1", AX_STAGE_STAGING);
    assert_string_equal(newest_decision(r), ""); /* people decide too, which is no comparison */
    assert_int_equal(
        ax_registry_decide(r, name, ax_str("challenger"), AX_DECIDE_PROMOTE, ax_str("p 0.01"), &ref, &diag),
        AX_OK);
    assert_string_equal(find(r, "champion", &ref), "1.0.1");
    assert_string_equal(newest_decision(r), "1.0.1 promoted: p 0.01");
    assert_int_equal(
        ax_registry_decide(r, name, ax_str("champion"), AX_DECIDE_ROLL_BACK, ax_str("worse"), &ref, &diag),
        AX_OK);
    assert_string_equal(ref.version, "1.0.0");
    assert_string_equal(newest_decision(r), "1.0.1 rolled back: worse");
    move(r, "1.0.2", AX_STAGE_STAGING);
    assert_int_equal(
        ax_registry_decide(r, name, ax_str("challenger"), AX_DECIDE_RETIRE, ax_str("nothing"), &ref, &diag),
        AX_OK);
    assert_string_equal(newest_decision(r), "1.0.2 retired: nothing");
    assert_int_equal(
        ax_registry_decide(r, name, ax_str("champion"), AX_DECIDE_ROLL_BACK, ax_str("x"), &ref, &diag),
        AX_CONFLICT); /* there is none to return to: and no entry */
    assert_string_equal(newest_decision(r), "1.0.2 retired: nothing");
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void a_registry_of_format_1_is_taken_over(void **state)
{
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    struct ax_model_ref ref;
    sqlite3 *db = NULL;
    bool asked = false;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    (void)add(r, &d, "b");
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    move(r, "1.0.1", AX_STAGE_PRODUCTION);
    ax_registry_close(r);
    scratch_in(path, dir, "models.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "DROP TABLE request; UPDATE version SET replaced = 1 WHERE id = 1;"
                                  "UPDATE version SET replaced = NULL WHERE id = 2; PRAGMA user_version = 1",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    r = open_at(dir, 0, 0);
    assert_sound(r);
    assert_int_equal(ax_registry_ask(r, ax_str("bandwidth/lstm"), &nobody, NULL), AX_OK);
    assert_int_equal(ax_registry_asked(r, ax_str("bandwidth/lstm"), &asked, NULL), AX_OK);
    assert_true(asked);
    assert_string_equal(roll_back(r, &ref), "1.0.0");
    assert_sound(r);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void what_was_tampered_with_is_found(void **state)
{
    char dir[SCRATCH_PATH];
    struct ax_diag diag;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    (void)add(r, &d, "b");
    move(r, "1.0.0", AX_STAGE_PRODUCTION);
    move(r, "1.0.1", AX_STAGE_PRODUCTION);
    assert_sound(r);
    ax_registry_close(r);
#define OPEN "DROP TRIGGER audit_update; DROP TRIGGER audit_delete; "
    assert_string_equal(tamper(dir, "SELECT 1", &diag), "");
    assert_non_null(
        strstr(tamper(dir, OPEN "UPDATE audit SET who = 'ann' WHERE seq = 2", &diag), "entry 2 was changed"));
    assert_non_null(
        strstr(tamper(dir, OPEN "UPDATE audit SET at_ms = 1 WHERE seq = 1", &diag), "entry 1 was changed"));
    assert_non_null(strstr(tamper(dir, OPEN "DELETE FROM audit WHERE seq = 2", &diag), "entry 2 is missing"));
    assert_non_null(strstr(tamper(dir, OPEN "DELETE FROM audit WHERE seq = 5", &diag), "entry 5 is missing"));
    assert_non_null(strstr(tamper(dir, "UPDATE version SET stage = 3", &diag), "not in the stage"));
    assert_non_null(
        strstr(tamper(dir, "UPDATE version SET sha256 = 'x' WHERE id = 1", &diag), "not the one"));
    assert_non_null(strstr(tamper(dir, "DELETE FROM version WHERE id = 1", &diag), "is missing"));
    scratch_remove(dir);
}

static void an_artifact_that_was_changed_is_not_given_out(void **state)
{
    char dir[SCRATCH_PATH], path[SCRATCH_PATH], name[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_registry_report report;
    struct ax_buf bytes;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    const struct ax_model_ref ref = add(r, &d, "weights");
    scratch_name(name, dir, ".model", 0);
    scratch_in(path, dir, name);
    scratch_write(path, "Weights", 7);
    ax_buf_init(&bytes, 1024);
    assert_int_equal(ax_registry_artifact(r, ref.sha256, &bytes, &diag), AX_CORRUPT);
    assert_int_equal(bytes.n, 0);
    assert_int_equal(ax_registry_verify(r, &report, &diag), AX_CORRUPT);
    assert_non_null(strstr(diag.text, "is damaged"));
    assert_int_equal(ax_registry_artifact(r, "../../etc/passwd", &bytes, &diag), AX_NOTFOUND);
    ax_buf_done(&bytes);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void the_audit_log_is_only_appended_to(void **state)
{
    char dir[SCRATCH_PATH], path[SCRATCH_PATH];
    sqlite3 *db = NULL;
    (void)state;
    scratch_make(dir, NULL);
    struct ax_registry *r = open_at(dir, 0, 0);
    const struct ax_model_draft d = draft_of("f", "c", "");
    (void)add(r, &d, "a");
    ax_registry_close(r);
    scratch_in(path, dir, "models.db");
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "UPDATE audit SET who = ''", NULL, NULL, NULL), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, "DELETE FROM audit", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_is_that_of_fips_180_4),
        cmocka_unit_test(a_number_says_what_has_changed),
        cmocka_unit_test(what_was_registered_is_read_back_after_a_restart),
        cmocka_unit_test(each_move_is_allowed_or_explained),
        cmocka_unit_test(a_model_has_one_champion_and_one_challenger),
        cmocka_unit_test(a_rollback_returns_to_whom_the_champion_replaced_and_further),
        cmocka_unit_test(production_waits_for_different_reviewers),
        cmocka_unit_test(old_artifacts_go_and_those_that_are_needed_stay),
        cmocka_unit_test(a_baseline_belongs_to_its_champion_is_kept_and_is_of_the_same_features),
        cmocka_unit_test(what_is_wrong_with_a_draft_is_said),
        cmocka_unit_test(what_was_tampered_with_is_found),
        cmocka_unit_test(what_says_who_may_serve_is_held_against_the_audit_log),
        cmocka_unit_test(a_log_of_many_entries_is_checked_to_its_end),
        cmocka_unit_test(who_lowers_the_limits_leaves_an_entry),
        cmocka_unit_test(what_a_comparison_leads_to_is_an_entry_of_its_own),
        cmocka_unit_test(a_registry_of_format_1_is_taken_over),
        cmocka_unit_test(the_way_back_does_not_turn_in_a_circle),
        cmocka_unit_test(an_artifact_that_was_changed_is_not_given_out),
        cmocka_unit_test(the_audit_log_is_only_appended_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
