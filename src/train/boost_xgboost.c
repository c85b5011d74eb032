/* boost_xgboost.c: from rows to trees. */
#include "train/boost.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <xgboost/c_api.h>

#define COLUMNS "0.7"    /* of the features, likewise */
#define LEAF_WEIGHT "20" /* rows of a leaf at least */

/* What a fit holds. */
struct fit {
    DMatrixHandle rows, judged;
    BoosterHandle booster;
};

static enum ax_err failed(struct ax_diag *diag)
{
    return ax_fail(diag, AX_NUMERIC, "XGBoost: %s", XGBGetLastError());
}

static int set_params(const struct fit *f, const struct ax_boost_spec *spec)
{
    char depth[16], seed[24];
    (void)snprintf(depth, sizeof depth, "%" PRIu32, spec->depth);
    (void)snprintf(seed, sizeof seed, "%" PRIu64, spec->seed % INT32_MAX);
    const char *const params[][2] = {{"booster", "gbtree"},
                                     {"tree_method", "hist"},
                                     {"objective", "reg:absoluteerror"},
                                     {"base_score", "0"},
                                     {"nthread", "1"},
                                     {"eta", AX_BOOST_RATE},
                                     {"subsample", AX_BOOST_SUBSAMPLE},
                                     {"colsample_bytree", COLUMNS},
                                     {"min_child_weight", LEAF_WEIGHT},
                                     {"max_bin", "64"},
                                     {"max_depth", depth},
                                     {"seed", seed},
                                     {"verbosity", "0"},
                                     {"validate_parameters", "1"}};
    int bad = 0;
    for (size_t i = 0; i < sizeof params / sizeof *params && !bad; i++)
        bad = XGBoosterSetParam(f->booster, params[i][0], params[i][1]);
    return bad;
}

/* What the trees so far say of the judged rows; XGBoost's until the next call. */
static int ask(const struct fit *f, const float **said)
{
    static const char *const how = "{\"type\": 1, \"training\": false, \"iteration_begin\": 0, "
                                   "\"iteration_end\": 0, \"strict_shape\": false}";
    const bst_ulong *shape;
    bst_ulong dim;
    *said = NULL;
    return f->judged ? XGBoosterPredictFromDMatrix(f->booster, f->judged, how, &shape, &dim, said) : 0;
}

static enum ax_err take(const struct fit *f, uint32_t features, struct ax_forest *out, struct ax_diag *diag)
{
    bst_ulong n;
    const char **dumps;
    if (XGBoosterDumpModel(f->booster, "", 0, &n, &dumps))
        return failed(diag);
    enum ax_err err = AX_OK;
    for (bst_ulong i = 0; i < n && err == AX_OK; i++)
        err = ax_forest_add(out, ax_str(dumps[i]), features, diag);
    return err;
}

static enum ax_err run(struct fit *f, const struct ax_boost_spec *spec, struct ax_diag *diag)
{
    const float *said;
    bool more = true;
    if (XGDMatrixCreateFromMat(spec->x, spec->n, spec->features, NAN, &f->rows) ||
        XGDMatrixSetFloatInfo(f->rows, "label", spec->y, spec->n) ||
        (spec->judged_n &&
         XGDMatrixCreateFromMat(spec->judged, spec->judged_n, spec->features, NAN, &f->judged)) ||
        XGBoosterCreate(&f->rows, 1, &f->booster) || set_params(f, spec))
        return failed(diag);
    for (uint32_t i = 0; i < spec->rounds && more; i++) {
        if (XGBoosterUpdateOneIter(f->booster, (int)i, f->rows) || ask(f, &said))
            return failed(diag);
        more = spec->round(spec->ctx, i, said);
    }
    return AX_OK;
}

enum ax_err ax_boost(const struct ax_boost_spec *spec, struct ax_forest *out, struct ax_diag *diag)
{
    struct fit f = {NULL, NULL, NULL};
    enum ax_err err = run(&f, spec, diag);
    if (err == AX_OK && out)
        err = take(&f, spec->features, out, diag);
    if (f.booster)
        (void)XGBoosterFree(f.booster);
    if (f.rows)
        (void)XGDMatrixFree(f.rows);
    if (f.judged)
        (void)XGDMatrixFree(f.judged);
    return err;
}
