/* origin.h: is a request made by a browser on behalf of somebody else's page?
 *
 * A browser sends many a POST for any page that is open in it, with what the user's own requests would carry
 * (an address that only they reach, a password that was typed once), and says in headers that no page can
 * forge whose page it was: Sec-Fetch-Site (W3C Fetch Metadata), where it trusts the way, and Origin
 * (RFC 6454). What Go's net/http.CrossOriginProtection refuses is refused. */
#ifndef AX_NET_ORIGIN_H
#define AX_NET_ORIGIN_H

#include "base/str.h"

/* The headers of a request; {NULL, 0}: it has none. Foreign is a Sec-Fetch-Site that is neither same-origin
 * nor none (typed by the user); without one, an Origin whose host and port are not those of Host, or "null".
 * With neither it comes from no browser. Pure. */
bool ax_origin_foreign(struct ax_str site, struct ax_str origin, struct ax_str host);

#endif
