/* failing_sqlite.h: calls of SQLite's memory, or its writes of pages (full disk), that fail by number. For
 * tests of one thread. Give failing_sqlite_setup() as the setup of the group. */
#ifndef FAILING_SQLITE_H
#define FAILING_SQLITE_H

#include <stdbool.h>
#include <stdint.h>

/* What fails. */
enum failing_sqlite { FAILING_SQLITE_MEMORY, FAILING_SQLITE_WRITES };

/* Stand between SQLite and its memory; before anything else calls it. 0 when that is done. */
int failing_sqlite_setup(void **state);

/* Stand between SQLite and its writes, or no more. */
void failing_sqlite_writes(bool on);

/* Let the nth call of the kind from now on fail. */
void failing_sqlite_begin(enum failing_sqlite what, uint32_t nth);

/* Let no more fail. Did one? */
bool failing_sqlite_end(void);

#endif
