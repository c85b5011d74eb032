/* validate.c: rules of the endpoints and of what all jobs share. */
#include "config/validate.h"

#include "base/zone.h"
#include "config/relabel.h"
#include "net/http_client.h"

#include <stdio.h>
#include <strings.h>

#define NOWHERE ((struct ax_place){0, 0})

/* Labels that Auspex itself adds to outputs: an external label of that name could never be told apart. */
static const char *const added_labels[] = {"for",  "horizon", "source",  "feature", "test",
                                           "kind", "role",    "version", "reason",  "class"};

bool ax_label_is_added(struct ax_str name)
{
    for (size_t i = 0; i < sizeof added_labels / sizeof added_labels[0]; i++)
        if (ax_str_eq(name, ax_str(added_labels[i])))
            return true;
    return false;
}

/* Key of a label in a mapping, for the place of a problem. */
static yaml_node_t *key_node(struct ax_reader *r, yaml_node_t *map, uint32_t i)
{
    if (!map || map->type != YAML_MAPPING_NODE ||
        i >= map->data.mapping.pairs.top - map->data.mapping.pairs.start)
        return NULL;
    return yaml_document_get_node(r->doc, map->data.mapping.pairs.start[i].key);
}

void ax_config_check_zone(struct ax_reader *r, yaml_node_t *map, struct ax_place place, struct ax_str name)
{
    struct ax_zone *zone = NULL;
    struct ax_diag diag = {{0}};
    char shown[72];
    enum ax_err err = ax_zone_load(name, &zone, &diag);
    ax_zone_free(zone);
    r->nomem |= err == AX_NOMEM;
    if (err != AX_OK && err != AX_NOMEM)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, map, "time_zone"), place), false,
                       "time_zone \"%s\": %s", ax_shown(name, shown), diag.text);
}

static void validate_global(struct ax_reader *r, yaml_node_t *node, struct ax_config *c)
{
    struct ax_place place = ax_yaml_place(node, NOWHERE);
    yaml_node_t *map = ax_yaml_get(r, node, "external_labels");
    struct ax_labels *ls = &c->external_labels;
    struct ax_label *v = ax_arena_array(r->arena, ls->n, sizeof *v);
    struct ax_diag diag = {{0}};
    char shown[72];
    for (uint32_t i = 0; i < ls->n; i++) {
        struct ax_place at = ax_yaml_place(key_node(r, map, i), place);
        if (!ax_name_is_label(ls->v[i].name) ||
            (ls->v[i].name.n > 1 && memcmp(ls->v[i].name.p, "__", 2) == 0))
            ax_problem_add(r->problems, at, false,
                           "external_labels: \"%s\" is no label name (letters, digits, _; not __)",
                           ax_shown(ls->v[i].name, shown));
        else if (ax_label_is_added(ls->v[i].name))
            ax_problem_add(r->problems, at, false,
                           "external_labels: \"%s\" is a label that Auspex adds to outputs",
                           ax_shown(ls->v[i].name, shown));
    }
    if (!v) {
        r->nomem = true;
        return;
    }
    if (ls->n)
        memcpy(v, ls->v, ls->n * sizeof *v);
    ls->v = v;
    /* A repeated name is a problem already. */
    if (ax_labels_canonical(v, &ls->n, &diag) != AX_OK && r->problems->errors_n == 0)
        ax_problem_add(r->problems, ax_yaml_place(map, place), false, "external_labels: %s", diag.text);
    for (uint32_t i = 0; i < c->drop_labels_n; i++)
        if (c->drop_labels[i].n == 0 || ax_str_eq(c->drop_labels[i], ax_str(AX_METRIC_NAME)))
            ax_problem_add(r->problems,
                           ax_yaml_place(ax_yaml_item(r, ax_yaml_get(r, node, "drop_labels"), i), place),
                           false, "drop_labels: a label's name is needed, and not " AX_METRIC_NAME);
}

static void validate_ha(struct ax_reader *r, yaml_node_t *node, const struct ax_ha_config *ha)
{
    yaml_node_t *map = ax_yaml_get(r, node, "ha_tracker");
    struct ax_place place = ax_yaml_place(map, ax_yaml_place(node, NOWHERE));
    const struct {
        const char *key;
        struct ax_str name;
    } labels[] = {{"cluster_label", ha->cluster_label}, {"replica_label", ha->replica_label}};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (labels[i].name.n == 0 || ax_str_eq(labels[i].name, ax_str(AX_METRIC_NAME)))
            ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, map, labels[i].key), place), false,
                           "ha_tracker: %s: a label's name is needed, and not " AX_METRIC_NAME,
                           labels[i].key);
    if (ha->cluster_label.n && ax_str_eq(ha->cluster_label, ha->replica_label))
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, map, "replica_label"), place), false,
                       "ha_tracker: cluster_label and replica_label must be two labels");
}

static void both(struct ax_reader *r, yaml_node_t *node, struct ax_place place, struct ax_str a,
                 struct ax_str b, const char *names)
{
    if (a.n && b.n)
        ax_problem_add(r->problems, ax_yaml_place(node, place), false, "give one of %s, not both", names);
}

/* TLS and proxies, of an endpoint or of where its tokens come from. */
static void validate_transport(struct ax_reader *r, yaml_node_t *node, struct ax_place place,
                               const struct ax_http_transport *t)
{
    yaml_node_t *tls = ax_yaml_get(r, node, "tls_config");
    char shown[72];
    both(r, tls, place, t->ca, t->ca_file, "ca and ca_file");
    both(r, tls, place, t->cert, t->cert_file, "cert and cert_file");
    both(r, tls, place, t->key, t->key_file, "key and key_file");
    if ((t->cert_file.n + t->cert.n == 0) != (t->key_file.n + t->key.n == 0))
        ax_problem_add(r->problems, ax_yaml_place(tls, place), false,
                       "tls_config: cert_file and key_file are needed together");
    const yaml_node_t *environment = ax_yaml_get(r, node, "proxy_from_environment");
    if (t->proxy_from_environment && (t->proxy_url.n || t->no_proxy.n))
        ax_problem_add(r->problems, ax_yaml_place(environment, place), false,
                       "proxy_from_environment reads the proxy and NO_PROXY: remove %s",
                       t->proxy_url.n ? "proxy_url" : "no_proxy");
    yaml_node_t *headers = ax_yaml_get(r, node, "proxy_connect_header");
    if (t->proxy_headers_n && !t->proxy_url.n && !t->proxy_from_environment)
        ax_problem_add(r->problems, ax_yaml_place(headers, place), false,
                       "proxy_connect_header has no effect without proxy_url or proxy_from_environment");
    for (uint32_t i = 0; i < t->proxy_headers_n; i++) {
        struct ax_diag diag = {{0}};
        if (ax_http_check_field(t->proxy_headers[i].name, t->proxy_headers[i].value, &diag) != AX_OK)
            ax_problem_add(r->problems, ax_yaml_place(headers, place), false,
                           "proxy_connect_header: \"%s\" %s", ax_shown(t->proxy_headers[i].name, shown),
                           diag.text);
    }
}

/* At most one way to say who one is, and that one whole. */
static void validate_identity(struct ax_reader *r, yaml_node_t *node, struct ax_place place,
                              struct ax_http_identity *w)
{
    yaml_node_t *basic = ax_yaml_get(r, node, "basic_auth"), *auth = ax_yaml_get(r, node, "authorization"),
                *oauth2 = ax_yaml_get(r, node, "oauth2");
    both(r, basic, place, w->basic_user, w->basic_user_file, "username and username_file");
    both(r, basic, place, w->basic_password, w->basic_password_file, "password and password_file");
    both(r, auth, place, w->auth_credentials, w->auth_credentials_file, "credentials and credentials_file");
    if (basic && auth)
        ax_problem_add(r->problems, ax_yaml_place(auth, place), false,
                       "give one of basic_auth and authorization, not both");
    if (oauth2 && (basic || auth))
        ax_problem_add(r->problems, ax_yaml_place(oauth2, place), false,
                       "give one of %s and oauth2, not both", basic ? "basic_auth" : "authorization");
    if (basic && !w->basic_user.n && !w->basic_user_file.n)
        ax_problem_add(r->problems, ax_yaml_place(basic, place), false,
                       "basic_auth needs username or username_file");
    if (auth && w->auth_type.n == 5 && strncasecmp(w->auth_type.p, "Basic", 5) == 0)
        ax_problem_add(r->problems, ax_yaml_place(auth, place), false,
                       "authorization: type Basic has its own block, basic_auth");
    if (auth && w->auth_credentials.n == 0 && w->auth_credentials_file.n == 0)
        ax_problem_add(r->problems, ax_yaml_place(auth, place), false,
                       "authorization needs credentials or credentials_file");
    if (!auth)
        w->auth_type = (struct ax_str){NULL, 0};
    if (!oauth2)
        return;
    both(r, oauth2, place, w->oauth2.client_secret, w->oauth2.client_secret_file,
         "client_secret and client_secret_file");
    validate_transport(r, oauth2, ax_yaml_place(oauth2, place), &w->oauth2.transport);
}

static void validate_http(struct ax_reader *r, yaml_node_t *node, struct ax_place place,
                          struct ax_http_client_options *h)
{
    char shown[72];
    validate_identity(r, node, place, &h->who);
    validate_transport(r, node, place, &h->transport);
    for (uint32_t i = 0; i < h->headers_n; i++) {
        struct ax_diag diag = {{0}};
        if (ax_http_check_header(h->headers[i].name, h->headers[i].value, &diag) != AX_OK)
            ax_problem_add(r->problems, ax_yaml_place(key_node(r, ax_yaml_get(r, node, "headers"), i), place),
                           false, "headers: \"%s\" %s", ax_shown(h->headers[i].name, shown), diag.text);
    }
}

/* Host and port of a URL, if wanted with what follows them: what an endpoint without a name is called.
 * Never the user and password that may stand before. */
static struct ax_str host_of(struct ax_str url, bool with_path)
{
    const char *p = url.n ? memchr(url.p, '/', url.n) : NULL;
    if (!p || (size_t)(p - url.p) + 2 > url.n)
        return (struct ax_str){NULL, 0};
    struct ax_str rest = {p + 2, url.n - (size_t)(p + 2 - url.p)};
    const char *slash = memchr(rest.p, '/', rest.n);
    size_t host_n = slash ? (size_t)(slash - rest.p) : rest.n;
    const char *at = memrchr(rest.p, '@', host_n);
    size_t skip = at ? (size_t)(at + 1 - rest.p) : 0;
    return (struct ax_str){rest.p + skip, (with_path ? rest.n : host_n) - skip};
}

static void validate_relabel(struct ax_reader *r, yaml_node_t *node, struct ax_remote_write *w)
{
    struct ax_relabel *rules = ax_arena_array(r->arena, w->relabel_n, sizeof *rules);
    yaml_node_t *list = ax_yaml_get(r, node, "write_relabel_configs");
    for (uint32_t i = 0; rules && i < w->relabel_n; i++) {
        struct ax_diag diag = {{0}};
        enum ax_err err = ax_relabel_init(&rules[i], &w->relabel_spec[i], r->arena, &diag);
        r->nomem |= err == AX_NOMEM;
        if (err != AX_OK)
            ax_problem_add(r->problems, ax_yaml_place(ax_yaml_item(r, list, i), w->place), false,
                           "write_relabel_configs: %s", diag.text);
    }
    r->nomem |= !rules;
    w->relabel = rules;
}

/* Does an earlier endpoint have the same name? */
static bool same_name(const struct ax_config *c, const struct ax_remote_write *w)
{
    for (const struct ax_remote_write *o = c->remote_write; o < w; o++)
        if (ax_str_eq(o->name, w->name))
            return true;
    return false;
}

static void validate_write(struct ax_reader *r, yaml_node_t *node, struct ax_config *c,
                           struct ax_remote_write *w)
{
    yaml_node_t *queue = ax_yaml_get(r, node, "queue_config");
    char shown[72];
    validate_http(r, node, w->place, &w->http);
    validate_relabel(r, node, w);
    bool named = w->name.n > 0;
    for (int with_path = 0; with_path < 2 && !named; with_path++) {
        w->name = host_of(w->url, with_path);
        named = w->url.n > 0 && !same_name(c, w);
    }
    if (w->url.n && same_name(c, w))
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, "name"), w->place), false,
                       "remote_write: another endpoint has the name \"%s\" too; give each its own name",
                       ax_shown(w->name, shown));
    if (w->min_backoff_ms > w->max_backoff_ms)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, queue, "min_backoff"), w->place), false,
                       "min_backoff is above max_backoff");
}

static bool same_read_name(const struct ax_config *c, const struct ax_remote_read *rr)
{
    for (const struct ax_remote_read *o = c->remote_read; o < rr; o++)
        if (ax_str_eq(o->name, rr->name))
            return true;
    return false;
}

static void validate_read(struct ax_reader *r, yaml_node_t *node, struct ax_config *c,
                          struct ax_remote_read *rr)
{
    struct ax_diag diag = {{0}};
    char shown[72];
    struct ax_label *v = ax_arena_array(r->arena, rr->required_matchers.n, sizeof *v);
    validate_http(r, node, rr->place, &rr->http);
    bool named = rr->name.n > 0;
    for (int with_path = 0; with_path < 2 && !named; with_path++) {
        rr->name = host_of(rr->url, with_path);
        named = rr->url.n > 0 && !same_read_name(c, rr);
    }
    if (rr->url.n && same_read_name(c, rr))
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, "name"), rr->place), false,
                       "remote_read: another endpoint has the name \"%s\" too; give each its own name",
                       ax_shown(rr->name, shown));
    r->nomem |= !v;
    if (!v || rr->required_matchers.n == 0)
        return;
    memcpy(v, rr->required_matchers.v, rr->required_matchers.n * sizeof *v);
    rr->required_matchers.v = v;
    if (ax_labels_canonical(v, &rr->required_matchers.n, &diag) != AX_OK && r->problems->errors_n == 0)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, "required_matchers"), rr->place),
                       false, "required_matchers: %s", diag.text);
}

void ax_config_validate(struct ax_reader *r, yaml_node_t *root, struct ax_config *c)
{
    yaml_node_t *jobs = ax_yaml_get(r, root, "jobs"), *writes = ax_yaml_get(r, root, "remote_write");
    yaml_node_t *reads = ax_yaml_get(r, root, "remote_read");
    struct ax_remote_write *w = ax_fresh(c->remote_write);
    struct ax_remote_read *rr = ax_fresh(c->remote_read);
    validate_global(r, ax_yaml_get(r, root, "global"), c);
    ax_config_check_zone(r, ax_yaml_get(r, root, "global"), NOWHERE, c->time_zone);
    validate_ha(r, ax_yaml_get(r, root, "global"), &c->ha);
    for (uint32_t i = 0; i < c->remote_write_n && !r->nomem; i++)
        validate_write(r, ax_yaml_item(r, writes, i), c, &w[i]);
    for (uint32_t i = 0; i < c->remote_read_n; i++) {
        validate_read(r, ax_yaml_item(r, reads, i), c, &rr[i]);
    }
    for (uint32_t i = 0; i < c->jobs_n && !r->nomem; i++)
        ax_config_validate_job(r, ax_yaml_item(r, jobs, i), c, i);
    ax_config_validate_calendars(r, root, c);
    struct ax_place top = ax_yaml_place(root, (struct ax_place){1, 1});
    if (r->problems->errors_n)
        return; /* what is missing may be what could not be read */
    if (c->jobs_n == 0)
        ax_problem_add(r->problems, ax_yaml_place(jobs, top), true,
                       "there are no jobs: nothing will be modelled");
    if (c->remote_write_n == 0)
        ax_problem_add(r->problems, ax_yaml_place(writes, top), true,
                       "there is no remote_write: results are sent nowhere");
}
