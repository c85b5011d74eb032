/* lock.h: one writer for a storage folder. */
#ifndef AX_STORE_LOCK_H
#define AX_STORE_LOCK_H

#include "base/err.h"

/* Make the folder (0700, one level) if it is not there, and take its lock, which ends with the process or
 * with ax_storage_unlock(). AX_BUSY with a text when another process has it; AX_IO with a text when the
 * folder cannot be made or written (AX_NOMEM when for want of memory). On AX_OK *out_fd is to be unlocked. */
AX_MUST_USE enum ax_err ax_storage_lock(const char *path, int *out_fd, struct ax_diag *diag);

/* Give the lock back. */
void ax_storage_unlock(int fd);

#endif
