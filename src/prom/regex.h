/* regex.h: regular expressions as Prometheus reads them: RE2's syntax, anchored at both ends, dot matches
 * newline, UTF-8.
 *
 * It is RE2 itself, so that no pattern makes a match run away: its time is at most the size of the compiled
 * pattern, which is bounded, for each byte of the subject. What Go refuses is refused: back-references,
 * look-around, \C; but for names of groups that stand twice, or have letters beyond ASCII, which are taken
 * here. Groups may be called as in (?P<name>) and (?<name>). Immutable after compile: any thread may match.
 */
#ifndef AX_PROM_REGEX_H
#define AX_PROM_REGEX_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "prom/re2.h"

#define AX_REGEX_BYTES_MAX 65536u /* of a pattern */

/* What compiled ones take in memory, as far as it is counted: 16 bytes for each instruction and some KiB for
 * each expression and each class of Unicode, or an eighth of what matching may make of it by the states that
 * it remembers, whichever is more. So no more than 8 times of what was counted is ever taken: 32 KiB by one
 * of up to 64 instructions, 512 KiB by one of up to 1,024, else AX_REGEX_MEMORY_MAX. Compiling takes some 10
 * ms for each MiB. */
#define AX_REGEX_COUNTED 8
#define AX_REGEX_MEMORY_MAX ((uint64_t)2 << 20) /* of one expression: 2,000 host names take half of it */

/* A compiled one. */
struct ax_regex;

/* Compile. *memory is how much it may take, and is lowered by what it took; NULL: AX_REGEX_MEMORY_MAX,
 * which is the most anyway. One that needs more is given up at a cost that grows with what there was.
 * AX_INVALID with a text; AX_NOMEM. Free with ax_regex_free(). */
AX_MUST_USE enum ax_err ax_regex_new(struct ax_str pattern, uint64_t *memory, struct ax_regex **out,
                                     struct ax_diag *diag);

/* The same, freed with the arena. */
AX_MUST_USE enum ax_err ax_regex_in_arena(struct ax_str pattern, struct ax_arena *arena,
                                          const struct ax_regex **out, struct ax_diag *diag);

/* Free; NULL is fine. */
void ax_regex_free(struct ax_regex *re);

/* Groups, the whole match (0) not counted. */
uint32_t ax_regex_groups(const struct ax_regex *re);

/* The most steps, of 1 to 20 ns, that a match of n bytes takes. */
uint64_t ax_regex_steps(const struct ax_regex *re, size_t n);

/* Does the whole subject match? groups: room for ax_regex_groups() + 1 of them, which point into the subject;
 * NULL when nobody asks for them, which is faster. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_regex_match(const struct ax_regex *re, struct ax_str subject,
                                       struct ax_re2_group *groups, bool *out_matched);

/* Append the template with its references replaced by the groups of a match (Go's Regexp.Expand: the longest
 * name counts, so `$1x` is the group named "1x"; an unknown group is empty). */
void ax_regex_expand(const struct ax_regex *re, const struct ax_re2_group *groups,
                     struct ax_str template_text, struct ax_buf *out);

#endif
