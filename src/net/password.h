/* password.h: users' passwords against bcrypt hashes, with a memory of what was checked.
 *
 * bcrypt is slow on purpose. What was right is remembered, and what was wrong, each as a keyed hash in a
 * table of bounded size, so that a sender pays once. Any thread; how many checks run at once, and for whom,
 * is the caller's to bound (net/doorman.h). */
#ifndef AX_NET_PASSWORD_H
#define AX_NET_PASSWORD_H

#include "net/doors.h"

struct ax_passwords;

/* Copy the users; n > 0. AX_NOMEM; AX_IO when no random key is to be had. */
AX_MUST_USE enum ax_err ax_passwords_new(const struct ax_door_user *users, uint32_t n,
                                         struct ax_passwords **out, struct ax_diag *diag);

/* Take over what others remember, in place of what p does: pairs of a user and password count as long as the
 * user has the same hash here. */
void ax_passwords_inherit(struct ax_passwords *p, struct ax_passwords *before);

/* Wipe and free; NULL is fine. */
void ax_passwords_free(struct ax_passwords *p);

/* What is remembered of a name and a password: open, wrong or unknown. Microseconds. */
enum ax_door_answer ax_passwords_recall(struct ax_passwords *p, struct ax_str name, struct ax_str password);

/* Compute it by bcrypt and remember it: open or wrong; busy when out of memory. Takes equally long for a name
 * that does not exist. */
enum ax_door_answer ax_passwords_check(struct ax_passwords *p, struct ax_str name, struct ax_str password);

#endif
