/* Every form of RSQRT and RCP that this is compiled for, against the quotient that it stands for. Exits with how many differ. */
#include <immintrin.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int differ;

static void same(const char *form, const float *got, const float *wanted, int count)
{
    for (int i = 0; i < count; i++) {
        if (!memcmp(&got[i], &wanted[i], 4)) continue;
        differ++;
        printf("%s, element %d: %a, not %a\n", form, i, got[i], wanted[i]);
    }
}

int main(void)
{
    float x[16], r[16], roots[16], quotients[16], mixed[4] = { 0, 2, 3, 4 };
    for (int i = 0; i < 16; i++) {
        x[i] = 0.3f + (float)i * 1.7f;
        roots[i] = 1.0f / sqrtf(x[i]);
        quotients[i] = 1.0f / x[i];
    }
    __m128 a = _mm_loadu_ps(x), q, others = _mm_set_ps(4, 3, 2, 1);
    asm volatile("rsqrtps %1, %0\n movaps %0, %0" : "=x"(q) : "x"(a));
    _mm_storeu_ps(r, q), same("rsqrtps", r, roots, 4);
    asm volatile("movaps %1, %%xmm9\n rcpps %%xmm9, %%xmm10\n movaps %%xmm10, %0" : "=x"(q) : "x"(a) : "xmm9", "xmm10");
    _mm_storeu_ps(r, q), same("rcpps, high registers", r, quotients, 4);
    asm volatile("rcpps %1, %0\n movaps %0, %0" : "=x"(q) : "m"(a));
    _mm_storeu_ps(r, q), same("rcpps, memory", r, quotients, 4);
    mixed[0] = roots[0], q = others;
    asm volatile("rsqrtss %1, %0\n movaps %0, %0" : "+x"(q) : "x"(a));
    _mm_storeu_ps(r, q), same("rsqrtss", r, mixed, 4);
    mixed[0] = quotients[0], q = others;
    asm volatile("rcpss %1, %0\n movaps %0, %0" : "+x"(q) : "x"(a));
    _mm_storeu_ps(r, q), same("rcpss", r, mixed, 4);
#ifdef __AVX__
    __m256 wide = _mm256_loadu_ps(x), w;
    asm volatile("vrsqrtps %1, %0\n vmovaps %0, %0" : "=x"(w) : "x"(wide));
    _mm256_storeu_ps(r, w), same("vrsqrtps ymm", r, roots, 8);
    asm volatile("vmovaps %1, %%ymm12\n vrcpps %%ymm12, %%ymm13\n vmovaps %%ymm13, %0" : "=x"(w) : "x"(wide) : "xmm12", "xmm13");
    _mm256_storeu_ps(r, w), same("vrcpps ymm, high registers", r, quotients, 8);
    asm volatile("vrcpps %1, %0\n vmovaps %0, %0" : "=x"(w) : "m"(wide));
    _mm256_storeu_ps(r, w), same("vrcpps ymm, memory", r, quotients, 8);
    asm volatile("vrsqrtps %1, %0\n vmovaps %0, %0" : "=x"(q) : "x"(a));
    _mm_storeu_ps(r, q), same("vrsqrtps xmm", r, roots, 4);
    mixed[0] = roots[0];
    asm volatile("vrsqrtss %1, %2, %0\n vmovaps %0, %0" : "=x"(q) : "x"(a), "x"(others));
    _mm_storeu_ps(r, q), same("vrsqrtss", r, mixed, 4);
    mixed[0] = quotients[0];
    asm volatile("vrcpss %1, %2, %0\n vmovaps %0, %0" : "=x"(q) : "x"(a), "x"(others));
    _mm_storeu_ps(r, q), same("vrcpss", r, mixed, 4);
#endif
#ifdef __AVX512F__
    __m512 all = _mm512_loadu_ps(x), z;
    float some[16];
    double xd[8], rd[8];
    for (int i = 0; i < 8; i++) xd[i] = x[i];
    asm volatile("vrsqrt14ps %1, %0" : "=v"(z) : "v"(all));
    _mm512_storeu_ps(r, z), same("vrsqrt14ps", r, roots, 16);
    asm volatile("vmovaps %1, %%zmm20\n vrcp14ps %%zmm20, %%zmm21\n vmovaps %%zmm21, %0" : "=v"(z) : "v"(all) : "xmm20", "xmm21");
    _mm512_storeu_ps(r, z), same("vrcp14ps, high registers", r, quotients, 16);
    __m512d doubles = _mm512_loadu_pd(xd), d;
    asm volatile("vrsqrt14pd %1, %0" : "=v"(d) : "v"(doubles));
    _mm512_storeu_pd(rd, d);
    for (int i = 0; i < 8; i++) differ += rd[i] != 1 / sqrt(xd[i]);
    asm volatile("vrcp14pd %1, %0" : "=v"(d) : "v"(doubles));
    _mm512_storeu_pd(rd, d);
    for (int i = 0; i < 8; i++) differ += rd[i] != 1 / xd[i];
    z = _mm512_set1_ps(7);
    asm volatile("vrcp14ps %1, %0%{%2%}" : "+v"(z) : "v"(all), "Yk"((__mmask16)0x5555));
    for (int i = 0; i < 16; i++) some[i] = i % 2 ? 7 : quotients[i];
    _mm512_storeu_ps(r, z), same("vrcp14ps, masked", r, some, 16);
    asm volatile("vrsqrt14ps %1, %0%{%2%}%{z%}" : "+v"(z) : "v"(all), "Yk"((__mmask16)0x5555));
    for (int i = 0; i < 16; i++) some[i] = i % 2 ? 0 : roots[i];
    _mm512_storeu_ps(r, z), same("vrsqrt14ps, masked with zeros", r, some, 16);
#endif
    return differ;
}
