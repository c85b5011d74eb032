/* no_proxy.h: which hosts a list of no_proxy names, as libcurl reads it (CURLOPT_NOPROXY). */
#ifndef AX_NET_NO_PROXY_H
#define AX_NET_NO_PROXY_H

#include "base/str.h"

#include <stdbool.h>

/* Is the host, as it stands in a URL (an address of IPv6 in brackets), in the list? Its words are separated
 * by commas or spaces: "*" for all, a domain for itself and what is below it (with or without a dot before
 * it), an address, or a network such as 10.0.0.0/8. Any thread; looks nothing up. */
bool ax_no_proxy_has(struct ax_str list, const char *host);

#endif
