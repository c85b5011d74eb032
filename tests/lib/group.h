/* group.h: what groups of tests are set up with, and give back. */
#ifndef AX_TEST_GROUP_H
#define AX_TEST_GROUP_H

#include "base/arena.h"

/* Set up a group that multiplies matrices: on the thread of whoever calls, as in service. */
int group_with_blas(void **state);

/* Scratch of 16 MiB, and how the group that uses it gives it back. */
extern struct ax_arena group_arena;
int group_end_arena(void **state);

#endif
