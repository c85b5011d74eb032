/* regex.h: a regular expression as Prometheus's relabelling reads it: anchored, with groups to expand.
 *
 * PCRE2 in a form close to RE2: UTF-8, anchored at both ends, dot matches newline; what RE2 refuses
 * (back-references, look-around, recursion, atomic groups, possessive quantifiers) is refused here too,
 * and the work of a match is bounded. Immutable after compile: any thread may match. */
#ifndef AX_CONFIG_REGEX_H
#define AX_CONFIG_REGEX_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct ax_regex;

/* The last match of one thread and the memory it needs; zero-initialise, end with ax_regex_match_done(). */
struct ax_regex_match {
    void *data, *context;
    struct ax_str subject;
};

/* Compile into the arena, which frees it. AX_INVALID with a text; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_regex_compile(struct ax_str pattern, struct ax_arena *arena,
                                         const struct ax_regex **out, struct ax_diag *diag);

/* Does the whole subject match? subject must outlive the use of m by ax_regex_expand(). AX_NOMEM; AX_LIMIT
 * when the match took more work than allowed, or the subject is no UTF-8. */
AX_MUST_USE enum ax_err ax_regex_match(const struct ax_regex *re, struct ax_str subject,
                                       struct ax_regex_match *m, bool *out_matched);

/* Append the template with its references replaced by the groups of the match in m (Go's
 * Regexp.Expand: the longest name counts, so `$1x` is the group named "1x"; an unknown group is empty). */
void ax_regex_expand(const struct ax_regex *re, const struct ax_regex_match *m, struct ax_str template_text,
                     struct ax_buf *out);

/* Free the memory of a match; it may be used again. */
void ax_regex_match_done(struct ax_regex_match *m);

#endif
