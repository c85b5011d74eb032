/* unread.h: records of the log that are whole and make no sense: written by another version, or wrongly. */
#ifndef AX_STORE_UNREAD_H
#define AX_STORE_UNREAD_H

#include "store/records.h"

/* Log and count that a record was passed over. */
void ax_wal_unread(enum ax_wal_record type);

#endif
