/* endpoint.c: from a block of the config to running senders, and back. */
#include "emit/endpoint.h"

#include "base/assert.h"
#include "base/log.h"
#include "config/relabel.h"
#include "emit/sender.h"

#include <stdlib.h>

#define SHARDS_MAX 64u
#define FINGERPRINT_BYTES_MAX ((size_t)1 << 24)
#define KEY_BYTES_MAX ((size_t)1 << 20)
#define HAND_OVER_ITEMS 256u

struct ax_endpoint {
    struct ax_target target;
    struct ax_hash128 identity;
    char *name;
    const struct ax_relabel *rules; /* the config's */
    uint32_t rules_n;
    struct ax_sender **senders;
    uint32_t senders_n;
    struct ax_cell *relabelled, *out_of_order;
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

static void mix_http(struct ax_buf *b, const struct ax_http_config *h)
{
    const struct ax_str texts[] = {h->basic_user,      h->basic_password,   h->basic_password_file,
                                   h->auth_type,       h->auth_credentials, h->auth_credentials_file,
                                   h->tls_ca_file,     h->tls_cert_file,    h->tls_key_file,
                                   h->tls_server_name, h->tls_min_version,  h->proxy_url};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        mix_text(b, texts[i]);
    mix_number(b, h->tls_insecure_skip_verify);
    mix_number(b, h->follow_redirects);
    mix_number(b, h->headers_n);
    for (uint32_t i = 0; i < h->headers_n; i++) {
        mix_text(b, h->headers[i].name);
        mix_text(b, h->headers[i].value);
    }
}

static void mix_rule(struct ax_buf *b, const struct ax_relabel *r)
{
    mix_number(b, r->action);
    mix_number(b, (int64_t)r->modulus);
    mix_text(b, r->separator);
    mix_text(b, r->pattern);
    mix_text(b, r->target_label);
    mix_text(b, r->replacement);
    mix_number(b, r->source_labels_n);
    for (uint32_t i = 0; i < r->source_labels_n; i++)
        mix_text(b, r->source_labels[i]);
}

struct ax_hash128 ax_endpoint_fingerprint(const struct ax_remote_write *c)
{
    const int64_t numbers[] = {
        c->remote_timeout_ms,    (int64_t)c->protocol,      c->capacity,       c->max_shards,
        c->max_samples_per_send, c->batch_send_deadline_ms, c->min_backoff_ms, c->max_backoff_ms,
        c->retry_on_http_429,    c->sample_age_limit_ms,    c->relabel_n};
    struct ax_buf b;
    ax_buf_init(&b, FINGERPRINT_BYTES_MAX);
    mix_text(&b, c->url);
    mix_text(&b, c->name);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        mix_number(&b, numbers[i]);
    mix_http(&b, &c->http);
    for (uint32_t i = 0; i < c->relabel_n; i++)
        mix_rule(&b, &c->relabel[i]);
    struct ax_hash128 h = ax_hash128(b.bytes, b.n, 0);
    ax_buf_done(&b);
    return h;
}

/* The URL with everything between "user" and "@" left out. */
static char *public_url(struct ax_str url)
{
    const char *scheme = memmem(url.p, url.n, "://", 3);
    size_t from = scheme ? (size_t)(scheme - url.p) + 3 : 0, end = from, at = from;
    while (end < url.n && !strchr("/?#", url.p[end])) {
        if (url.p[end] == '@')
            at = end + 1;
        end++;
    }
    char *out = calloc(1, url.n + 1);
    if (out && url.n) {
        memcpy(out, url.p, from);
        memcpy(out + from, url.p + at, url.n - at);
    }
    return out;
}

static enum ax_err make_sender(struct ax_endpoint *e, const struct ax_remote_write *c,
                               const struct ax_http_field *headers, struct ax_diag *diag)
{
    const struct ax_http_client_options http = {
        .url = c->url,
        .basic_user = c->http.basic_user,
        .basic_password = c->http.basic_password,
        .basic_password_file = c->http.basic_password_file,
        .auth_type = c->http.auth_type,
        .auth_credentials = c->http.auth_credentials,
        .auth_credentials_file = c->http.auth_credentials_file,
        .tls_ca_file = c->http.tls_ca_file,
        .tls_cert_file = c->http.tls_cert_file,
        .tls_key_file = c->http.tls_key_file,
        .tls_server_name = c->http.tls_server_name,
        .tls_min_version = c->http.tls_min_version,
        .tls_insecure_skip_verify = c->http.tls_insecure_skip_verify,
        .proxy_url = c->http.proxy_url,
        .headers = headers,
        .headers_n = c->http.headers_n,
        .follow_redirects = c->http.follow_redirects,
        .timeout_ms = c->remote_timeout_ms,
    };
    struct ax_sender *s = NULL;
    uint64_t seed = e->identity.lo + e->senders_n;
    enum ax_err err = ax_sender_new(&e->target, &http, c->capacity ? c->capacity : 1, seed, &s, diag);
    if (err == AX_OK) {
        e->senders[e->senders_n++] = s;
        err = ax_sender_start(s, diag);
    }
    return err;
}

static enum ax_err make_senders(struct ax_endpoint *e, const struct ax_remote_write *c, struct ax_diag *diag)
{
    uint32_t n = c->max_shards < 1 ? 1 : c->max_shards < SHARDS_MAX ? c->max_shards : SHARDS_MAX;
    e->senders = calloc(n, sizeof(struct ax_sender *));
    struct ax_http_field *headers = calloc(c->http.headers_n + (size_t)1, sizeof *headers);
    if (!e->senders || !headers) {
        free(headers);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    enum ax_err err = AX_OK;
    for (uint32_t i = 0; i < c->http.headers_n; i++)
        headers[i] = (struct ax_http_field){c->http.headers[i].name, c->http.headers[i].value};
    for (uint32_t i = 0; err == AX_OK && i < n; i++)
        err = make_sender(e, c, headers, diag);
    free(headers);
    return err;
}

enum ax_err ax_endpoint_new(const struct ax_remote_write *config, struct ax_clock clock,
                            struct ax_endpoint **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_endpoint *e = calloc(1, sizeof *e);
    char *url = public_url(config->url),
         *name = strndup(config->name.n ? config->name.p : "", config->name.n);
    if (!e || !url || !name) {
        free(e);
        free(url);
        free(name);
        return ax_fail(diag, AX_NOMEM, "out of memory");
    }
    e->identity = ax_endpoint_fingerprint(config);
    ax_endpoint_set_rules(e, config);
    struct ax_target *t = &e->target;
    e->name = name;
    t->url = url;
    t->clock = clock;
    t->samples_max = config->max_samples_per_send ? config->max_samples_per_send : 1;
    t->deadline_ms = config->batch_send_deadline_ms;
    t->age_limit_ms = config->sample_age_limit_ms;
    t->backoff = (struct ax_backoff){config->min_backoff_ms, config->max_backoff_ms};
    t->retry_on_429 = config->retry_on_http_429;
    atomic_init(&t->version, config->protocol == AX_RW_2 ? 2 : 1);
    atomic_init(&t->confirmed, false);
    e->relabelled = ax_metric(AX_M_SEND_DROPPED, url, "relabelled");
    e->out_of_order = ax_metric(AX_M_SEND_DROPPED, url, "out_of_order");
    t->waiting = ax_metric(AX_M_QUEUE_SAMPLES, url, NULL);
    enum ax_err err = make_senders(e, config, diag);
    if (err != AX_OK) {
        err = ax_wrap(diag, err, "remote_write %s", url);
        ax_endpoint_free(e, "shutdown");
        return err;
    }
    ax_metric_set(ax_metric(AX_M_QUEUE_CAPACITY, url, NULL), (double)config->capacity * e->senders_n);
    *out = e;
    return AX_OK;
}

struct ax_hash128 ax_endpoint_identity(const struct ax_endpoint *e)
{
    return e->identity;
}

void ax_endpoint_set_rules(struct ax_endpoint *e, const struct ax_remote_write *config)
{
    e->rules = config->relabel;
    e->rules_n = config->relabel_n;
}

const char *ax_endpoint_url(const struct ax_endpoint *e)
{
    return e->target.url;
}

bool ax_endpoint_succeeds(const struct ax_endpoint *e, const struct ax_endpoint *old)
{
    return strcmp(e->name, old->name) == 0 && (e->name[0] || strcmp(e->target.url, old->target.url) == 0);
}

enum ax_err ax_endpoint_key(const struct ax_endpoint *e, struct ax_out_key *key, struct ax_arena *arena,
                            struct ax_out_key **out)
{
    *out = NULL;
    if (e->rules_n == 0) {
        *out = ax_out_key_ref(key);
        return AX_OK;
    }
    struct ax_labels before, after;
    enum ax_err err = ax_labels_key_parse((struct ax_str){key->bytes, key->n}, arena, &before, NULL);
    if (err == AX_OK)
        err = ax_relabel_apply(e->rules, e->rules_n, &before, arena, &after);
    if (err != AX_OK || after.n == 0)
        return err;
    struct ax_buf b;
    ax_buf_init(&b, KEY_BYTES_MAX);
    ax_labels_key_write(&after, &b);
    err = b.err;
    if (err == AX_OK)
        *out = ax_out_key_new(ax_buf_view(&b));
    ax_buf_done(&b);
    return err == AX_OK && !*out ? AX_NOMEM : err;
}

void ax_endpoint_push(struct ax_endpoint *e, struct ax_out_key *key, int64_t t_ms, double value)
{
    ax_sender_push(e->senders[key->hash % e->senders_n], key, t_ms, value);
}

void ax_endpoint_count_relabelled(struct ax_endpoint *e)
{
    ax_metric_add(e->relabelled, 1);
}

void ax_endpoint_count_out_of_order(struct ax_endpoint *e)
{
    ax_metric_add(e->out_of_order, 1);
}

uint64_t ax_endpoint_pending(const struct ax_endpoint *e)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->senders_n; i++)
        n += ax_sender_pending(e->senders[i]);
    return n;
}

void ax_endpoint_flush(struct ax_endpoint *e)
{
    for (uint32_t i = 0; i < e->senders_n; i++)
        ax_sender_flush(e->senders[i]);
}

void ax_endpoint_end(struct ax_endpoint *e, int64_t until_ns)
{
    for (uint32_t i = 0; i < e->senders_n; i++)
        if (!ax_sender_wait(e->senders[i], until_ns))
            ax_sender_halt(e->senders[i]);
    for (uint32_t i = 0; i < e->senders_n; i++)
        (void)ax_sender_wait(e->senders[i], INT64_MAX);
}

void ax_endpoint_hand_over(struct ax_endpoint *from, struct ax_endpoint *to)
{
    struct ax_item items[HAND_OVER_ITEMS];
    for (uint32_t i = 0; i < from->senders_n; i++)
        for (uint32_t n; (n = ax_sender_take(from->senders[i], items, HAND_OVER_ITEMS)) > 0;) {
            for (uint32_t k = 0; k < n; k++)
                ax_endpoint_push(to, items[k].key, items[k].t_ms, items[k].value);
            ax_sender_forget(from->senders[i], items, n);
        }
}

void ax_endpoint_free(struct ax_endpoint *e, const char *reason)
{
    if (!e)
        return;
    ax_endpoint_end(e, 0);
    uint64_t waiting = ax_endpoint_pending(e);
    if (waiting) {
        ax_metric_add(ax_metric(AX_M_SEND_DROPPED, e->target.url, reason), (double)waiting);
        ax_log(AX_LOG_WARN, "samples_not_sent", "%s: %llu samples were not sent (%s)", e->target.url,
               (unsigned long long)waiting, reason);
    }
    for (uint32_t i = 0; i < e->senders_n; i++)
        ax_sender_free(e->senders[i]);
    free(e->senders);
    free(e->name);
    free(e->target.url);
    free(e);
}
