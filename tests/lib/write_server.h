/* write_server.h: a receiver with a log over a real server, and a load whose every sample is known. */
#ifndef AX_TEST_WRITE_SERVER_H
#define AX_TEST_WRITE_SERVER_H

#include "ingest/receiver.h"
#include "series_world.h"
#include "write_client.h"

/* What listens. around: stands between the server and the receiver; NULL: nothing does. */
struct write_server {
    struct ax_receiver *receiver;
    struct ax_http_server *http;
    struct ax_http_route route, inner;
    char url[64];
};

/* Serve a world, with a log (NULL: none). Fails the test when it cannot be. curl_global_init() before. */
void write_server_start(struct write_server *s, struct series_world *w, struct ax_seglog *log,
                        ax_http_handler *around);

/* Stop and free. */
void write_server_stop(struct write_server *s);

/* Send request number i of a load of n series: sample i of each, a different value in each, all of metric
 * "load". Every eighth series is of "other". version is 1 or 2. */
struct write_answer write_server_post(const char *url, int version, uint32_t i, uint32_t n);

/* Fail unless the world has sample i of each of n series of the load. */
void write_server_assert_kept(struct series_world *w, uint32_t i, uint32_t n);

#endif
