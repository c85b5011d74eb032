/* ceilings.h: the ceilings of the listener, and how often something was turned away at each. */
#ifndef AX_NET_CEILINGS_H
#define AX_NET_CEILINGS_H

/* Each is a value of the label `reason` of auspex_http_rejected_total: its name in small letters. */
enum ax_ceiling {
    AX_CEILING_CONNECTIONS,
    AX_CEILING_CONNECTIONS_PER_IP,
    AX_CEILING_READ_TIMEOUT,   /* a request took too long to arrive */
    AX_CEILING_ANSWER_TIMEOUT, /* an answer took too long to be made or taken */
    AX_CEILING_BODY_SIZE,
    AX_CEILING_INFLIGHT_SIZE,
    AX_CEILING_INFLIGHT_REQUESTS,
    AX_CEILING_QUERIES,
    AX_CEILING_MEMORY,        /* --storage.max-memory */
    AX_CEILING_OUT_OF_MEMORY, /* the system's */
    AX_CEILING_PASSWORD_CHECK,
    AX_CEILING_RATE, /* rate_limit of --web.config.file */
    AX_CEILINGS
};

/* Make the counters, all at zero, so that a first increase is seen as one. Any thread, any number of times.
 */
void ax_ceilings_show(void);

/* Count one that was turned away. Lock-free after the first call. */
void ax_ceiling_count(enum ax_ceiling ceiling);

#endif
