/* re2.h: libre2, which is C++, as much of it as prom/regex.h needs; read by both languages.
 *
 * No exception leaves it: memory that there is none of is told. A compiled pattern may be used by any thread.
 */
#ifndef AX_PROM_RE2_H
#define AX_PROM_RE2_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
/* C calls what C++ defines. */
extern "C" {
#endif

/* How a call ended; INVALID: the pattern is none; LARGE: it needs more memory than it may take. */
enum ax_re2_end { AX_RE2_NO, AX_RE2_YES, AX_RE2_INVALID, AX_RE2_LARGE, AX_RE2_NOMEM };

/* A compiled pattern. */
struct ax_re2;

/* A group of a match, within the subject; p NULL: it has no part in it. */
struct ax_re2_group {
    const char *p;
    size_t n;
};

/* Compile: UTF-8, dot matches newline. Half of memory_max bounds the program, the rest is for states of the
 * automaton that it is run by. YES, with *out; INVALID with a text; LARGE; NOMEM. */
enum ax_re2_end ax_re2_new(const char *pattern, size_t n, int64_t memory_max, struct ax_re2 **out, char *text,
                           size_t text_cap);

/* Free; NULL is fine. */
void ax_re2_free(struct ax_re2 *re);

/* Groups, the whole match (0) not counted. */
uint32_t ax_re2_groups(const struct ax_re2 *re);

/* Size of the program: a match takes at most so many steps for each byte, of 1 to 20 ns (the most where the
 * states of the automaton do not fit). */
uint32_t ax_re2_size(const struct ax_re2 *re);

/* Does the whole subject match? YES, with the first groups_n groups (0: none is asked for, which is faster);
 * NO, NOMEM. */
enum ax_re2_end ax_re2_match(const struct ax_re2 *re, const char *subject, size_t n,
                             struct ax_re2_group *groups, uint32_t groups_n);

/* Number of the group of that name; UINT32_MAX when there is none, or no memory to look for it. */
uint32_t ax_re2_group_named(const struct ax_re2 *re, const char *name, size_t n);

#ifdef __cplusplus
}
#endif

#endif
