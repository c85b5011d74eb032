/* Lists of texts have a joint hash, and series are known by it. */
#include "ax_test.h"
#include "base/rng.h"
#include "series/db.h"
#include "series/symbols.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define N_MAX 600

/* The texts of a request under a seed. */
struct request {
    struct ax_key_hash hash;
    struct ax_symbol_keys keys;
    struct ax_seen_symbols seen;
};

static void see(struct request *r, uint64_t seed, const char *const *texts, uint32_t n)
{
    struct ax_str v[N_MAX];
    for (uint32_t i = 0; i < n; i++)
        v[i] = ax_str(texts[i]);
    *r = (struct request){0};
    ax_key_hash_init(&r->hash, seed);
    ax_symbol_keys_init(&r->keys, seed);
    assert_int_equal(ax_seen_begin(&r->seen, &r->hash, v, n), AX_OK);
}

/* Joint hash of a list of texts under a seed. */
static struct ax_hash128 join(uint64_t seed, const char *const *texts, uint32_t n)
{
    static struct request r;
    uint32_t refs[N_MAX];
    for (uint32_t i = 0; i < n; i++)
        refs[i] = i;
    see(&r, seed, texts, n);
    struct ax_hash128 hash = ax_seen_join(&r.seen, &r.keys, refs, n);
    ax_seen_done(&r.seen);
    return hash;
}

static bool differ(struct ax_hash128 a, struct ax_hash128 b)
{
    return a.lo != b.lo && a.hi != b.hi;
}

static void lists_that_differ_join_to_hashes_that_differ(void **state)
{
    (void)state;
    static const char *const lists[][5] = {
        {"job", "a", "zone", "b"}, {"job", "b", "zone", "a"}, {"zone", "b", "job", "a"},
        {"a", "job", "b", "zone"}, {"joba", "", "zone", "b"}, {"job", "azone", "", "b"},
        {"job", "a", "zone", "c"}, {"", "", "", ""},          {"job", "job", "job", "job"}};
    for (uint32_t i = 0; i < 9; i++) {
        assert_true(differ(join(1, lists[i], 4), join(2, lists[i], 4)));
        assert_false(differ(join(1, lists[i], 4), join(1, lists[i], 4)));
        for (uint32_t n = 0; n < 4; n++)
            assert_true(differ(join(1, lists[i], 4), join(1, lists[i], n)));
        for (uint32_t k = 0; k < i; k++)
            assert_true(differ(join(1, lists[i], 4), join(1, lists[k], 4)));
    }
    /* Beyond the places whose multipliers are kept too. */
    const char *many[N_MAX];
    for (uint32_t i = 0; i < N_MAX; i++)
        many[i] = "same";
    struct ax_hash128 all = join(1, many, N_MAX);
    for (uint32_t i = 0; i < N_MAX; i += 37) {
        many[i] = "other";
        assert_true(differ(all, join(1, many, N_MAX)));
        many[i] = "same";
    }
}

static void a_list_hashes_alike_whatever_came_before_it(void **state)
{
    (void)state;
    static struct request one, other;
    static const char *const texts[] = {"", "job", "zone", "a", "b", "c", "d", "e"};
    struct ax_rng rng;
    ax_rng_seed(&rng, 9);
    see(&one, 3, texts, 8);
    see(&other, 3, texts, 8);
    uint32_t refs[2 * AX_SYMBOL_PLACES];
    memset(refs, 0, sizeof refs);
    for (int round = 0; round < 20000; round++) {
        uint32_t n = ax_rng_below(&rng, 8) ? 8 : (uint32_t)ax_rng_below(&rng, 2 * AX_SYMBOL_PLACES);
        for (uint64_t changes = ax_rng_below(&rng, 4); changes; changes--)
            refs[ax_rng_below(&rng, n + 1)] = (uint32_t)ax_rng_below(&rng, 8);
        other.seen.before_n = 0; /* it computes each anew */
        struct ax_hash128 a = ax_seen_join(&one.seen, &one.keys, refs, n),
                          b = ax_seen_join(&other.seen, &other.keys, refs, n);
        assert_true(a.lo == b.lo && a.hi == b.hi);
    }
    ax_seen_done(&one.seen);
    ax_seen_done(&other.seen);
}

/* Pack references as protobuf does; returns how many bytes. */
static uint32_t pack(const uint32_t *refs, uint32_t n, uint8_t *out)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t ref = refs[i];
        for (; ref >= 0x80; ref >>= 7)
            out[size++] = (uint8_t)(ref | 0x80);
        out[size++] = (uint8_t)ref;
    }
    return size;
}

static void packed_references_hash_as_numbers_do(void **state)
{
    (void)state;
    static struct request one, other;
    static const char *texts[N_MAX];
    static char room[N_MAX][8];
    static uint8_t packed[2][1024]; /* that before is looked at too */
    struct ax_rng rng;
    ax_rng_seed(&rng, 10);
    for (uint32_t i = 0; i < N_MAX; i++) {
        (void)snprintf(room[i], sizeof room[i], "%u", i);
        texts[i] = room[i];
    }
    see(&one, 3, texts, N_MAX);
    see(&other, 3, texts, N_MAX);
    uint32_t refs[2 * AX_SYMBOL_PLACES], taken = 0;
    memset(refs, 0, sizeof refs);
    for (uint32_t round = 0; round < 50000; round++) {
        uint32_t n = ax_rng_below(&rng, 8) ? 16 : (uint32_t)ax_rng_below(&rng, 2 * AX_SYMBOL_PLACES);
        for (uint64_t changes = ax_rng_below(&rng, 4); changes; changes--)
            refs[ax_rng_below(&rng, n + 1)] =
                (uint32_t)ax_rng_below(&rng, ax_rng_below(&rng, 2) ? 128 : N_MAX + 1);
        bool good = n % 2 == 0 && n <= AX_SYMBOL_PLACES;
        for (uint32_t i = 0; i < n; i++) {
            refs[i] = refs[i] >= N_MAX && ax_rng_below(&rng, 4) ? 5 : refs[i];
            good = good && refs[i] < N_MAX;
        }
        struct ax_hash128 hash;
        uint8_t *p = packed[round % 2];
        uint32_t size = pack(refs, n, p);
        memset(p + size, (int)round, 15); /* what stands behind counts for nothing */
        assert_int_equal(ax_seen_join_packed(&one.seen, &one.keys, p, size, &hash), good);
        if (!good)
            continue;
        struct ax_hash128 want = ax_seen_join(&other.seen, &other.keys, refs, n);
        assert_true(hash.lo == want.lo && hash.hi == want.hi);
        taken++;
    }
    assert_true(taken > 20000);
    ax_seen_done(&one.seen);
    ax_seen_done(&other.seen);
}

#define BEHIND "..............." /* may be read */

static void packed_references_that_no_encoder_writes_are_left_to_others(void **state)
{
    (void)state;
    static struct request r;
    static const char *const texts[] = {"", "job", "zone"};
    static const struct {
        const char *bytes;
        uint32_t n;
        bool taken;
    } cases[] = {
        {"\x01\x02" BEHIND, 2, true},
        {"\x01\x03" BEHIND, 2, false},
        {"\x81\x00\x02" BEHIND, 3, true},
        {"\x81\x80\x00\x02" BEHIND, 4, false},
        {"\x01\x82\x01" BEHIND, 2, false},
        {"\x01" BEHIND, 1, false},
        {"\xff\xff\xff\xff\xff" BEHIND, 5, false},
        {"\x01\x82" BEHIND, 2, false},
    };
    struct ax_hash128 hash;
    for (uint32_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint32_t k = 0; k < sizeof cases / sizeof cases[0]; k++) { /* whatever came before */
            see(&r, 3, texts, 3);
            (void)ax_seen_join_packed(&r.seen, &r.keys, (const uint8_t *)cases[k].bytes, cases[k].n, &hash);
            assert_int_equal(
                ax_seen_join_packed(&r.seen, &r.keys, (const uint8_t *)cases[i].bytes, cases[i].n, &hash),
                cases[i].taken);
            ax_seen_done(&r.seen);
        }
}

/* ---- series known by them ---- */

/* A database that wants "up", and the symbols of one request. */
struct fixture {
    struct ax_db *db;
    struct ax_matcher *matcher;
    struct ax_str texts[64];
    char room[64][24];
    uint32_t texts_n;
    struct ax_seen_symbols seen;
};

static void open_db(struct fixture *f)
{
    const struct ax_db_options o = {.seed = 42, .negative_max = 4096};
    *f = (struct fixture){.db = ax_db_new(&o)};
    assert_non_null(f->db);
    assert_int_equal(ax_matcher_new(AX_MATCH_EQ, ax_str(AX_METRIC_NAME), ax_str("up"), &f->matcher, NULL),
                     AX_OK);
    assert_true(ax_db_add_selector(f->db, ax_str(""), &f->matcher, 1, 60000, NULL) >= 0);
}

static void close_db(struct fixture *f)
{
    ax_seen_done(&f->seen);
    ax_db_free(f->db);
    ax_matcher_free(f->matcher);
}

/* Begin a request whose symbols are these and "i0", "i1" ... up to instances. */
static void begin(struct fixture *f, uint32_t instances)
{
    static const char *const fixed[] = {"", AX_METRIC_NAME, "up", "instance", "down"};
    f->texts_n = 0;
    for (uint32_t i = 0; i < 5; i++)
        f->texts[f->texts_n++] = ax_str(fixed[i]);
    for (uint32_t i = 0; i < instances; i++) {
        (void)snprintf(f->room[i], sizeof f->room[i], "i%u", i);
        f->texts[f->texts_n++] = ax_str(f->room[i]);
    }
    assert_int_equal(ax_db_see(f->db, &f->seen, f->texts, f->texts_n), AX_OK);
}

/* Append to up or down{instance="i<instance>"}, or with the labels in the other order; known: as far as
 * ax_db_append_known() does it. */
static enum ax_fate append(struct fixture *f, uint32_t name, uint32_t instance, bool other_order,
                           int64_t t_ms, bool known)
{
    const struct ax_sample sample = {t_ms, (double)t_ms};
    uint32_t refs[4] = {1, name, 3, 5 + instance};
    if (other_order)
        memcpy(refs, (const uint32_t[]){3, 5 + instance, 1, name}, sizeof refs);
    struct ax_append a = {.symbols = &f->seen, .refs = refs, .refs_n = 4, .samples = &sample, .n = 1};
    if (known) {
        assert_int_equal(ax_db_append_known(f->db, ax_str(""), &a, 1, NULL), 1);
        return a.fate;
    }
    struct ax_buf key;
    ax_buf_init(&key, 4096);
    const struct ax_label v[] = {{f->texts[refs[0]], f->texts[refs[1]]},
                                 {f->texts[refs[2]], f->texts[refs[3]]}};
    ax_labels_key_write(&(struct ax_labels){2, v}, &key);
    a.key = ax_buf_view(&key);
    ax_db_append_one(f->db, ax_str(""), &a, NULL, NULL);
    ax_buf_done(&key);
    return a.fate;
}

enum { UP = 2, DOWN = 4 };

static void a_series_is_one_whether_it_comes_by_key_or_by_symbols(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f);
    begin(&f, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(append(&f, UP, i, false, 1000, false), AX_FATE_WANTED);
        assert_int_equal(append(&f, UP, i, true, 2000, false), AX_FATE_WANTED);
    }
    struct ax_buf key;
    ax_buf_init(&key, 4096);
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("up")}, {ax_str("instance"), ax_str("i1")}};
    ax_labels_key_write(&(struct ax_labels){2, v}, &key);
    const struct ax_sample sample = {3000, 3};
    assert_int_equal(ax_db_append(f.db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL),
                     AX_FATE_WANTED);
    assert_int_equal(ax_db_series_n(f.db), 3);
    begin(&f, 3); /* the next request knows them */
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(append(&f, UP, i, false, 4000, true), AX_FATE_WANTED);
        assert_int_equal(append(&f, UP, i, true, 5000, true), AX_FATE_WANTED);
    }
    uint32_t n;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(f.db, 0, &n, &epoch);
    struct ax_sample out[8];
    assert_int_equal(n, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(ax_db_read(f.db, members[i], 0, 9000, out, 8), i == 1 ? 5 : 4);
    ax_buf_done(&key);
    close_db(&f);
}

static void what_nobody_wants_is_remembered_without_its_texts(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f);
    begin(&f, 20);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(append(&f, DOWN, i, false, 1000, false), AX_FATE_UNWANTED);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(append(&f, DOWN, i, false, 1000, true), AX_FATE_UNWANTED);
    /* Also when all its texts are those of wanted series. */
    assert_int_equal(append(&f, UP, 0, false, 1000, false), AX_FATE_WANTED);
    begin(&f, 20);
    assert_int_equal(append(&f, UP, 0, false, 2000, true), AX_FATE_WANTED);
    assert_int_equal(append(&f, DOWN, 0, false, 2000, true), AX_FATE_UNWANTED);
    close_db(&f);
}

static void a_request_outlives_an_eviction_of_its_series(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f);
    begin(&f, 10);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(append(&f, UP, i, false, i < 5 ? 1000 : 9000, false), AX_FATE_WANTED);
    begin(&f, 10);
    assert_int_equal(ax_db_evict(f.db, 5000), 5);
    for (uint32_t i = 5; i < 10; i++)
        assert_int_equal(append(&f, UP, i, false, 10000, true), AX_FATE_WANTED);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(append(&f, UP, 4 - i, false, 10000, false), AX_FATE_WANTED);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(append(&f, UP, i, false, 11000, true), AX_FATE_WANTED);
    uint32_t n;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(f.db, 0, &n, &epoch);
    assert_int_equal(n, 10);
    for (uint32_t i = 0; i < 10; i++) {
        struct ax_sample out[8];
        assert_int_equal(ax_db_read(f.db, members[i], 9500, 12000, out, 8), 2);
    }
    close_db(&f);
}

#define ROUNDS 400

/* Sends requests whose series another thread evicts, each sample of them wanted. */
static void *send_and_send(void *arg)
{
    struct fixture f = *(const struct fixture *)arg;
    uint32_t refused = 0;
    f.seen = (struct ax_seen_symbols){0};
    f.texts_n = 0;
    for (int64_t round = 1; round <= ROUNDS; round++) {
        begin(&f, 20);
        for (uint32_t i = 0; i < 20; i++)
            refused += append(&f, UP, i, i % 2 == 0, round * 1000, false) != AX_FATE_WANTED;
        refused += append(&f, DOWN, 0, false, round * 1000, false) != AX_FATE_UNWANTED;
    }
    ax_seen_done(&f.seen);
    return refused ? NULL : arg;
}

static void senders_by_symbols_do_not_mind_evictions(void **state)
{
    (void)state;
    struct fixture f;
    pthread_t senders[2];
    void *done;
    open_db(&f);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&senders[i], NULL, send_and_send, &f), 0);
    for (int i = 0; i < 200; i++)
        (void)ax_db_evict(f.db, INT64_MAX);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(senders[i], &done), 0);
        assert_non_null(done);
    }
    /* Whatever went meanwhile, all of it is taken and found now. */
    begin(&f, 20);
    for (uint32_t i = 0; i < 20; i++)
        assert_int_equal(append(&f, UP, i, false, (ROUNDS + 1) * 1000, false), AX_FATE_WANTED);
    uint32_t n;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(f.db, 0, &n, &epoch);
    assert_int_equal(n, 20);
    for (uint32_t i = 0; i < n; i++) {
        struct ax_sample last;
        assert_int_equal(ax_db_read(f.db, members[i], ROUNDS * 1000, (ROUNDS + 1) * 1000, &last, 1), 1);
    }
    close_db(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_that_differ_join_to_hashes_that_differ),
        cmocka_unit_test(a_list_hashes_alike_whatever_came_before_it),
        cmocka_unit_test(packed_references_hash_as_numbers_do),
        cmocka_unit_test(packed_references_that_no_encoder_writes_are_left_to_others),
        cmocka_unit_test(a_series_is_one_whether_it_comes_by_key_or_by_symbols),
        cmocka_unit_test(what_nobody_wants_is_remembered_without_its_texts),
        cmocka_unit_test(a_request_outlives_an_eviction_of_its_series),
        cmocka_unit_test(senders_by_symbols_do_not_mind_evictions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
