/* The product of floats against its definition in double, for every combination of what it is told. */
#include "ax_test.h"
#include "math/blas.h"
#include "nets.h"

#define M 7
#define N 19
#define K 13
#define LD 24

static float at(const float *v, uint32_t ld, bool turned, uint32_t i, uint32_t j)
{
    return turned ? v[j * ld + i] : v[i * ld + j];
}

static void check(uint32_t k, bool turn_a, bool turn_b, bool add)
{
    static float a[LD * LD], b[LD * LD], c[M * LD], before[M * LD];
    nets_random(a, LD * LD, 1);
    nets_random(b, LD * LD, 2);
    nets_random(c, M * LD, 3);
    memcpy(before, c, sizeof c);
    ax_blas_sgemm(M, N, k, (struct ax_mat){a, LD, turn_a}, (struct ax_mat){b, LD, turn_b}, add, c, LD);
    for (uint32_t i = 0; i < M; i++)
        for (uint32_t j = 0; j < LD; j++) {
            double want =
                add || j >= N ? (double)before[i * LD + j] : 0; /* behind a row nothing is written */
            for (uint32_t l = 0; l < k && j < N; l++)
                want += (double)at(a, LD, turn_a, i, l) * (double)at(b, LD, turn_b, l, j);
            ax_assert_close((double)c[i * LD + j], want, 2e-6);
        }
}

static void products_of_floats_are_what_they_are_by_definition(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 8; how++) {
        check(K, how & 1, how & 2, how & 4);
        check(0, how & 1, how & 2, how & 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products_of_floats_are_what_they_are_by_definition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
