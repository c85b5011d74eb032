/* write_client.h: a remote-write client on libcurl that sets no header of its own, and sees the whole answer.
 */
#ifndef AX_TEST_WRITE_CLIENT_H
#define AX_TEST_WRITE_CLIENT_H

#include "base/str.h"

/* An answer; texts are empty when a header was absent. */
struct write_answer {
    long status;
    char text[2048];
    char allow[64], retry_after[16];
    int samples, histograms, exemplars; /* the written headers; -1: absent */
};

/* One request; headers end with NULL. Status 0 and a text when there is no answer. curl_global_init() before.
 */
struct write_answer write_ask(const char *url, const char *method, const char *const *headers,
                              struct ax_str body);

/* Fail unless the status is that, with a text if it has one to give: 204 has none. */
void write_assert_status(const struct write_answer *a, long status);

/* Fail unless the text contains another. */
void write_assert_says(const struct write_answer *a, const char *text);

#endif
