/* search_file.h: a search (train/search.h) in a file, to go on from after an interruption. */
#ifndef AX_TRAIN_SEARCH_FILE_H
#define AX_TRAIN_SEARCH_FILE_H

#include "train/search.h"

/* Read <dir>/<name> into a search without trials. AX_NOTFOUND; as ax_search_load() and ax_whole_file_read();
 * then it has none. */
AX_MUST_USE enum ax_err ax_search_file_read(const char *dir, const char *name, struct ax_search *s,
                                            struct ax_diag *diag);

/* Write it; a reader sees the old file or the new one. As ax_whole_file_write(). */
AX_MUST_USE enum ax_err ax_search_file_write(const char *dir, const char *name, const struct ax_search *s,
                                             struct ax_diag *diag);

/* Remove all files of searches in a folder (*.search) that were written before a time, ms since the epoch. */
void ax_search_files_sweep(const char *dir, int64_t before_ms);

/* Remove the file, if there is one. */
void ax_search_file_remove(const char *dir, const char *name);

#endif
