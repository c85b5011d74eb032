/* fft.c: iterative radix-2 transform, Bluestein's algorithm on top of it, spectra of real series. */
#include "math/fft.h"

#include "base/assert.h"

#include <math.h>
#include <string.h>

uint32_t ax_fft_pow2(uint32_t n)
{
    uint32_t m = 1;
    while (m < n)
        m *= 2;
    return m;
}

uint32_t ax_fft_scratch(uint32_t n)
{
    uint32_t m = ax_fft_pow2(n);
    if (m == n)
        return n; /* twiddles */
    m = ax_fft_pow2(2 * n - 1);
    return 2 * n + 4 * m + m; /* chirp, two sequences, twiddles */
}

static void bit_reverse(double *re, double *im, uint32_t n)
{
    for (uint32_t i = 1, j = 0; i < n; i++) {
        uint32_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
    }
}

static void fft_pow2(double *re, double *im, uint32_t n, double *twiddle)
{
    double *c = twiddle, *s = twiddle + n / 2;
    for (uint32_t k = 0; k < n / 2; k++) {
        double a = -2 * M_PI * (double)k / (double)n;
        c[k] = cos(a);
        s[k] = sin(a);
    }
    bit_reverse(re, im, n);
    for (uint32_t half = 1; half < n; half *= 2) {
        size_t stride = n / (2 * half);
        for (uint32_t block = 0; block < n; block += 2 * half)
            for (uint32_t k = 0; k < half; k++) {
                uint32_t i = block + k, j = i + half;
                double wr = c[k * stride], wi = s[k * stride];
                double tr = re[j] * wr - im[j] * wi, ti = re[j] * wi + im[j] * wr;
                re[j] = re[i] - tr;
                im[j] = im[i] - ti;
                re[i] += tr;
                im[i] += ti;
            }
    }
}

/* X_k = conj-chirp times the convolution of the chirped input with the chirp. */
static void fft_bluestein(double *re, double *im, uint32_t n, double *scratch)
{
    uint32_t m = ax_fft_pow2(2 * n - 1);
    double *cr = scratch, *ci = cr + n;
    double *ar = ci + n, *ai = ar + m, *br = ai + m, *bi = br + m, *twiddle = bi + m;
    memset(ar, 0, 4 * (size_t)m * sizeof *ar);
    for (uint32_t k = 0; k < n; k++) {
        /* k^2 mod 2n keeps the angle exact for long series. */
        double a = -M_PI * (double)((uint64_t)k * k % (2 * (uint64_t)n)) / (double)n;
        cr[k] = cos(a);
        ci[k] = sin(a);
        ar[k] = re[k] * cr[k] - im[k] * ci[k];
        ai[k] = re[k] * ci[k] + im[k] * cr[k];
        br[k] = cr[k];
        bi[k] = -ci[k];
        if (k > 0) {
            br[m - k] = br[k];
            bi[m - k] = bi[k];
        }
    }
    fft_pow2(ar, ai, m, twiddle);
    fft_pow2(br, bi, m, twiddle);
    for (uint32_t k = 0; k < m; k++) {
        double pr = ar[k] * br[k] - ai[k] * bi[k], pi = ar[k] * bi[k] + ai[k] * br[k];
        ar[k] = pr;
        ai[k] = -pi; /* conjugated: a forward transform then does the inverse's work */
    }
    fft_pow2(ar, ai, m, twiddle);
    for (uint32_t k = 0; k < n; k++) {
        double vr = ar[k] / m, vi = -ai[k] / m;
        re[k] = vr * cr[k] - vi * ci[k];
        im[k] = vr * ci[k] + vi * cr[k];
    }
}

void ax_fft(double *re, double *im, uint32_t n, int inverse, double *scratch)
{
    AX_ASSERT(n >= 1 && n <= AX_FFT_MAX);
    if (inverse)
        for (uint32_t k = 0; k < n; k++)
            im[k] = -im[k];
    if (ax_fft_pow2(n) == n)
        fft_pow2(re, im, n, scratch);
    else
        fft_bluestein(re, im, n, scratch);
    if (inverse)
        for (uint32_t k = 0; k < n; k++) {
            re[k] /= n;
            im[k] /= -(double)n;
        }
}

void ax_power_spectrum(const double *x, uint32_t n, double *power, double *work)
{
    double *re = work, *im = work + n;
    memcpy(re, x, n * sizeof *re);
    memset(im, 0, n * sizeof *im);
    ax_fft(re, im, n, 0, work + 2 * (size_t)n);
    for (uint32_t k = 0; k <= n / 2; k++)
        power[k] = re[k] * re[k] + im[k] * im[k];
}

void ax_autocovariance(const double *x, uint32_t n, uint32_t lags, double *out, double *work)
{
    uint32_t m = ax_fft_pow2(n + lags);
    double *re = work, *im = work + m, *scratch = work + 2 * (size_t)m;
    memcpy(re, x, n * sizeof *re);
    memset(re + n, 0, (m - n) * sizeof *re);
    memset(im, 0, m * sizeof *im);
    ax_fft(re, im, m, 0, scratch);
    for (uint32_t k = 0; k < m; k++) {
        re[k] = re[k] * re[k] + im[k] * im[k];
        im[k] = 0;
    }
    ax_fft(re, im, m, 1, scratch);
    memcpy(out, re, lags * sizeof *out);
}
