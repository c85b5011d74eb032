/* fft.h: discrete Fourier transform of any length: radix 2, and Bluestein's chirp for the rest.
 *
 * Cooley and Tukey 1965; Bluestein 1970. Pure; the caller hands in the scratch. */
#ifndef AX_MATH_FFT_H
#define AX_MATH_FFT_H

#include <stdint.h>

/* Largest length that is taken. */
#define AX_FFT_MAX (1U << 20)

/* Smallest power of two >= n, for n <= AX_FFT_MAX. */
uint32_t ax_fft_pow2(uint32_t n);

/* Doubles of scratch that a transform of length n needs. */
uint32_t ax_fft_scratch(uint32_t n);

/* Transform (re, im)[n] in place, sign -1 in the exponent; the inverse divides by n. 1 <= n <= AX_FFT_MAX;
 * scratch holds ax_fft_scratch(n) doubles. O(n log n) for every n. */
void ax_fft(double *re, double *im, uint32_t n, int inverse, double *scratch);

/* |X_k|^2 for k = 0 .. n/2 of a real series into power[n/2 + 1]. work holds 2 n + ax_fft_scratch(n). */
void ax_power_spectrum(const double *x, uint32_t n, double *power, double *work);

/* Autocovariance sums: out[k] = sum over i of x[i] x[i+k], for k < lags <= n, by the FFT (Wiener-Khinchin).
 * work holds 2 m + ax_fft_scratch(m) with m = ax_fft_pow2(n + lags). */
void ax_autocovariance(const double *x, uint32_t n, uint32_t lags, double *out, double *work);

#endif
