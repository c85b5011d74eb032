/* labels.c: values as codes, rare ones put together. */
#include "drift/labels.h"

#include "base/hash.h"
#include "drift/bins.h"
#include "drift/sort.h"

#include <math.h>
#include <string.h>

#define SEED 0x6c6162656cULL
#define REST 0.0     /* the code of values that are put together; others are above it */
#define RARE 100     /* a value of fewer than one in so many series is put together with others */
#define COUNT_MIN 10 /* and so is one of fewer series then and now */

double ax_drift_label_code(struct ax_str value)
{
    return (double)(ax_hash64(value.p, value.n, SEED) >> 12) + 1;
}

/* The end of the run of equal codes that begins at i. */
static uint32_t run_of(const double *codes, uint32_t n, uint32_t i)
{
    uint32_t end = i + 1;
    while (end < n && codes[end] <= codes[i])
        end++;
    return end;
}

static void put_together(double *codes, uint32_t from, uint32_t until)
{
    for (uint32_t i = from; i < until; i++)
        codes[i] = REST;
}

enum ax_err ax_drift_labels_make(double *codes, uint32_t n, struct ax_arena *scratch,
                                 struct ax_drift_reference *out)
{
    void *room = ax_arena_array(scratch, n, AX_DRIFT_SORT_ROOM);
    memset(out, 0, sizeof *out);
    n = n < AX_DRIFT_STEPS_MAX ? n : AX_DRIFT_STEPS_MAX;
    if (n < AX_DRIFT_LABEL_SERIES_MIN)
        return AX_NOTREADY;
    ax_drift_sort(codes, n, room);
    for (uint32_t i = 0, end; i < n; i = end) {
        end = run_of(codes, n, i);
        if ((uint64_t)(end - i) * RARE < n)
            put_together(codes, i, end);
    }
    ax_drift_sort(codes, n, room);
    ax_drift_sketch_make(codes, n, &out->sketch);
    out->seen[0] = (struct ax_drift_seen){.n = n, .scale = 1};
    out->seen_n = out->steps = out->current = 1;
    out->effective = n;
    return AX_OK;
}

/* Codes that the reference has not are put together. Both ascend; the codes need not any more. */
static void join_new(const double *ref, uint32_t n, double *codes, uint32_t m)
{
    uint32_t at = 0;
    for (uint32_t i = 0, end; i < m; i = end) {
        end = run_of(codes, m, i);
        while (at < n && ref[at] < codes[i])
            at++;
        if (at == n || ref[at] > codes[i])
            put_together(codes, i, end);
    }
}

/* Codes of few series then and now are put together. Both ascend, and need not any more. */
static void join_few(double *ref, uint32_t n, double *cur, uint32_t m)
{
    for (uint32_t i = 0, j = 0; i < n || j < m;) {
        const double code = i < n && (j == m || ref[i] <= cur[j]) ? ref[i] : cur[j];
        const uint32_t i_end = i < n && ref[i] <= code ? run_of(ref, n, i) : i,
                       j_end = j < m && cur[j] <= code ? run_of(cur, m, j) : j;
        if (i_end - i + j_end - j < COUNT_MIN) {
            put_together(ref, i, i_end);
            put_together(cur, j, j_end);
        }
        i = i_end;
        j = j_end;
    }
}

enum ax_err ax_drift_labels_test(const struct ax_drift_reference *r, double *codes, uint32_t n,
                                 struct ax_arena *scratch, struct ax_drift_result *out)
{
    *out = (struct ax_drift_result){.p_value = 1, .labels = true};
    for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++)
        out->score[test] = NAN;
    if (n < AX_DRIFT_LABEL_SERIES_MIN || r->sketch.n < AX_DRIFT_LABEL_SERIES_MIN)
        return AX_OK;
    double *ref = ax_arena_array(scratch, r->sketch.n, sizeof *ref);
    if (!ref)
        return AX_NOMEM;
    void *room =
        ax_arena_array(scratch, n > r->sketch.n ? n : r->sketch.n, AX_DRIFT_SORT_ROOM); /* NULL: slower */
    ax_drift_sketch_expand(&r->sketch, ref);
    ax_drift_sort(codes, n, room);
    join_new(ref, r->sketch.n, codes, n);
    ax_drift_sort(codes, n, room);
    join_few(ref, r->sketch.n, codes, n);
    ax_drift_sort(codes, n, room);
    ax_drift_sort(ref, r->sketch.n, room);
    const struct ax_drift_chi chi = ax_drift_chi_square(ref, r->sketch.n, codes, n, 1);
    out->ready = chi.df > 0;
    out->score[AX_DRIFT_CHI_SQUARE] = chi.v;
    out->p_value = chi.p_value;
    return AX_OK;
}
