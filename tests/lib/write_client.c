/* write_client.c: see write_client.h. */
#include "write_client.h"

#include "ax_test.h"

#include <curl/curl.h>
#include <stdio.h>

static size_t on_text(char *p, size_t size, size_t n, void *ctx)
{
    struct write_answer *a = ctx;
    size_t have = strlen(a->text), take = size * n;
    if (take > sizeof a->text - 1 - have)
        take = sizeof a->text - 1 - have;
    memcpy(a->text + have, p, take);
    a->text[have + take] = '\0';
    return size * n;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
    struct write_answer *a = ctx;
    char line[256];
    (void)snprintf(line, sizeof line, "%.*s", (int)(size * n), p);
    (void)sscanf(line, "X-Prometheus-Remote-Write-Samples-Written: %d", &a->samples);
    (void)sscanf(line, "X-Prometheus-Remote-Write-Histograms-Written: %d", &a->histograms);
    (void)sscanf(line, "X-Prometheus-Remote-Write-Exemplars-Written: %d", &a->exemplars);
    (void)sscanf(line, "Allow: %63[^\r\n]", a->allow);
    (void)sscanf(line, "Retry-After: %15[^\r\n]", a->retry_after);
    return size * n;
}

struct write_answer write_ask(const char *url, const char *method, const char *const *headers,
                              struct ax_str body)
{
    struct write_answer a = {.samples = -1, .histograms = -1, .exemplars = -1};
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool typed = false;
    for (; *headers; headers++) {
        typed = typed || strncmp(*headers, "Content-Type", 12) == 0;
        list = curl_slist_append(list, *headers);
    }
    if (!typed)
        list = curl_slist_append(list, "Content-Type:"); /* none, instead of curl's own */
    CURL *c = curl_easy_init();
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, body.n ? body.p : "");
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_text);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, &a);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, &a);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    CURLcode rc = curl_easy_perform(c);
    if (rc == CURLE_OK)
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &a.status);
    else
        (void)snprintf(a.text, sizeof a.text, "%s", curl_easy_strerror(rc));
    curl_easy_cleanup(c);
    curl_slist_free_all(list);
    return a;
}

void write_assert_status(const struct write_answer *a, long status)
{
    if (a->status != status)
        fail_msg("status %ld instead of %ld: %s", a->status, status, a->text);
    if (status == 204)
        assert_string_equal(a->text, "");
    else
        assert_true(strlen(a->text) > 1);
}

void write_assert_says(const struct write_answer *a, const char *text)
{
    if (!strstr(a->text, text))
        fail_msg("'%s' does not say '%s'", a->text, text);
}
