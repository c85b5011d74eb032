/* memory.h: what the process has in use, against a ceiling.
 *
 * Counted is resident memory without pages of files, which the kernel takes back by itself. Near the ceiling
 * nothing new is to be begun, at it nothing more to be taken in; both end a little below where they began, so
 * that the state does not flutter. One ceiling for each process. */
#ifndef AX_BASE_MEMORY_H
#define AX_BASE_MEMORY_H

#include <stdint.h>

/* FREE; TIGHT from 80 % of the ceiling until it is below 75 %; FULL from 100 % until it is below 95 %. What
 * is between the two is for what series that were taken bring with them at their first step. */
enum ax_memory_state { AX_MEMORY_FREE, AX_MEMORY_TIGHT, AX_MEMORY_FULL };

/* What this process can have at most: the machine's memory, or less where a control group says so. */
uint64_t ax_memory_available(void);

/* Resident memory; 0 when the kernel does not tell. private_bytes, if not NULL, gets the part of it that is
 * no page of a file. */
uint64_t ax_memory_resident(uint64_t *private_bytes);

/* Set the ceiling in bytes; 0: none. Before other threads run. */
void ax_memory_limit(uint64_t bytes);

/* Measure, and give what is free back to the kernel when it is tight. Reads one file; one thread, several
 * times a second. */
enum ax_memory_state ax_memory_look(void);

/* What the last look saw. Lock-free, any thread. */
enum ax_memory_state ax_memory_state(void);

/* The state after a measurement: pure. */
enum ax_memory_state ax_memory_judge(enum ax_memory_state before, uint64_t used, uint64_t limit);

#endif
