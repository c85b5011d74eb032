/* matcher.h: label matchers = != =~ !~, anchored, as in a PromQL selector.
 *
 * An absent label matches as the empty value. Regular expressions are those of prom/regex.h: a match takes
 * time that grows with the value, whatever the pattern. Immutable after compile; any thread may match. */
#ifndef AX_PROM_MATCHER_H
#define AX_PROM_MATCHER_H

#include "prom/labels.h"

/* = != =~ !~ */
enum ax_match_op { AX_MATCH_EQ, AX_MATCH_NE, AX_MATCH_RE, AX_MATCH_NRE };

struct ax_matcher;

/* Compile one matcher (bytes are copied). AX_INVALID with a text; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_matcher_new(enum ax_match_op op, struct ax_str name, struct ax_str value,
                                       struct ax_matcher **out, struct ax_diag *diag);

/* The same within so much memory for its regular expression, which is lowered by what that took
 * (prom/regex.h). AX_INVALID also where it is not enough. */
AX_MUST_USE enum ax_err ax_matcher_new_within(enum ax_match_op op, struct ax_str name, struct ax_str value,
                                              uint64_t *memory, struct ax_matcher **out,
                                              struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_matcher_free(struct ax_matcher *m);

/* Does the label set satisfy the matcher? */
bool ax_matcher_match(const struct ax_matcher *m, const struct ax_labels *ls);

/* The most steps, of 1 to 20 ns, that this takes: 0 but for a regular expression. */
uint64_t ax_matcher_steps(const struct ax_matcher *m, const struct ax_labels *ls);

/* Does the matcher accept the empty value? (A selector needs one that does not.) */
bool ax_matcher_matches_empty(const struct ax_matcher *m);

/* The operator that it was compiled from. */
enum ax_match_op ax_matcher_op(const struct ax_matcher *m);

/* The label name; lives as long as the matcher. */
struct ax_str ax_matcher_name(const struct ax_matcher *m);

/* The value or expression as written; lives as long as the matcher. */
struct ax_str ax_matcher_value(const struct ax_matcher *m);

#endif
