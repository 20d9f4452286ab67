/* Elements of F_q, q = 2^128 + 51, on 64-bit limbs: inline arithmetic for the kernel.
 *
 * 2^128 = -51 (mod q), so that a product L + H 2^128 is L - 51 H. An element has 129 bits; the top bit
 * is kept apart and enters by masks. Everything here takes the same time whatever the values are.
 */
#ifndef EDGEMARK_ELEMENT_H
#define EDGEMARK_ELEMENT_H

#include <stddef.h>
#include <stdint.h>

#define ELEMENT_BYTES 17
#define Q_TAIL 51 /* q - 2^128 */

typedef unsigned __int128 u128;

/* low + top 2^128, always below q: top is 0, or 1 with low < 51. */
typedef struct {
    uint64_t limb[2];
    uint64_t top;
} element;

/* low + high 2^128 + top 2^256: a sum of at most 2^48 products, not reduced. */
typedef struct {
    u128 low, high;
    uint64_t top;
} wide;

static inline u128 element_low(const element *a)
{
    return ((u128)a->limb[1] << 64) | a->limb[0];
}

static inline element element_from(u128 low, uint64_t top)
{
    element a = {{(uint64_t)low, (uint64_t)(low >> 64)}, top};
    return a;
}

/* All ones when bit is 1, zero when it is 0. */
static inline u128 mask_of(uint64_t bit)
{
    return (u128)0 - bit;
}

/* value = low + carry 2^128 with carry 0 or 1, below 2 q */
static inline element element_settle(u128 low, uint64_t carry)
{
    uint64_t beyond = carry & (uint64_t)(low >= Q_TAIL);
    low -= mask_of(beyond) & Q_TAIL;
    return element_from(low, carry ^ beyond);
}

/* low + high 2^128 + top 2^256 = low - 51 high + 51^2 top (mod q), for top < 2^50 */
static inline element wide_reduce(const wide *sum)
{
    u128 part = (u128)(uint64_t)sum->high * Q_TAIL;
    u128 rest = (u128)(uint64_t)(sum->high >> 64) * Q_TAIL + (part >> 64);
    u128 product = (rest << 64) | (uint64_t)part;
    u128 difference = sum->low - product;
    uint64_t borrow = (uint64_t)(sum->low < product);
    uint64_t excess = ((uint64_t)(rest >> 64) + borrow) * Q_TAIL
                      + sum->top * (uint64_t)(Q_TAIL * Q_TAIL);
    u128 low = difference + excess;
    return element_settle(low, (uint64_t)(low < difference));
}

static inline void wide_add_high(wide *sum, u128 value)
{
    sum->high += value;
    sum->top += (uint64_t)(sum->high < value);
}

static inline void wide_add_low(wide *sum, u128 value)
{
    sum->low += value;
    wide_add_high(sum, (u128)(sum->low < value));
}

/* sum += value 2^shift, for value < 2^122, shift < 256 and value 2^shift < 2^300 */
static inline void wide_add_shifted(wide *sum, u128 value, unsigned shift)
{
    if (shift >= 128) {
        wide_add_high(sum, value << (shift - 128));
        sum->top += shift > 128 ? (uint64_t)(value >> (256 - shift)) : 0;
    } else {
        wide_add_low(sum, value << shift);
        wide_add_high(sum, shift > 0 ? value >> (128 - shift) : 0);
    }
}

/* sum += a b */
static inline void wide_add_product(wide *sum, const element *a, const element *b)
{
    u128 outer = (u128)a->limb[0] * b->limb[0];
    u128 middle = (u128)a->limb[0] * b->limb[1];
    u128 other = (u128)a->limb[1] * b->limb[0];
    u128 high = (u128)a->limb[1] * b->limb[1];
    middle += outer >> 64; /* at most (2^64-1)^2 + 2^64-1 < 2^128 */
    other += (uint64_t)middle;
    high += (middle >> 64) + (other >> 64); /* the product is below 2^256 */
    wide_add_low(sum, (other << 64) | (uint64_t)outer);
    wide_add_high(sum, high);
    wide_add_high(sum, element_low(b) & mask_of(a->top));
    wide_add_high(sum, element_low(a) & mask_of(b->top));
    sum->top += a->top & b->top;
}

static inline element element_multiply(const element *a, const element *b)
{
    wide product = {0, 0, 0};
    wide_add_product(&product, a, b);
    return wide_reduce(&product);
}

/* a + b <= 2^129 + 100: carries out of the low half and the tops together count 2^128 at most twice,
 * and then the low half is below 102, so that one more subtraction settles it. */
static inline element element_add(const element *a, const element *b)
{
    u128 low = element_low(a) + element_low(b);
    uint64_t carry = (uint64_t)(low < element_low(b)) + a->top + b->top;
    uint64_t beyond = (carry & (uint64_t)(low >= Q_TAIL)) | (carry >> 1);
    uint64_t borrow = beyond & (uint64_t)(low < Q_TAIL);
    low -= mask_of(beyond) & Q_TAIL;
    return element_from(low, carry - beyond - borrow);
}

/* a - b, plus q when that is negative */
static inline element element_subtract(const element *a, const element *b)
{
    u128 low = element_low(a) - element_low(b);
    uint64_t borrow = (uint64_t)(element_low(a) < element_low(b));
    uint64_t top = a->top - b->top - borrow; /* 1, 0, -1 or -2, modulo 2^64 */
    uint64_t negative = top >> 63;
    u128 shifted = low + (mask_of(negative) & Q_TAIL);
    uint64_t carry = (uint64_t)(shifted < low);
    return element_from(shifted, top + negative + carry);
}

static inline uint64_t load_big_endian(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = (word << 8) | bytes[i];
    return word;
}

static inline void store_big_endian(uint8_t *bytes, uint64_t word)
{
    for (int i = 7; i >= 0; i--) {
        bytes[i] = (uint8_t)word;
        word >>= 8;
    }
}

/* Reads one packed element; returns 0 when it is below q and 1 when it is not. */
static inline uint64_t element_load(element *a, const uint8_t *bytes)
{
    uint64_t top = bytes[0];
    a->limb[1] = load_big_endian(bytes + 1);
    a->limb[0] = load_big_endian(bytes + 9);
    a->top = top & 1;
    return (uint64_t)(top > 1) | (a->top & (uint64_t)(element_low(a) >= Q_TAIL));
}

static inline void element_store(uint8_t *bytes, const element *a)
{
    bytes[0] = (uint8_t)a->top;
    store_big_endian(bytes + 1, a->limb[1]);
    store_big_endian(bytes + 9, a->limb[0]);
}

#endif
