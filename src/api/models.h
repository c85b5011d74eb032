/* models.h: the registry over HTTP.
 *
 * GET  /api/v1/models[?name=]: versions, newest first.
 *
 * GET  /api/v1/models/show?name=&version=[&format=]: one, with its history; format=markdown: its card.
 *
 * GET  /api/v1/models/compare?name=[&a=&b=]: two side by side; by default the champion, and its challenger or
 * the one that it replaced; and how they do on live data.
 *
 * GET  /api/v1/models/audit[?name=&after=&limit=]: the audit log behind entry `after`, up to 1,000 entries;
 * `next` is what comes after them, null at the end. format=jsonl: as lines, and the header Auspex-Next.
 *
 * GET  /api/v1/models/verify: is all of it as it was written?
 *
 * GET  /api/v1/models/export?name=&version=: with its artifact.
 *
 * POST /api/v1/models/promote?name=&version=&stage=: to production, unless stage says otherwise.
 *
 * POST /api/v1/models/rollback?name=: back to whom the champion replaced.
 *
 * POST /api/v1/models/approve?name=&version=
 *
 * POST /api/v1/models/baseline?name=&version=: the champion's inputs are tested for drift against what that
 * version learnt from.
 *
 * POST /api/v1/models/import: the body is what export gave. A kind that there is not, or an artifact that is
 * none of its kind, is refused; `warnings` says when no running job could serve by it.
 *
 * POST /api/v1/models/retrain?name=: a fit begins after the next step of its job, or when there is enough to
 * learn from; also after a restart, until it is over.
 *
 * POST /api/v1/models/cancel?name=: the fit that is asked for, waits or runs is called off. Both answer with
 * its reason and state (pipeline/learner.h).
 *
 * version is a number, champion, challenger or latest; champion by default, where reading. POST needs `admin`
 * (--web.enable-admin-api), else 403, and so does export: weights leave the process. The other ones are open
 * to whoever the doors let in. `by` and `why` say who asks, and go into the audit log; who came in by basic
 * authentication is named by that instead. Answers have Prometheus's envelope. */
#ifndef AX_API_MODELS_H
#define AX_API_MODELS_H

#include "net/http_server.h"
#include "pipeline/pipeline.h"
#include "registry/registry.h"

#define AX_MODELS_ROUTES 13

/* What the routes work on; outlives the server. */
struct ax_models_service {
    struct ax_registry *registry;
    struct ax_pipeline *pipeline; /* whose models they are; NULL: no job runs */
    bool admin;
};

/* Fill AX_MODELS_ROUTES routes. */
void ax_models_routes(struct ax_models_service *s, struct ax_http_route *out);

#endif
