/* number.h: arithmetic and the functions of one number, with Prometheus's (Go's) treatment of NaN and Inf. */
#ifndef AX_EXPR_NUMBER_H
#define AX_EXPR_NUMBER_H

#include "expr/ast.h"

/* a op b. */
double ax_operate(enum ax_operator op, double a, double b);

/* A MATH function of v; param are the numbers after the vector. */
double ax_math_apply(enum ax_function f, double v, const double param[2]);

#endif
