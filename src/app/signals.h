/* signals.h: what is asked of the process by SIGHUP, SIGTERM and SIGINT.
 *
 * A signal goes to any thread that does not block it, and libraries start threads before main() that block
 * none (OpenBLAS does): whichever takes it remembers it, and wakes who waits. One thread asks. */
#ifndef AX_APP_SIGNALS_H
#define AX_APP_SIGNALS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Remember signals from now on, none so far; threads that are started from here on are not disturbed. SIGPIPE
 * and SIGXFSZ become errors of the calls that meet them. */
void ax_signals_begin(void);

/* Set by a signal that asks for the end a second and more after the first one: what can be left undone is
 * left. (Supervisors send it twice at once: to the process and to its group.) */
const atomic_bool *ax_signals_hurry(void);

/* Take signals on the calling thread from here on, also while nobody waits for one. */
void ax_signals_end(void);

/* Wait until something is asked, or so long. Returns the signal that asks for the end, which it does for
 * good, or 0; *reload tells whether a reload was asked for since the last call. */
int ax_signals_wait(int64_t ns, bool *reload);

#endif
