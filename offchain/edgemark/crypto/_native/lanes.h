/* Eight elements at once: AVX-512 IFMA, which multiplies 52-bit limbs and adds either half of a product.
 *
 * Below BEGIN_TARGET only. A lane is limb 0 + limb 1 2^52 + limb 2 2^104. A factor is below 2^130: limbs
 * 0 and 1 have 52 bits and limb 2 at most 26, of elements 25. The instructions read the low 52 bits of
 * their factors and ignore the rest.
 */
#ifndef EDGEMARK_LANES_H
#define EDGEMARK_LANES_H

#include <immintrin.h>
#include <string.h>

#include "element.h"

#define LANE_BITS 52
#define LANE_MASK ((UINT64_C(1) << LANE_BITS) - 1)
#define LANE_LIMBS 3

/* A column takes at most 5 products of 52 bits a round: 5 * 512 of them, and a carry, fit 64 bits. */
#define MOST_ROUNDS 512

typedef struct {
    __m512i limb[LANE_LIMBS];
} lanes;

/* Lower halves of products by column of weight 2^52, and upper halves, apart: shorter chains. */
typedef struct {
    __m512i low[5], high[4]; /* high[i] has the weight of low[i + 1] */
} columns;

/* Sum of columns with carries done: limbs below 2^52, the last one below 2^64. */
typedef struct {
    __m512i limb[6];
} lane_totals;

static inline __m512i lane_constant(uint64_t value)
{
    return _mm512_set1_epi64((long long)value);
}

static inline void columns_clear(columns *sum)
{
    for (int i = 0; i < 5; i++)
        sum->low[i] = _mm512_setzero_si512();
    for (int i = 0; i < 4; i++)
        sum->high[i] = _mm512_setzero_si512();
}

/* sum += a b. The upper half of the product of limbs 2 is zero: both have at most 26 bits. */
static inline void columns_add_product(columns *sum, const lanes *a, const lanes *b)
{
    for (int i = 0; i < LANE_LIMBS; i++)
        for (int j = 0; j < LANE_LIMBS; j++) {
            sum->low[i + j] = _mm512_madd52lo_epu64(sum->low[i + j], a->limb[i], b->limb[j]);
            if (i + j < 4)
                sum->high[i + j] = _mm512_madd52hi_epu64(sum->high[i + j], a->limb[i], b->limb[j]);
        }
}

/* Moves what is beyond 52 bits of each limb to the next one. */
static inline void totals_carry(lane_totals *totals)
{
    const __m512i mask = lane_constant(LANE_MASK);
    for (int i = 0; i < 5; i++) {
        __m512i carry = _mm512_srli_epi64(totals->limb[i], LANE_BITS);
        totals->limb[i] = _mm512_and_si512(totals->limb[i], mask);
        totals->limb[i + 1] = _mm512_add_epi64(totals->limb[i + 1], carry);
    }
}

static inline void totals_clear(lane_totals *totals)
{
    for (int i = 0; i < 6; i++)
        totals->limb[i] = _mm512_setzero_si512();
}

/* totals += sum, after at most MOST_ROUNDS products */
static inline void totals_add(lane_totals *totals, const columns *sum)
{
    for (int i = 0; i < 5; i++)
        totals->limb[i] = _mm512_add_epi64(totals->limb[i], sum->low[i]);
    for (int i = 0; i < 4; i++)
        totals->limb[i + 1] = _mm512_add_epi64(totals->limb[i + 1], sum->high[i]);
    totals_carry(totals);
}

/* 51 h, for h < 2^52 */
static inline __m512i lanes_times_tail(__m512i h)
{
    __m512i three = _mm512_add_epi64(h, _mm512_slli_epi64(h, 1));
    return _mm512_add_epi64(three, _mm512_slli_epi64(three, 4)); /* 17 * 3 */
}

/* 52 bits of the number whose limbs are `lower` and `upper`, from bit 24 of `lower` on: 128 = 2 * 52 + 24 */
static inline __m512i lanes_beyond_128(__m512i lower, __m512i upper)
{
    __m512i joined =
        _mm512_or_si512(_mm512_srli_epi64(lower, 24), _mm512_slli_epi64(upper, LANE_BITS - 24));
    return _mm512_and_si512(joined, lane_constant(LANE_MASK));
}

/* Subtracts 51 times `tail` from the number and does the carries, which may be negative. */
static inline lanes lanes_subtract_tail(lanes number, const lanes *tail)
{
    const __m512i mask = lane_constant(LANE_MASK);
    for (int i = 0; i < LANE_LIMBS; i++)
        number.limb[i] = _mm512_sub_epi64(number.limb[i], lanes_times_tail(tail->limb[i]));
    for (int i = 0; i < 2; i++) {
        __m512i carry = _mm512_srai_epi64(number.limb[i], LANE_BITS);
        number.limb[i] = _mm512_and_si512(number.limb[i], mask);
        number.limb[i + 1] = _mm512_add_epi64(number.limb[i + 1], carry);
    }
    return number;
}

/* A number congruent to the totals V < 2^276 and below 2^129 + 51: limb 2 has at most 26 bits.
 *
 * L + H 2^128 = L - 51 H (mod q), twice. First H < 2^148, and adding q 2^26 > 51 H keeps it positive;
 * what comes is below 2^155, so that the second time H < 2^27, and adding q does. */
static inline lanes totals_reduce(const lane_totals *v)
{
    const __m512i low_24 = lane_constant((UINT64_C(1) << 24) - 1);
    lanes tail = {{lanes_beyond_128(v->limb[2], v->limb[3]),
                   lanes_beyond_128(v->limb[3], v->limb[4]),
                   lanes_beyond_128(v->limb[4], v->limb[5])}};
    lanes number = {{_mm512_add_epi64(v->limb[0], lane_constant((uint64_t)Q_TAIL << 26)),
                     v->limb[1],
                     _mm512_add_epi64(_mm512_and_si512(v->limb[2], low_24),
                                      lane_constant(UINT64_C(1) << (24 + 26)))}};
    number = lanes_subtract_tail(number, &tail);
    tail.limb[0] = _mm512_srli_epi64(number.limb[2], 24);
    tail.limb[1] = tail.limb[2] = _mm512_setzero_si512();
    number.limb[0] = _mm512_add_epi64(number.limb[0], lane_constant(Q_TAIL));
    number.limb[2] = _mm512_add_epi64(_mm512_and_si512(number.limb[2], low_24),
                                      lane_constant(UINT64_C(1) << 24));
    return lanes_subtract_tail(number, &tail);
}

/* The same element in all lanes. */
static inline lanes lanes_repeat(const uint64_t *limbs, size_t stride)
{
    lanes a = {{lane_constant(limbs[0]), lane_constant(limbs[stride]),
                lane_constant(limbs[2 * stride])}};
    return a;
}

/* Eight consecutive elements of three planes. */
static inline lanes lanes_load(const uint64_t *planes, size_t stride)
{
    lanes a = {{_mm512_loadu_si512(planes), _mm512_loadu_si512(planes + stride),
                _mm512_loadu_si512(planes + 2 * stride)}};
    return a;
}

/* Eight coefficients below 2^128, from their two planes of 64 bits; limb 1 has bits beyond 52, which the
 * instructions ignore. */
static inline lanes lanes_coefficients(const uint64_t *low, const uint64_t *high)
{
    __m512i lower = _mm512_loadu_si512(low), upper = _mm512_loadu_si512(high);
    lanes a = {{lower,
                _mm512_or_si512(_mm512_srli_epi64(lower, LANE_BITS),
                                _mm512_slli_epi64(upper, 64 - LANE_BITS)),
                _mm512_srli_epi64(upper, 2 * LANE_BITS - 64)}};
    return a;
}

/* The three planes of elements. */
static inline void planes_of_elements(uint64_t *planes, size_t stride, const element *elements,
                                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        u128 low = element_low(&elements[i]);
        planes[i] = (uint64_t)low & LANE_MASK;
        planes[i + stride] = (uint64_t)(low >> LANE_BITS) & LANE_MASK;
        planes[i + 2 * stride] =
            (uint64_t)(low >> (2 * LANE_BITS)) | elements[i].top << (128 - 2 * LANE_BITS);
    }
}

/* The sum of all lanes of the totals, for limbs below 2^60. */
static inline wide totals_sum(const lane_totals *totals)
{
    wide sum = {0, 0, 0};
    for (unsigned i = 0; i < 6; i++) {
        uint64_t limb = (uint64_t)_mm512_reduce_add_epi64(totals->limb[i]);
        if (i == 5) /* 2^260 = 2^4 2^256 */
            sum.top += limb << 4;
        else
            wide_add_shifted(&sum, limb, i * LANE_BITS);
    }
    return sum;
}

/* A number below 2 q, as `totals_reduce` makes them, below q: less q unless that is negative. */
static inline lanes lanes_settle(const lanes *a)
{
    const __m512i mask = lane_constant(LANE_MASK);
    __m512i less0 = _mm512_sub_epi64(a->limb[0], lane_constant(Q_TAIL));
    __m512i less1 = _mm512_add_epi64(a->limb[1], _mm512_srai_epi64(less0, LANE_BITS));
    __m512i less2 = _mm512_sub_epi64(
        _mm512_add_epi64(a->limb[2], _mm512_srai_epi64(less1, LANE_BITS)),
        lane_constant(UINT64_C(1) << (128 - 2 * LANE_BITS)));
    __mmask8 negative = _mm512_movepi64_mask(less2);
    lanes settled = {{_mm512_mask_mov_epi64(_mm512_and_si512(less0, mask), negative, a->limb[0]),
                      _mm512_mask_mov_epi64(_mm512_and_si512(less1, mask), negative, a->limb[1]),
                      _mm512_mask_mov_epi64(less2, negative, a->limb[2])}};
    return settled;
}

/* Writes the first `count` lanes of a number below 2 q as packed elements; wipes its copy. */
static inline void lanes_store(uint8_t *out, const lanes *a, size_t count)
{
    lanes settled = lanes_settle(a);
    uint64_t word[3][8]; /* bits 0 to 63, 64 to 127, and 128 */
    _mm512_storeu_si512(word[0], _mm512_or_si512(settled.limb[0],
                                                 _mm512_slli_epi64(settled.limb[1], LANE_BITS)));
    _mm512_storeu_si512(word[1],
                        _mm512_or_si512(_mm512_srli_epi64(settled.limb[1], 64 - LANE_BITS),
                                        _mm512_slli_epi64(settled.limb[2], 2 * LANE_BITS - 64)));
    _mm512_storeu_si512(word[2], _mm512_srli_epi64(settled.limb[2], 128 - 2 * LANE_BITS));
    /* As `element_store`, but in whole words, which gcc does not make of its loops here: sharing takes
     * 26 us instead of 36. */
    for (size_t i = 0; i < count; i++) {
        uint64_t high = __builtin_bswap64(word[1][i]), low = __builtin_bswap64(word[0][i]);
        uint8_t *bytes = out + i * ELEMENT_BYTES;
        bytes[0] = (uint8_t)word[2][i];
        memcpy(bytes + 1, &high, sizeof high);
        memcpy(bytes + 9, &low, sizeof low);
    }
    for (int i = 0; i < 3; i++)
        _mm512_storeu_si512(word[i], _mm512_setzero_si512());
}

#endif
