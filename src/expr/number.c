/* number.c: the C library does what Go does, but for min and max of NaN. */
#include "expr/number.h"

#include <math.h>

double ax_operate(enum ax_operator op, double a, double b)
{
    switch (op) {
    case AX_OP_ADD:
        return a + b;
    case AX_OP_SUB:
        return a - b;
    case AX_OP_MUL:
        return a * b;
    case AX_OP_DIV:
        return a / b;
    case AX_OP_MOD:
        return fmod(a, b);
    case AX_OP_POW:
        return pow(a, b);
    }
    return NAN;
}

/* An infinity on the winning side wins, then NaN, then the larger. */
static double larger(double a, double b)
{
    if ((isinf(a) && a > 0) || (isinf(b) && b > 0))
        return INFINITY;
    if (isnan(a) || isnan(b))
        return NAN;
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return -larger(-a, -b);
}

double ax_math_apply(enum ax_function f, double v, const double param[2])
{
    switch (f) {
    case AX_FN_ABS:
        return fabs(v);
    case AX_FN_CEIL:
        return ceil(v);
    case AX_FN_FLOOR:
        return floor(v);
    case AX_FN_LN:
        return log(v);
    case AX_FN_LOG2:
        return log2(v);
    case AX_FN_LOG10:
        return log10(v);
    case AX_FN_EXP:
        return exp(v);
    case AX_FN_SQRT:
        return sqrt(v);
    case AX_FN_CLAMP:
        return larger(param[0], smaller(param[1], v));
    case AX_FN_CLAMP_MIN:
        return larger(param[0], v);
    case AX_FN_CLAMP_MAX:
        return smaller(param[0], v);
    default:
        return NAN;
    }
}
