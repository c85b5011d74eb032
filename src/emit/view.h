/* view.h: how an endpoint of remote-write stands, for people. */
#ifndef AX_EMIT_VIEW_H
#define AX_EMIT_VIEW_H

#include <stdint.h>

#define AX_TROUBLE_BYTES 320

/* A picture of it; the newest_s is of all that an endpoint of this URL has accepted. */
struct ax_endpoint_view {
    char url[512];                  /* without its password */
    char trouble[AX_TROUBLE_BYTES]; /* why it accepts nothing now, and what to look at; "" when it does, or
                                       when nothing was sent yet */
    uint64_t waiting, refused;      /* samples: behind its slowest sender, refused for good */
    double newest_s;                /* newest timestamp that it has accepted; 0: none */
};

#endif
