/* erase.h: everything that is kept of some series, forgotten (pipeline/erase.h).
 *
 *   POST /api/v1/admin/erase?match[]=[&by=&why=]   up to 16 selectors; what each means is forgotten
 *   GET  /api/v1/admin/erase                        {"pending"}: does the log still hold what was erased?
 *
 * POST needs `admin` (--web.enable-admin-api), else 403. The answer says what was forgotten, and what
 * remains; that it was asked for is in the audit log of the registry before anything goes. Answers have
 * Prometheus's envelope. */
#ifndef AX_API_ERASE_H
#define AX_API_ERASE_H

#include "net/http_server.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"

#define AX_ERASE_ROUTES 2

/* What the routes work on; outlives the server. */
struct ax_erase_service {
    struct ax_pipeline *pipeline;
    struct ax_registry *registry;
    bool admin;
};

/* Fill AX_ERASE_ROUTES routes. */
void ax_erase_routes(struct ax_erase_service *s, struct ax_http_route *out);

#endif
