/* caller.h: who asks for a change, and why: for the audit log. */
#ifndef AX_API_CALLER_H
#define AX_API_CALLER_H

#include "net/http_server.h"
#include "registry/registry.h"

#define AX_CALLER_WHO 128
#define AX_CALLER_WHY 1024

#define AX_CALLER_UNKNOWN "anonymous"

/* Who the caller of a request is: the user of basic authentication where the doors have let it in by that,
 * else what it says itself, a view. What nobody has checked counts for nothing. "auspex" is the process
 * itself: nobody may say so, and a user of that name is "user auspex". user is room for the name. AX_INVALID
 * with a text. */
AX_MUST_USE enum ax_err ax_caller_who(const struct ax_http_request *req, struct ax_str said,
                                      char user[AX_CALLER_WHO], struct ax_str *out, struct ax_diag *diag);

/* The same of what the argument `by` says, AX_CALLER_UNKNOWN without one; and the argument `why`. */
AX_MUST_USE enum ax_err ax_caller(const struct ax_http_request *req, char user[AX_CALLER_WHO],
                                  struct ax_registry_by *out, struct ax_diag *diag);

#endif
