/* endpoint.c: from a block of the config to running senders, and back. */
#include "emit/endpoint.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/url.h"
#include "config/relabel.h"
#include "emit/sender.h"

#include <stdio.h>
#include <stdlib.h>

#define FINGERPRINT_BYTES_MAX ((size_t)1 << 24)
#define RULES_BYTES_MAX ((size_t)1 << 24)

struct ax_endpoint {
    struct ax_delivery d;
    struct ax_hash128 identity;
    char *name;
    struct ax_arena rules; /* owns those of d */
    uint64_t rules_hash;
    struct ax_sender **senders;
    uint32_t senders_n;
};

static void mix_text(struct ax_buf *b, struct ax_str s)
{
    uint64_t n = s.n;
    ax_buf_put(b, &n, sizeof n);
    ax_buf_str(b, s);
}

static void mix_number(struct ax_buf *b, int64_t v)
{
    ax_buf_put(b, &v, sizeof v);
}

static void mix_texts(struct ax_buf *b, const struct ax_str *texts, size_t n)
{
    mix_number(b, (int64_t)n);
    for (size_t i = 0; i < n; i++)
        mix_text(b, texts[i]);
}

static void mix_fields(struct ax_buf *b, const struct ax_http_field *fields, uint32_t n)
{
    mix_number(b, n);
    for (uint32_t i = 0; i < n; i++) {
        mix_text(b, fields[i].name);
        mix_text(b, fields[i].value);
    }
}

static void mix_transport(struct ax_buf *b, const struct ax_http_transport *t)
{
    const struct ax_str texts[] = {t->ca_file,     t->cert_file, t->key_file,    t->ca,
                                   t->cert,        t->key,       t->server_name, t->min_version,
                                   t->max_version, t->proxy_url, t->no_proxy};
    mix_texts(b, texts, sizeof texts / sizeof texts[0]);
    mix_number(b, t->insecure_skip_verify);
    mix_number(b, t->proxy_from_environment);
    mix_fields(b, t->proxy_headers, t->proxy_headers_n);
}

static void mix_http(struct ax_buf *b, const struct ax_http_client_options *h)
{
    const struct ax_http_identity *w = &h->who;
    const struct ax_http_oauth2 *o = &w->oauth2;
    const struct ax_str texts[] = {w->basic_user,
                                   w->basic_user_file,
                                   w->basic_password,
                                   w->basic_password_file,
                                   w->auth_type,
                                   w->auth_credentials,
                                   w->auth_credentials_file,
                                   o->client_id,
                                   o->client_secret,
                                   o->client_secret_file,
                                   o->token_url};
    mix_texts(b, texts, sizeof texts / sizeof texts[0]);
    mix_texts(b, o->scopes, o->scopes_n);
    mix_fields(b, o->params, o->params_n);
    mix_transport(b, &o->transport);
    mix_transport(b, &h->transport);
    mix_number(b, h->follow_redirects);
    mix_fields(b, h->headers, h->headers_n);
}

static void mix_rules(struct ax_buf *b, const struct ax_relabel_spec *rules, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_relabel_spec *r = &rules[i];
        mix_number(b, r->action);
        mix_number(b, (int64_t)r->modulus);
        mix_text(b, r->separator);
        mix_text(b, r->regex);
        mix_text(b, r->target_label);
        mix_text(b, r->replacement);
        mix_number(b, r->source_labels_n);
        for (uint32_t k = 0; k < r->source_labels_n; k++)
            mix_text(b, r->source_labels[k]);
    }
}

static uint64_t hash_of_rules(const struct ax_remote_write *c)
{
    struct ax_buf b;
    ax_buf_init(&b, FINGERPRINT_BYTES_MAX);
    mix_rules(&b, c->relabel_spec, c->relabel_n);
    uint64_t hash = ax_hash64(b.bytes, b.n, 0);
    ax_buf_done(&b);
    return hash;
}

struct ax_hash128 ax_endpoint_fingerprint(const struct ax_remote_write *c)
{
    const int64_t numbers[] = {
        c->remote_timeout_ms,      (int64_t)c->protocol, c->max_shards,     c->max_samples_per_send,
        c->batch_send_deadline_ms, c->min_backoff_ms,    c->max_backoff_ms, c->retry_on_http_429,
        c->sample_age_limit_ms,    c->relabel_n};
    struct ax_buf b;
    ax_buf_init(&b, FINGERPRINT_BYTES_MAX);
    mix_text(&b, c->url);
    mix_text(&b, c->name);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        mix_number(&b, numbers[i]);
    mix_http(&b, &c->http);
    mix_rules(&b, c->relabel_spec, c->relabel_n);
    struct ax_hash128 h = ax_hash128(b.bytes, b.n, 0);
    ax_buf_done(&b);
    return h;
}

static enum ax_err make_sender(struct ax_endpoint *e, const struct ax_http_client_options *http, uint32_t n,
                               struct ax_diag *diag)
{
    struct ax_sender *s = NULL;
    uint32_t lane = e->senders_n * AX_LANES / n, end = (e->senders_n + 1) * AX_LANES / n;
    enum ax_err err = ax_sender_new(&e->d, http, e->senders_n, lane, end - lane, &s, diag);
    if (err == AX_OK) {
        e->senders[e->senders_n++] = s;
        err = ax_sender_start(s, diag);
    }
    return err;
}

static enum ax_err make_senders(struct ax_endpoint *e, const struct ax_remote_write *c, struct ax_diag *diag)
{
    uint32_t n = c->max_shards < 1 ? 1 : c->max_shards < AX_LANES ? c->max_shards : AX_LANES;
    e->senders = calloc(n, sizeof(struct ax_sender *));
    if (!e->senders)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = AX_OK;
    struct ax_http_client_options http = c->http;
    http.url = c->url;
    http.timeout_ms = c->remote_timeout_ms;
    for (uint32_t i = 0; err == AX_OK && i < n; i++)
        err = make_sender(e, &http, n, diag);
    e->d.senders_n = e->senders_n;
    return err;
}

static enum ax_err copy_rules(struct ax_endpoint *e, const struct ax_remote_write *c, struct ax_diag *diag)
{
    ax_arena_init(&e->rules, RULES_BYTES_MAX);
    struct ax_relabel *rules = ax_arena_array(&e->rules, c->relabel_n, sizeof *rules);
    enum ax_err err = rules ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    for (uint32_t i = 0; err == AX_OK && i < c->relabel_n; i++)
        err = ax_relabel_init(&rules[i], &c->relabel_spec[i], &e->rules, diag);
    e->d.rules = rules;
    e->d.rules_n = c->relabel_n;
    e->rules_hash = hash_of_rules(c);
    return err;
}

enum ax_err ax_endpoint_new(const struct ax_remote_write *config, const struct ax_endpoint_env *env,
                            struct ax_endpoint **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_endpoint *e = calloc(1, sizeof *e);
    char *url = ax_url_label(config->url),
         *name = strndup(config->name.n ? config->name.p : "", config->name.n);
    if (!e || !url || !name) {
        free(e);
        free(url);
        free(name);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    e->identity = ax_endpoint_fingerprint(config);
    e->name = name;
    struct ax_delivery *d = &e->d;
    ax_delivery_init(d);
    d->url = url;
    d->clock = env->clock;
    d->outgoing = env->outgoing;
    d->max_bytes = env->max_bytes;
    d->seed = env->seed ^ e->identity.lo;
    d->samples_max = config->max_samples_per_send ? config->max_samples_per_send : 1;
    d->deadline_ms = config->batch_send_deadline_ms;
    d->age_limit_ms = config->sample_age_limit_ms;
    d->backoff = (struct ax_backoff){config->min_backoff_ms, config->max_backoff_ms};
    d->retry_on_429 = config->retry_on_http_429;
    atomic_init(&d->version, config->protocol == AX_RW_2 ? 2 : 1);
    atomic_init(&d->confirmed, false);
    enum ax_err err = copy_rules(e, config, diag);
    if (err == AX_OK)
        err = make_senders(e, config, diag);
    if (err != AX_OK) {
        err = ax_wrap(diag, err, "remote_write %s", url);
        ax_endpoint_free(e);
        return err;
    }
    ax_metric_set(ax_metric(AX_M_QUEUE_MAX_BYTES, url, NULL), (double)env->max_bytes);
    *out = e;
    return AX_OK;
}

struct ax_hash128 ax_endpoint_identity(const struct ax_endpoint *e)
{
    return e->identity;
}

struct ax_positions_owner ax_endpoint_owner(const struct ax_endpoint *e)
{
    return (struct ax_positions_owner){ax_str(e->name), ax_str(e->d.url), e->rules_hash};
}

const char *ax_endpoint_url(const struct ax_endpoint *e)
{
    return e->d.url;
}

int ax_endpoint_succeeds(const struct ax_endpoint *e, const struct ax_positions_file *file)
{
    if (!file->name || !file->url)
        return 0;
    if (e->name[0] && strncmp(e->name, file->name, AX_POSITIONS_TEXT) == 0)
        return 2;
    return strncmp(e->d.url, file->url, AX_POSITIONS_TEXT) == 0;
}

void ax_endpoint_go(struct ax_endpoint *e, struct ax_positions *positions)
{
    e->d.positions = positions;
    for (uint32_t i = 0; i < e->senders_n; i++)
        ax_sender_go(e->senders[i]);
}

int ax_endpoint_unsynced(const struct ax_endpoint *e)
{
    return e->d.positions ? ax_positions_unsynced(e->d.positions) : -1;
}

struct ax_positions *ax_endpoint_give_up(struct ax_endpoint *e)
{
    struct ax_positions *positions = e->d.positions;
    e->d.positions = NULL;
    return positions;
}

uint32_t ax_endpoint_file(const struct ax_endpoint *e)
{
    return e->d.positions ? ax_positions_number(e->d.positions) : 0;
}

void ax_endpoint_count_dropped(struct ax_endpoint *e, const char *reason, uint32_t n)
{
    ax_metric_add(ax_metric(AX_M_SEND_DROPPED, e->d.url, reason), n);
}

uint64_t ax_endpoint_at(const struct ax_endpoint *e)
{
    return ax_delivery_at(&e->d);
}

uint64_t ax_endpoint_measure(struct ax_endpoint *e)
{
    return ax_delivery_measure(&e->d);
}

void ax_endpoint_view(struct ax_endpoint *e, struct ax_endpoint_view *out)
{
    (void)snprintf(out->url, sizeof out->url, "%s", e->d.url);
    out->refused = atomic_load(&e->d.refused); /* before the text, which is told before they are counted */
    ax_delivery_trouble(&e->d, out->trouble);
    out->waiting = ax_delivery_measure(&e->d);
    out->newest_s = ax_metric_get(ax_metric(AX_M_SEND_HIGHEST, e->d.url, NULL));
}

void ax_endpoint_flush(struct ax_endpoint *e)
{
    for (uint32_t i = 0; i < e->senders_n; i++)
        ax_sender_flush(e->senders[i]);
}

bool ax_endpoint_wait(struct ax_endpoint *e, int64_t until_ns)
{
    bool ended = true;
    for (uint32_t i = 0; i < e->senders_n; i++)
        ended &= ax_sender_wait(e->senders[i], until_ns);
    return ended;
}

void ax_endpoint_halt(struct ax_endpoint *e)
{
    for (uint32_t i = 0; i < e->senders_n; i++)
        ax_sender_halt(e->senders[i]);
}

void ax_endpoint_end(struct ax_endpoint *e, int64_t until_ns)
{
    ax_endpoint_halt(e);
    for (uint32_t i = 0; i < e->senders_n; i++)
        if (!ax_sender_wait(e->senders[i], until_ns))
            ax_sender_abort(e->senders[i]);
    (void)ax_endpoint_wait(e, INT64_MAX);
}

enum ax_err ax_endpoint_resume(struct ax_endpoint *e, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < e->senders_n; i++) {
        const enum ax_err one = ax_sender_resume(e->senders[i], diag);
        err = one != AX_OK ? one : err;
    }
    return err;
}

void ax_endpoint_free(struct ax_endpoint *e)
{
    if (!e)
        return;
    ax_endpoint_end(e, 0);
    for (uint32_t i = 0; i < e->senders_n; i++)
        ax_sender_free(e->senders[i]);
    free(e->senders);
    ax_delivery_done(&e->d);
    ax_positions_close(e->d.positions);
    ax_arena_done(&e->rules);
    free(e->name);
    free(e->d.url);
    free(e);
}
