/* scratch.h: a folder for one test, and the bytes of the files in it. */
#ifndef AX_TEST_SCRATCH_H
#define AX_TEST_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#define SCRATCH_PATH 256

/* Make an empty folder; path is that of `name` in it (not made), or of the folder itself when name is NULL.
 */
void scratch_make(char path[SCRATCH_PATH], const char *name);

/* Remove a file or a folder with all that is in it; and, for what scratch_make() named, the folder above. */
void scratch_remove(const char *path);

/* For tests that have one folder each, as cmocka's setup and teardown: scratch_folder is made, and removed.
 */
extern char scratch_folder[SCRATCH_PATH];
int scratch_begin(void **state);
int scratch_end(void **state);

/* Remove what is in a folder. */
void scratch_empty(const char *path);

/* Path of a file in a folder. */
void scratch_in(char path[SCRATCH_PATH], const char *folder, const char *name);

/* All bytes of a file, which must be there; freed by the caller (one more than *n, a zero). */
uint8_t *scratch_read(const char *path, size_t *n);

/* Make or replace a file. */
void scratch_write(const char *path, const void *p, size_t n);

/* Copy the files of a folder into another, which is made when absent and emptied when not. */
void scratch_copy(const char *from, const char *to);

/* How many files of a folder have names that end like this. */
size_t scratch_count(const char *folder, const char *suffix);

/* Name (in a buffer of SCRATCH_PATH) of the i-th file of a folder, by name, from 0, among those whose names
 * end like this; it must be there. */
void scratch_name(char name[SCRATCH_PATH], const char *folder, const char *suffix, size_t i);

#endif
