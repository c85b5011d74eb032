/* listen.h: a listening TCP socket from an address as users write it. */
#ifndef AX_NET_LISTEN_H
#define AX_NET_LISTEN_H

#include "base/err.h"

#include <stdint.h>

/* Open, bind and listen on "host:port", ":port" or "[v6]:port". The socket is the caller's to close.
 * AX_INVALID for an address that cannot be read, AX_IO when it cannot be bound, with a text. */
AX_MUST_USE enum ax_err ax_listen(const char *address, int *out_fd, uint16_t *out_port, struct ax_diag *diag);

#endif
