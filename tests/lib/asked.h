/* asked.h: a route that is asked by its handler, without a server: by somebody whose memory runs out
 * (asked_failing.c), and by somebody who goes away. */
#ifndef AX_TEST_ASKED_H
#define AX_TEST_ASKED_H

#include "api/predict.h"
#include "api/read.h"
#include "net/http_server.h"
#include "prom/read_request.h"
#include "rig.h"

/* A query argument; a list of them ends with a NULL name. */
struct asked_argument {
    const char *name, *value;
};

/* One question. */
struct asked {
    struct ax_http_route route;
    struct ax_str body;
    const struct asked_argument *arguments; /* NULL: none */
};

/* A rig whose job `load` forecasts and scores demand{instance="a"} and "b", and has done so for 60 steps. */
void asked_rig(struct rig *rig);

/* What answers questions to the rig, one at a time, with room for all that tests ask. */
struct ax_predict_service asked_predict_service(const struct rig *rig);
/* As above. */
struct ax_read_service asked_read_service(const struct rig *rig);

/* The body of a remote-read request of one matcher, into an empty buffer. */
void asked_read_body(const struct ax_read_matcher *m, struct ax_buf *body);

/* With each allocation of an answer failing in turn there is the same answer, or none: 503, or no memory even
 * for its text, which the server answers so. In *_failing_test.c alone. */
void asked_without_memory(const struct asked *a);

/* Who asks goes away, seen at the first look, at the second, and so on: the answer is 499, and nobody looks
 * again. Returns how often somebody looks when nobody goes. */
uint32_t asked_and_gone(const struct asked *a);

#endif
