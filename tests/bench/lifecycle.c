/* lifecycle.c: what it costs to look after models.
 *
 * usage: lifecycle DIR
 * Drift is tested against exact windows, and against what a model learnt from; a registry with 1,000 versions
 * of one model, with artifacts of 1 MiB, is made in DIR.
 *
 * Output, a line each "what median worst budget", in ms of wall time (a registration waits for the disk): of
 * drift, of two ensembles compared by labels, as at a look of a trial (CPU time); registering a version,
 * comparing two, listing all, the card of one, a promotion, a rollback. */
#include "base/clock.h"
#include "base/rng.h"
#include "drift/pasts.h"
#include "pipeline/entity_trial.h"
#include "registry/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSIONS 1000
#define ARTIFACT_BYTES (1u << 20)
#define REPEATS 50
#define FEATURES 50
#define POINTS 10000

static const struct ax_registry_by by = {{"bench", 5}, {"", 0}};
static struct ax_diag diag;

static void check(enum ax_err err)
{
    if (err == AX_OK)
        return;
    (void)fprintf(stderr, "lifecycle: %s\n", diag.text);
    exit(1);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print(const char *what, double *ms, size_t n, double budget)
{
    qsort(ms, n, sizeof *ms, by_size);
    (void)printf("%-28s %10.2f %10.2f %8.0f\n", what, ms[n / 2], ms[n - 1], budget);
}

static void add(struct ax_registry *r, uint32_t i, char *artifact)
{
    struct ax_model_ref ref;
    char scores[64];
    (void)snprintf(scores, sizeof scores, "{\"wape\": %f, \"mape\": %f}", 0.2 / (i + 1), 0.3);
    memcpy(artifact, &i, sizeof i);
    const struct ax_model_draft d = {.name = {"bandwidth/lstm", 14},
                                     .samples = i,
                                     .config_hash = ax_str("c"),
                                     .features_hash = ax_str("f"),
                                     .scores = ax_str(scores)};
    check(ax_registry_add(r, &d, (struct ax_str){artifact, ARTIFACT_BYTES}, &by, &ref, &diag));
}

static bool see(void *ctx, const struct ax_model_version *v)
{
    json_t *o = ax_model_json(v);
    *(size_t *)ctx += json_object_size(o);
    json_decref(o);
    return true;
}

/* One call of each kind that only reads. */
static void read_once(struct ax_registry *r, int what)
{
    const struct ax_str name = ax_str("bandwidth/lstm");
    json_t *out = NULL;
    size_t seen = 0;
    if (what == 0)
        check(ax_model_compare(r, name, ax_str("1.0.0"), ax_str("latest"), &out, &diag));
    else if (what == 1)
        check(ax_registry_each(r, name, see, &seen, &diag));
    else
        check(ax_model_card(r, name, ax_str("1.0.500"), &out, &diag));
    json_decref(out);
}

static double since_ms(int64_t start_ns)
{
    return (double)(ax_mono_ns() - start_ns) / 1e6;
}

/* All tests of FEATURES features of 10,000 points, and the verdict over them: CPU time in ms. */
static void drift(double *ms, int repeats)
{
    static double v[FEATURES][POINTS];
    static struct ax_drift_result results[FEATURES];
    const struct ax_drift_spec spec = {.reference_n = POINTS / 5 * 4, .current_n = POINTS / 5};
    struct ax_rng rng;
    struct ax_arena scratch;
    ax_rng_seed(&rng, 1);
    ax_arena_init(&scratch, 4u << 20);
    for (uint32_t f = 0; f < FEATURES; f++)
        for (uint32_t i = 0; i < POINTS; i++)
            v[f][i] = ax_rng_normal(&rng) + (f % 5 == 0 && i >= POINTS / 5 * 4 ? 1 : 0);
    for (int k = 0; k < repeats; k++) {
        const int64_t start_ns = ax_thread_cpu_ns();
        for (uint32_t f = 0; f < FEATURES; f++) {
            ax_arena_reset(&scratch);
            check(ax_drift_test_feature(&spec, v[f], POINTS, &scratch, &results[f]));
        }
        if (ax_drift_verdict(&spec, results, FEATURES) != FEATURES / 5)
            exit(1);
        ms[k] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
    }
    ax_arena_done(&scratch);
}

/* The same against what a model learnt from: the first four fifths as sketches, the last as the current
 * window. */
static void drift_from_model(double *make_ms, double *test_ms, int repeats)
{
    static float v[FEATURES][POINTS];
    static struct ax_drift_reference references[FEATURES];
    static struct ax_drift_result results[FEATURES];
    const struct ax_drift_spec spec = {.reference_n = POINTS / 5 * 4, .current_n = POINTS / 5};
    struct ax_rng rng;
    struct ax_arena scratch;
    ax_rng_seed(&rng, 1);
    ax_arena_init(&scratch, 4u << 20);
    for (uint32_t f = 0; f < FEATURES; f++)
        for (uint32_t i = 0; i < POINTS; i++)
            v[f][i] = (float)(ax_rng_normal(&rng) + (f % 5 == 0 && i >= POINTS / 5 * 4 ? 1 : 0));
    for (int k = 0; k < repeats; k++) {
        struct ax_drift_pool pool = {.n = 1, .members = {{.id = 1, .n = spec.reference_n}}};
        int64_t start_ns = ax_thread_cpu_ns();
        for (uint32_t f = 0; f < FEATURES; f++) {
            ax_arena_reset(&scratch);
            pool.members[0].v = v[f];
            check(ax_drift_reference_make(&spec, &pool, 0, &scratch, &references[f]));
        }
        make_ms[k] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
        pool.members[0].n = POINTS;
        start_ns = ax_thread_cpu_ns();
        for (uint32_t f = 0; f < FEATURES; f++) {
            ax_arena_reset(&scratch);
            pool.members[0].v = v[f];
            check(ax_drift_reference_test(&spec, &references[f], &pool, &scratch, &results[f]));
        }
        if (ax_drift_verdict(&spec, results, FEATURES) != FEATURES / 5)
            exit(1);
        test_ms[k] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
    }
    ax_arena_done(&scratch);
}

/* What a fit of a job with 50 features of 64 series and more takes with it, at the default windows: the copy
 * that is made between two steps, and the sketches that are made of it in the thread of the fit. */
static void take_along(double *copy_ms, double *make_ms, int repeats)
{
    enum { FINE = AX_DRIFT_REFERENCE, COARSE = 4032, STEP = 20 };
    const struct ax_drift_spec spec = {.reference_n = 0};
    const size_t each = FINE + COARSE;
    float *v = malloc((size_t)FEATURES * AX_DRIFT_POOL_MAX * each * sizeof *v);
    struct ax_arena scratch;
    struct ax_buf bytes;
    struct ax_rng rng;
    check(v ? AX_OK : ax_fail(&diag, AX_NOMEM, "out of memory"));
    ax_rng_seed(&rng, 1);
    for (size_t i = 0; i < FEATURES * AX_DRIFT_POOL_MAX * each; i++)
        v[i] = (float)ax_rng_normal(&rng);
    ax_arena_init(&scratch, SIZE_MAX);
    ax_buf_init(&bytes, 2u << 20);
    for (int k = 0; k < repeats; k++) {
        int64_t start_ns = ax_thread_cpu_ns();
        struct ax_drift_pasts *pasts = ax_drift_pasts_new(&spec);
        check(pasts ? AX_OK : ax_fail(&diag, AX_NOMEM, "out of memory"));
        for (uint32_t f = 0; f < FEATURES; f++) {
            struct ax_drift_pool pool = {.n = AX_DRIFT_POOL_MAX};
            for (uint32_t i = 0; i < AX_DRIFT_POOL_MAX; i++) {
                const float *at = v + ((size_t)f * AX_DRIFT_POOL_MAX + i) * each;
                pool.members[i] = (struct ax_drift_member){i, at, FINE, at + FINE, COARSE};
            }
            check(ax_drift_pasts_add(pasts, ax_str("feature"), &pool, STEP, UINT64_MAX));
        }
        copy_ms[k] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
        start_ns = ax_thread_cpu_ns();
        ax_buf_reset(&bytes);
        for (uint32_t f = 0; f < FEATURES; f++)
            check(ax_drift_pasts_make(pasts, f, &scratch, &bytes));
        make_ms[k] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
        ax_drift_pasts_free(pasts);
    }
    ax_buf_done(&bytes);
    ax_arena_done(&scratch);
    free(v);
}

/* The newest verdict on times of an entity: each 50th point began an incident of 5. */
static struct ax_said *said;

static const struct ax_said *said_of(void *ctx, uint64_t entity, bool *known)
{
    (void)ctx;
    (void)entity;
    *known = true;
    return said;
}

/* Two ensembles at all the scores that a trial keeps: CPU time in ms. */
static void compare_by_labels(double *ms, int repeats)
{
    enum { ENTITIES = 40 };
    const struct ax_entity_labels labels = {.said = said_of, .point_ms = 1, .seed = 1};
    struct ax_entity_trial t = {.v = NULL};
    struct ax_comparison c;
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    check(ax_entity_trial_begin(&t, "a", "b", ENTITIES, AX_ENTITY_TRIAL_SCORES / ENTITIES));
    for (uint32_t i = 0; i < AX_ENTITY_TRIAL_SCORES; i++) {
        const bool incident = i / ENTITIES % 50 < 5;
        ax_entity_trial_add(&t, &(struct ax_entity_score){i % ENTITIES, i / ENTITIES,
                                                          (float)ax_rng_double(&rng) + 0.5F * incident,
                                                          (float)ax_rng_double(&rng) + incident});
    }
    for (uint32_t i = 0; i < AX_ENTITY_TRIAL_SCORES / ENTITIES; i += 50)
        check(
            ax_said_add(&said, &(struct ax_lesson_range){
                                   .id = i + 1, .verdict = AX_LESSON_MISSED, .from_ms = i, .to_ms = i + 4}));
    for (int k = 0; k < repeats; k++) {
        const int64_t start_ns = ax_thread_cpu_ns();
        check(ax_entity_trial_compare(&t, &labels, false, &c));
        ms[k] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
        if (!(c.p_value < 0.01 && c.low > 0))
            exit(1);
    }
    ax_said_free(said);
    ax_entity_trial_end(&t);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        double budget;
    } reads[] = {{"compare two of 1,000", 200}, {"list 1,000", 200}, {"card of one of 1,000", 200}};
    static double ms[VERSIONS];
    struct ax_registry *r = NULL;
    struct ax_model_ref ref;
    if (argc != 2)
        return 2;
    const struct ax_registry_options options = {.dir = argv[1], .clock = ax_clock_wall()};
    char *artifact = calloc(1, ARTIFACT_BYTES);
    check(artifact ? ax_registry_open(&options, &r, &diag) : ax_fail(&diag, AX_NOMEM, "out of memory"));
    (void)printf("%-28s %10s %10s %8s\n", "what", "median ms", "worst ms", "budget");
    drift(ms, REPEATS / 5);
    print("drift, 10,000 x 50 (CPU)", ms, REPEATS / 5, 50);
    drift_from_model(ms + REPEATS, ms, REPEATS / 5);
    print("the same from a model's", ms, REPEATS / 5, 50);
    print("making these 50", ms + REPEATS, REPEATS / 5, 50);
    take_along(ms, ms + REPEATS, REPEATS / 5);
    print("copies of 50 x 64 for a fit", ms, REPEATS / 5, 50);
    print("their sketches, in the fit", ms + REPEATS, REPEATS / 5, 1000);
    compare_by_labels(ms, REPEATS / 5);
    print("two ensembles by labels (CPU)", ms, REPEATS / 5, 500);
    for (uint32_t i = 0; i < VERSIONS; i++) {
        const int64_t start_ns = ax_mono_ns();
        add(r, i, artifact);
        ms[i] = since_ms(start_ns);
    }
    print("register, 1 MiB", ms, VERSIONS, 50);
    for (int what = 0; what < 3; what++) {
        for (int i = 0; i < REPEATS; i++) {
            const int64_t start_ns = ax_mono_ns();
            read_once(r, what);
            ms[i] = since_ms(start_ns);
        }
        print(reads[what].what, ms, REPEATS, reads[what].budget);
    }
    for (int i = 0; i < 15; i++) {
        char version[16];
        (void)snprintf(version, sizeof version, "1.0.%d", VERSIONS - 16 + i);
        const int64_t start_ns = ax_mono_ns();
        check(ax_registry_move(r, ax_str("bandwidth/lstm"), ax_str(version), AX_STAGE_PRODUCTION, &by, &ref,
                               &diag));
        ms[i] = since_ms(start_ns);
    }
    print("promote", ms, 15, 50);
    const int64_t start_ns = ax_mono_ns();
    check(ax_registry_rollback(r, ax_str("bandwidth/lstm"), &by, &ref, &diag));
    ms[0] = since_ms(start_ns);
    print("roll back", ms, 1, 50);
    ax_registry_close(r);
    free(artifact);
    return 0;
}
