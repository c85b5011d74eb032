/* How far an endpoint has come is there after a restart, also when a write of it was torn. */
#include "ax_test.h"
#include "emit/positions.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEAD 2048u /* as positions.h says: a head, then two copies of the lanes */
#define COPY (AX_LANES * 16u)

static const struct ax_positions_owner owner = {{"name", 4}, {"http://h/w", 10}, 5};

static struct ax_positions *make(char dir[SCRATCH_PATH], uint64_t at)
{
    struct ax_positions *p = NULL;
    struct ax_diag diag;
    scratch_make(dir, NULL);
    if (ax_positions_create(dir, &owner, at, &p, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return p;
}

static struct ax_positions *open_again(const char *dir, struct ax_positions *p)
{
    uint32_t number = ax_positions_number(p);
    struct ax_diag diag;
    ax_positions_close(p);
    if (ax_positions_open(dir, number, &p, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return p;
}

static uint64_t at(const struct ax_positions *p, uint32_t lane)
{
    uint64_t out;
    ax_positions_get(p, lane, 1, &out);
    return out;
}

static void put(struct ax_positions *p, uint32_t first, uint32_t n, uint64_t position)
{
    struct ax_diag diag;
    assert_int_equal(ax_positions_put(p, first, n, position, &diag), AX_OK);
}

/* Change bytes of the one file of a folder. */
static void spoil(const char *dir, uint32_t number, size_t from, size_t n)
{
    char name[64], path[SCRATCH_PATH];
    (void)snprintf(name, sizeof name, "%u.position", number);
    scratch_in(path, dir, name);
    size_t size;
    uint8_t *bytes = scratch_read(path, &size);
    assert_int_equal(size, HEAD + 2 * COPY);
    for (size_t i = from; i < from + n; i++)
        bytes[i] ^= 0x55;
    scratch_write(path, bytes, size);
    free(bytes);
}

static void lanes_move_forward_and_stay_where_they_are_after_a_restart(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_positions *p = make(dir, 100);
    for (uint32_t i = 0; i < AX_LANES; i++)
        assert_true(at(p, i) == 100);
    put(p, 0, 10, 200);
    put(p, 10, AX_LANES - 10, 300);
    put(p, 0, AX_LANES, 250); /* those that are further stay */
    p = open_again(dir, p);
    assert_true(at(p, 0) == 250 && at(p, 9) == 250 && at(p, 10) == 300 && at(p, AX_LANES - 1) == 300);
    ax_positions_close(p);
    scratch_remove(dir);
}

static void what_was_noted_is_offered_once_to_be_synced(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_positions *p = make(dir, 100);
    assert_int_equal(ax_positions_unsynced(p), -1); /* made and synced */
    for (uint64_t i = 1; i < 4; i++) {
        put(p, 0, 10, 100 + i);
        int fd = ax_positions_unsynced(p);
        assert_true(fd >= 0);
        assert_int_equal(fdatasync(fd), 0);
        assert_int_equal(close(fd), 0);
        assert_int_equal(ax_positions_unsynced(p), -1);
    }
    put(p, 10, 1, 200); /* its own descriptor is as it was */
    ax_positions_close(p);
    scratch_remove(dir);
}

static void a_torn_write_leaves_the_one_before(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_positions *p = make(dir, 100);
    put(p, 0, AX_LANES, 200); /* into the first copy, */
    put(p, 0, AX_LANES, 300); /* the second, */
    put(p, 0, AX_LANES, 400); /* and the first again */
    uint32_t number = ax_positions_number(p);
    spoil(dir, number, HEAD + 8, 100);
    p = open_again(dir, p);
    assert_true(at(p, 0) == 300 && at(p, 5) == 300);
    assert_true(at(p, AX_LANES - 1) == 400);
    spoil(dir, number, HEAD + COPY, 16);
    p = open_again(dir, p);
    assert_true(at(p, 0) == 0 && at(p, 1) == 300); /* nothing is known of this lane: from the beginning */
    ax_positions_close(p);
    scratch_remove(dir);
}

static void what_an_owner_is_given_replaces_the_file_whole(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], name[64], path[SCRATCH_PATH], before[SCRATCH_PATH];
    const struct ax_positions_owner other = {{"other", 5}, {"http://h/w", 10}, 6};
    struct ax_diag diag;
    struct ax_positions *p = make(dir, 100);
    size_t n, k;
    put(p, 0, 10, 200);
    (void)snprintf(name, sizeof name, "%u.position", ax_positions_number(p));
    scratch_in(path, dir, name);
    scratch_in(before, dir, "before");
    assert_int_equal(link(path, before), 0);
    uint8_t *was = scratch_read(path, &n);
    assert_int_equal(ax_positions_give(p, &other, 150, &diag), AX_OK);
    uint8_t *is = scratch_read(before, &k); /* at no moment it was half of both */
    assert_int_equal(n, k);
    assert_memory_equal(was, is, n);
    put(p, 0, AX_LANES, 300); /* into the new one */
    p = open_again(dir, p);
    assert_true(at(p, 0) == 300 && at(p, AX_LANES - 1) == 300);
    ax_positions_close(p);
    free(was);
    free(is);
    scratch_empty(dir);
    scratch_remove(dir);
}

static void a_damaged_head_is_refused_and_seen_in_the_list(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_diag diag;
    struct ax_positions_list list;
    struct ax_positions *p = make(dir, 100), *second = NULL;
    assert_int_equal(ax_positions_create(dir, &owner, 7, &second, &diag), AX_OK);
    assert_int_not_equal(ax_positions_number(p), ax_positions_number(second));
    spoil(dir, ax_positions_number(p), 0, 1);
    assert_int_equal(ax_positions_list(dir, &list, &diag), AX_OK);
    assert_int_equal(list.n, 2);
    for (uint32_t i = 0; i < 2; i++) {
        if (list.v[i].number == ax_positions_number(p)) {
            assert_null(list.v[i].name);
        } else {
            assert_string_equal(list.v[i].name, "name");
            assert_string_equal(list.v[i].url, "http://h/w");
        }
    }
    ax_positions_list_free(&list);
    uint32_t number = ax_positions_number(p);
    ax_positions_close(p);
    assert_int_equal(ax_positions_open(dir, number, &p, &diag), AX_CORRUPT);
    assert_int_equal(ax_positions_remove(dir, number, &diag), AX_OK);
    assert_int_equal(ax_positions_list(dir, &list, &diag), AX_OK);
    assert_int_equal(list.n, 1);
    ax_positions_list_free(&list);
    ax_positions_close(second);
    scratch_remove(dir);
}

static void a_new_owner_takes_it_over_where_it_stands(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_diag diag;
    struct ax_positions_list list;
    const struct ax_positions_owner moved = {ax_str("name"), ax_str("http://other/w"), 5};
    struct ax_positions *p = make(dir, 100);
    put(p, 3, 1, 900);
    assert_int_equal(ax_positions_give(p, &moved, 500, &diag), AX_OK);
    assert_true(at(p, 0) == 100 && at(p, 3) == 500); /* not behind the end of the log */
    p = open_again(dir, p);
    assert_true(at(p, 0) == 100 && at(p, 3) == 500);
    assert_int_equal(ax_positions_list(dir, &list, &diag), AX_OK);
    assert_string_equal(list.v[0].url, "http://other/w");
    ax_positions_list_free(&list);
    ax_positions_close(p);
    scratch_remove(dir);
}

static void other_rules_begin_with_the_slowest_lane(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_diag diag;
    const struct ax_positions_owner ruled = {owner.name, owner.url, 6};
    struct ax_positions *p = make(dir, 300);
    put(p, 0, 32, 800);
    assert_int_equal(ax_positions_give(p, &ruled, 1000, &diag), AX_OK);
    p = open_again(dir, p);
    assert_true(at(p, 0) == 300 && at(p, 40) == 300);
    ax_positions_close(p);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_move_forward_and_stay_where_they_are_after_a_restart),
        cmocka_unit_test(what_was_noted_is_offered_once_to_be_synced),
        cmocka_unit_test(a_torn_write_leaves_the_one_before),
        cmocka_unit_test(what_an_owner_is_given_replaces_the_file_whole),
        cmocka_unit_test(a_damaged_head_is_refused_and_seen_in_the_list),
        cmocka_unit_test(a_new_owner_takes_it_over_where_it_stands),
        cmocka_unit_test(other_rules_begin_with_the_slowest_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
