/* boost_none.c: a build without XGBoost. */
#include "train/boost.h"

enum ax_err ax_boost(const struct ax_boost_spec *spec, struct ax_forest *out, struct ax_diag *diag)
{
    (void)spec;
    (void)out;
    return ax_fail(diag, AX_UNSUPPORTED, "this build has no XGBoost: install libxgboost-dev and build again");
}
