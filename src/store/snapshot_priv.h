/* snapshot_priv.h: the format of a snapshot, for its writer and its reader. */
#ifndef AX_STORE_SNAPSHOT_PRIV_H
#define AX_STORE_SNAPSHOT_PRIV_H

#include "base/assert.h"
#include "store/folder.h"
#include "store/frame.h"
#include "store/snapshot.h"

#define AX_SNAPSHOT_SUFFIX ".snap"
#define AX_SNAPSHOT_TEMPORARY ".snap.tmp"
#define AX_SNAPSHOT_MAGIC "AuspexSN"
#define AX_SNAPSHOT_VERSION 1u
#define AX_SNAPSHOT_END 0 /* type of the last section; its body is the number of those before (u32) */

#endif
