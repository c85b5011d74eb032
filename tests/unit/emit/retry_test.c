/* Every kind of answer gets the verdict of the remote-write specifications; pauses grow and stay bounded. */
#include "ax_test.h"
#include "emit/retry.h"

static enum ax_verdict judge(int version, bool confirmed, int status, int64_t written)
{
    struct ax_answer a = {
        .status = status,
        .version = version,
        .version2_confirmed = confirmed,
        .samples_written = written,
        .samples_sent = 10,
        .retry_on_429 = true,
    };
    return ax_send_judge(&a);
}

static void version_1_answers_are_judged_by_status_alone(void **state)
{
    (void)state;
    const struct {
        int status;
        enum ax_verdict verdict;
    } cases[] = {
        {0, AX_SEND_RETRY},   {200, AX_SEND_ACCEPTED}, {202, AX_SEND_ACCEPTED}, {204, AX_SEND_ACCEPTED},
        {301, AX_SEND_DROP},  {400, AX_SEND_DROP},     {401, AX_SEND_DROP},     {403, AX_SEND_DROP},
        {404, AX_SEND_DROP},  {408, AX_SEND_RETRY},    {409, AX_SEND_DROP},     {413, AX_SEND_DROP},
        {415, AX_SEND_DROP},  {422, AX_SEND_DROP},     {429, AX_SEND_RETRY},    {499, AX_SEND_DROP},
        {500, AX_SEND_RETRY}, {501, AX_SEND_RETRY},    {502, AX_SEND_RETRY},    {503, AX_SEND_RETRY},
        {504, AX_SEND_RETRY}, {529, AX_SEND_RETRY},    {599, AX_SEND_RETRY},    {999, AX_SEND_DROP},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(judge(1, false, cases[i].status, -1), cases[i].verdict);
        assert_int_equal(judge(1, false, cases[i].status, 0), cases[i].verdict);
    }
}

static void a_429_is_dropped_when_so_configured(void **state)
{
    (void)state;
    struct ax_answer a = {.status = 429, .version = 1, .samples_sent = 1};
    assert_int_equal(ax_send_judge(&a), AX_SEND_DROP);
}

static void version_2_falls_back_where_the_receiver_does_not_know_it(void **state)
{
    (void)state;
    assert_int_equal(judge(2, false, 415, -1), AX_SEND_FALL_BACK);
    assert_int_equal(judge(2, true, 415, -1), AX_SEND_FALL_BACK);
    assert_int_equal(judge(2, false, 400, -1), AX_SEND_FALL_BACK);
    assert_int_equal(judge(2, true, 400, 3), AX_SEND_DROP);
    assert_int_equal(judge(2, false, 204, -1), AX_SEND_FALL_BACK);
    assert_int_equal(judge(2, true, 204, -1), AX_SEND_FALL_BACK);
    assert_int_equal(judge(2, false, 200, 0), AX_SEND_FALL_BACK);
    assert_int_equal(judge(2, false, 204, 10), AX_SEND_ACCEPTED);
    assert_int_equal(judge(2, false, 500, -1), AX_SEND_RETRY);
    assert_int_equal(judge(2, false, 0, -1), AX_SEND_RETRY);
    assert_int_equal(judge(2, false, 404, -1), AX_SEND_DROP);
}

static void pauses_double_with_little_jitter_and_stay_below_the_ceiling(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    const struct ax_backoff b = {30, 5000};
    for (int round = 0; round < 200; round++) {
        int64_t nominal = 30;
        for (uint32_t attempt = 1; attempt < 40; attempt++) {
            int64_t ms = ax_backoff_ms(&b, attempt, -1, &rng);
            assert_true(ms <= 5000);
            assert_true((double)ms >= 0.9 * (double)nominal - 1);
            assert_true((double)ms <= 1.1 * (double)nominal + 1);
            nominal = nominal * 2 < 5000 ? nominal * 2 : 5000;
        }
    }
}

static void retry_after_takes_the_place_of_the_pause_up_to_five_minutes(void **state)
{
    (void)state;
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    const struct ax_backoff b = {30, 5000};
    assert_int_equal(ax_backoff_ms(&b, 1, 7000, &rng), 7000);
    assert_int_equal(ax_backoff_ms(&b, 9, 1000, &rng), 1000);
    assert_int_equal(ax_backoff_ms(&b, 1, 3600000, &rng), 300000);
    assert_true(ax_backoff_ms(&b, 1, 0, &rng) >= 27);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_answers_are_judged_by_status_alone),
        cmocka_unit_test(a_429_is_dropped_when_so_configured),
        cmocka_unit_test(version_2_falls_back_where_the_receiver_does_not_know_it),
        cmocka_unit_test(pauses_double_with_little_jitter_and_stay_below_the_ceiling),
        cmocka_unit_test(retry_after_takes_the_place_of_the_pause_up_to_five_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
