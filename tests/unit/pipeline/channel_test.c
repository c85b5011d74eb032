/* Which members make the forecasts of a job's expressions. */
#include "ax_test.h"
#include "forecast/portfolio.h"
#include "memory_sink.h"
#include "pipeline/job_priv.h"
#include "rig.h"

#define FEATURES "jobs: [{name: j, by: [e], features: {a: m, b: n}, anomaly: {}"

/* Members of the first channel of such a job; 0: it makes no forecasts. */
static uint32_t members_of(const char *yaml)
{
    struct memory_sink sink = {0};
    struct ax_config *config = rig_config(yaml);
    struct ax_db *db = ax_db_new(&(struct ax_db_options){.seed = 7});
    const struct ax_job_env env = {.db = db, .sink = memory_sink(&sink), .max_range_ms = 3600000};
    struct ax_job *job;
    assert_int_equal(ax_job_new(&env, config, &config->jobs[0], &job, NULL), AX_OK);
    const uint32_t members = job->channels[0].kind.forecast ? job->channels[0].forecast.members : 0;
    ax_job_free(job, INT64_MIN);
    ax_db_free(db);
    ax_config_free(config);
    memory_sink_done(&sink);
    return members;
}

static void a_feature_that_is_only_scored_is_not_forecast(void **state)
{
    (void)state;
    assert_int_equal(members_of(FEATURES "}]\n"), 0);
}

static void the_drift_of_its_errors_is_that_of_plain_members(void **state)
{
    (void)state;
    assert_int_equal(members_of(FEATURES ", drift: {}}]\n"), AX_MEMBERS_PLAIN);
}

static void forecasts_that_are_sent_are_made_by_all(void **state)
{
    (void)state;
    const uint32_t all = ax_portfolio_members(NULL, 0);
    assert_int_equal(members_of(FEATURES ", forecast: {targets: [a], horizons: [5m]}}]\n"), all);
    assert_int_equal(members_of("jobs: [{name: j, expr: m, anomaly: {}}]\n"), all);
}

static void members_that_a_job_names_are_taken_for_features_too(void **state)
{
    (void)state;
    assert_int_equal(members_of(FEATURES ", drift: {}, forecast: {members: [theta], targets: [b]}}]\n"),
                     1U << AX_MEMBER_last_value | 1U << AX_MEMBER_theta);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_feature_that_is_only_scored_is_not_forecast),
        cmocka_unit_test(the_drift_of_its_errors_is_that_of_plain_members),
        cmocka_unit_test(forecasts_that_are_sent_are_made_by_all),
        cmocka_unit_test(members_that_a_job_names_are_taken_for_features_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
