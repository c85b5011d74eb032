/* assert.h: invariants that hold whatever the outside world does; checked in release builds too. */
#ifndef AX_BASE_ASSERT_H
#define AX_BASE_ASSERT_H

/* Print the broken invariant with its place and abort; never returns. */
_Noreturn void ax_assert_failed(const char *text, const char *file, int line);

/* Stop the process when a programmer's assumption is broken. Never for input from outside. */
#define AX_ASSERT(cond) ((cond) ? (void)0 : ax_assert_failed(#cond, __FILE__, __LINE__))

#endif
