/* confine.h: what the process asks of the kernel for itself before it begins. */
#ifndef AX_APP_CONFINE_H
#define AX_APP_CONFINE_H

#include <stdbool.h>
#include <stdint.h>

/* Unless cores are allowed: no core is dumped, and no other process of the same user can read this one's
 * memory, which holds passwords and keys. In any case programs that it runs could gain no privilege, and
 * files that it makes are for its user alone. */
void ax_confine(bool allow_core_dumps);

/* Let the process open so many files, where the hard limit allows; logs a warning where it does not. */
void ax_allow_files(uint64_t files);

#endif
