/* A password is right or wrong by its bcrypt hash, once computed and then remembered. */
#include "ax_test.h"
#include "net/password.h"

#include <stdio.h>
#include <string.h>

/* "correct horse", cost 4, in the three spellings of one algorithm */
#define OTHER "$2y$04$abcdefghijklmnopqrstuuoYKiLx9Ng5RIpO22PxQ9G8YrDbYXRJ6" /* "another horse" */
#define TAIL "$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"

static const struct ax_door_user users[] = {
    {{"anna", 4}, {"$2y" TAIL, 60}},
    {{"berta", 5}, {"$2b" TAIL, 60}},
    {{"carla", 5}, {"$2a" TAIL, 60}},
};

static struct ax_passwords *new (void)
{
    struct ax_passwords *p = NULL;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_passwords_new(users, 3, &p, &diag), AX_OK);
    return p;
}

/* What is remembered, or else computed; after that it is remembered. */
static enum ax_door_answer judge(struct ax_passwords *p, const char *name, struct ax_str password)
{
    enum ax_door_answer a = ax_passwords_recall(p, ax_str(name), password);
    if (a != AX_DOOR_UNKNOWN)
        return a;
    a = ax_passwords_check(p, ax_str(name), password);
    assert_int_equal(ax_passwords_recall(p, ax_str(name), password), a);
    return a;
}

static void right_is_right_and_wrong_is_wrong_the_first_time_and_later(void **state)
{
    (void)state;
    struct ax_passwords *p = new ();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(judge(p, "anna", ax_str("correct horse")), AX_DOOR_OPEN);
        assert_int_equal(judge(p, "berta", ax_str("correct horse")), AX_DOOR_OPEN);
        assert_int_equal(judge(p, "carla", ax_str("correct horse")), AX_DOOR_OPEN);
        assert_int_equal(judge(p, "anna", ax_str("correct hors")), AX_DOOR_WRONG);
        assert_int_equal(judge(p, "anna", ax_str("correct horse ")), AX_DOOR_WRONG);
        assert_int_equal(judge(p, "annac", ax_str("orrect horse")), AX_DOOR_WRONG);
        assert_int_equal(judge(p, "", ax_str("correct horse")), AX_DOOR_WRONG);
        assert_int_equal(judge(p, "anna", ax_str("")), AX_DOOR_WRONG);
    }
    ax_passwords_free(p);
}

static void bytes_behind_a_zero_are_not_cut_off(void **state)
{
    (void)state;
    struct ax_passwords *p = new ();
    assert_int_equal(judge(p, "anna", (struct ax_str){"correct horse\0x", 15}), AX_DOOR_WRONG);
    assert_int_equal(judge(p, "anna", (struct ax_str){"correct horse\0", 14}), AX_DOOR_WRONG);
    char endless[4096];
    memset(endless, 'x', sizeof endless);
    for (size_t n = 500; n < 520; n++)
        assert_int_equal(judge(p, "anna", (struct ax_str){endless, n}), AX_DOOR_WRONG);
    ax_passwords_free(p);
}

static void what_is_forgotten_is_checked_again(void **state)
{
    (void)state;
    struct ax_passwords *p = new ();
    assert_int_equal(ax_passwords_recall(p, ax_str("anna"), ax_str("wrong")), AX_DOOR_UNKNOWN);
    assert_int_equal(judge(p, "anna", ax_str("wrong")), AX_DOOR_WRONG);
    for (int i = 0; i < 300; i++) { /* more than are remembered */
        char guess[16];
        (void)snprintf(guess, sizeof guess, "guess %d", i);
        assert_int_equal(judge(p, "anna", ax_str(guess)), AX_DOOR_WRONG);
    }
    assert_int_equal(ax_passwords_recall(p, ax_str("anna"), ax_str("wrong")), AX_DOOR_UNKNOWN);
    assert_int_equal(judge(p, "anna", ax_str("wrong")), AX_DOOR_WRONG);
    assert_int_equal(judge(p, "anna", ax_str("correct horse")), AX_DOOR_OPEN);
    ax_passwords_free(p);
}

/* Users of a next generation, which takes over what p remembers. */
static struct ax_passwords *next_of(struct ax_passwords *p, const struct ax_door_user *v, uint32_t n)
{
    struct ax_passwords *next = NULL;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_passwords_new(v, n, &next, &diag), AX_OK);
    ax_passwords_inherit(next, p);
    return next;
}

static void who_is_known_stays_known_across_a_change(void **state)
{
    (void)state;
    struct ax_passwords *p = new ();
    assert_int_equal(judge(p, "anna", ax_str("correct horse")), AX_DOOR_OPEN);
    struct ax_passwords *next = next_of(p, users, 3);
    ax_passwords_free(p);
    assert_int_equal(ax_passwords_recall(next, ax_str("anna"), ax_str("guess")), AX_DOOR_UNKNOWN);
    assert_int_equal(ax_passwords_recall(next, ax_str("anna"), ax_str("correct horse")), AX_DOOR_OPEN);
    ax_passwords_free(next);
}

static void a_changed_password_and_a_removed_user_are_not_let_in_from_memory(void **state)
{
    (void)state;
    const struct ax_door_user changed[] = {{{"anna", 4}, {OTHER, 60}}};
    struct ax_passwords *p = new ();
    assert_int_equal(judge(p, "anna", ax_str("correct horse")), AX_DOOR_OPEN);
    assert_int_equal(judge(p, "anna", ax_str("another horse")), AX_DOOR_WRONG);
    assert_int_equal(judge(p, "berta", ax_str("correct horse")), AX_DOOR_OPEN);
    assert_int_equal(judge(p, "dora", ax_str("correct horse")), AX_DOOR_WRONG);
    struct ax_passwords *next = next_of(p, changed, 1);
    assert_int_equal(judge(next, "anna", ax_str("correct horse")), AX_DOOR_WRONG);
    assert_int_equal(judge(next, "anna", ax_str("another horse")), AX_DOOR_OPEN);
    assert_int_equal(judge(next, "berta", ax_str("correct horse")), AX_DOOR_WRONG);
    const struct ax_door_user added[] = {users[0], {{"dora", 4}, users[0].hash}};
    struct ax_passwords *third = next_of(next, added, 2);
    assert_int_equal(judge(third, "dora", ax_str("correct horse")), AX_DOOR_OPEN);
    assert_int_equal(judge(third, "anna", ax_str("correct horse")), AX_DOOR_OPEN);
    assert_int_equal(judge(third, "anna", ax_str("another horse")), AX_DOOR_WRONG);
    ax_passwords_free(third);
    ax_passwords_free(next);
    ax_passwords_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_is_right_and_wrong_is_wrong_the_first_time_and_later),
        cmocka_unit_test(bytes_behind_a_zero_are_not_cut_off),
        cmocka_unit_test(what_is_forgotten_is_checked_again),
        cmocka_unit_test(who_is_known_stays_known_across_a_change),
        cmocka_unit_test(a_changed_password_and_a_removed_user_are_not_let_in_from_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
