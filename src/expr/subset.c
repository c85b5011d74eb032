/* subset.c: the words of PromQL: those of the subset, and those outside it, which get their own error. */
#include "expr/parser.h"

#include <stdio.h>
#include <strings.h>

static const struct ax_function_info functions[AX_FN_N] = {
#define AX_FUNCTION(id, name, kind, before, after) [AX_FN_##id] = {name, AX_FN_KIND_##kind, before, after},
#include "expr/functions.def"
#undef AX_FUNCTION
};

const struct ax_function_info *ax_function_info(enum ax_function f)
{
    return &functions[f];
}

static const char *const aggregations[] = {"sum", "avg", "min", "max", "count", "stddev", "quantile"};

static bool same_word(struct ax_str word, const char *z)
{
    return word.n == strlen(z) && strncasecmp(word.p, z, word.n) == 0;
}

bool ax_aggregation_of(struct ax_str name, enum ax_aggregation *out)
{
    for (size_t i = 0; i < sizeof aggregations / sizeof aggregations[0]; i++) {
        if (same_word(name, aggregations[i])) {
            *out = (enum ax_aggregation)i;
            return true;
        }
    }
    return false;
}

bool ax_parser_at_word(const struct ax_parser *p, const char *word)
{
    return p->next.kind == AX_TOKEN_IDENT && same_word(p->next.text, word);
}

const char *ax_promql_word(struct ax_str word)
{
    static const char *const outside_aggregations[] = {"topk",  "bottomk", "count_values", "stdvar",
                                                       "group", "limitk",  "limit_ratio"};
    static const char *const outside_functions[] = {"absent",
                                                    "absent_over_time",
                                                    "acos",
                                                    "acosh",
                                                    "asin",
                                                    "asinh",
                                                    "atan",
                                                    "atanh",
                                                    "changes",
                                                    "cos",
                                                    "cosh",
                                                    "day_of_month",
                                                    "day_of_week",
                                                    "day_of_year",
                                                    "days_in_month",
                                                    "deg",
                                                    "double_exponential_smoothing",
                                                    "first_over_time",
                                                    "histogram_fraction",
                                                    "histogram_quantiles",
                                                    "histogram_stddev",
                                                    "histogram_stdvar",
                                                    "holt_winters",
                                                    "hour",
                                                    "idelta",
                                                    "info",
                                                    "label_join",
                                                    "label_replace",
                                                    "mad_over_time",
                                                    "minute",
                                                    "month",
                                                    "pi",
                                                    "predict_linear",
                                                    "present_over_time",
                                                    "rad",
                                                    "round",
                                                    "scalar",
                                                    "sgn",
                                                    "sin",
                                                    "sinh",
                                                    "sort",
                                                    "sort_by_label",
                                                    "sort_by_label_desc",
                                                    "sort_desc",
                                                    "stdvar_over_time",
                                                    "tan",
                                                    "tanh",
                                                    "time",
                                                    "timestamp",
                                                    "ts_of_first_over_time",
                                                    "ts_of_last_over_time",
                                                    "ts_of_max_over_time",
                                                    "ts_of_min_over_time",
                                                    "vector",
                                                    "year"};
    for (size_t i = 0; i < sizeof outside_aggregations / sizeof outside_aggregations[0]; i++) {
        if (same_word(word, outside_aggregations[i]))
            return "aggregation";
    }
    for (size_t i = 0; i < sizeof outside_functions / sizeof outside_functions[0]; i++) {
        if (ax_str_eq(word, ax_str(outside_functions[i])))
            return "function";
    }
    return NULL;
}

enum ax_err ax_parser_outside(const struct ax_parser *p, size_t at, const char *what)
{
    return ax_lexer_fail(
        &p->lx, at, p->diag,
        "%s: PromQL has this, jobs have not; let a recording rule of Prometheus compute it and "
        "use the series it records",
        what);
}

enum ax_err ax_parser_unknown_function(const struct ax_parser *p, const struct ax_token *name)
{
    char what[128];
    const char *kind = ax_promql_word(name->text);
    if (kind) {
        snprintf(what, sizeof what, "the %s " AX_STR_FMT, kind, AX_STR_ARG(name->text));
        return ax_parser_outside(p, name->at, what);
    }
    const char *names[AX_FN_N + sizeof aggregations / sizeof aggregations[0]];
    size_t n = 0;
    for (size_t i = 0; i < AX_FN_N; i++)
        names[n++] = functions[i].name;
    for (size_t i = 0; i < sizeof aggregations / sizeof aggregations[0]; i++)
        names[n++] = aggregations[i];
    const char *nearest = ax_str_nearest(name->text, names, n);
    return ax_lexer_fail(&p->lx, name->at, p->diag, "there is no function '%.*s'%s%s%s",
                         (int)(name->text.n < 64 ? name->text.n : 64), name->text.p,
                         nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}
