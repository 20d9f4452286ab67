/* The kernel on unsigned __int128: any 64-bit machine with gcc or clang. */
#include <stdlib.h>

#include "prepared.h"

#define LIMB_BITS 43
#define LIMB_MASK ((UINT64_C(1) << LIMB_BITS) - 1)
#define BATCH_BLOCK 32 /* inputs evaluated together: one reading of the coefficients serves them all */

static int portable_check(const uint8_t *packed, size_t count)
{
    uint64_t bad = 0;
    element a;
    for (size_t at = 0; at < count; at++)
        bad |= element_load(&a, packed + at * ELEMENT_BYTES);
    wipe(&a, sizeof a);
    return bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
}

typedef element (*operation)(const element *, const element *);

/* Inlined with a constant operation by each of its callers; `step` is 0 for a fixed right side. */
static inline int elementwise(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count,
                              size_t step, operation apply)
{
    uint64_t bad = 0;
    for (size_t at = 0; at < count; at++) {
        element left, right;
        bad |= element_load(&left, a + at * ELEMENT_BYTES);
        bad |= element_load(&right, b + at * step);
        element result = apply(&left, &right);
        element_store(out + at * ELEMENT_BYTES, &result);
    }
    return bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
}

static int portable_add(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)
{
    return elementwise(out, a, b, count, ELEMENT_BYTES, element_add);
}

static int portable_subtract(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)
{
    return elementwise(out, a, b, count, ELEMENT_BYTES, element_subtract);
}

static int portable_multiply(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)
{
    return elementwise(out, a, b, count, ELEMENT_BYTES, element_multiply);
}

static int portable_scale(uint8_t *out, const uint8_t *vector, const uint8_t *scalar, size_t count)
{
    return elementwise(out, vector, scalar, count, 0, element_multiply);
}

/* Reads `count` elements into fresh memory; NULL when there is none. */
static element *load_all(const uint8_t *packed, size_t count, uint64_t *bad)
{
    element *all = malloc((count ? count : 1) * sizeof *all);
    if (all)
        for (size_t at = 0; at < count; at++)
            *bad |= element_load(&all[at], packed + at * ELEMENT_BYTES);
    return all;
}

static void release(element *all, size_t count)
{
    if (all) {
        wipe(all, count * sizeof *all);
        free(all);
    }
}

static int portable_combine(uint8_t *out, const uint8_t *matrix, const uint8_t *vectors,
                            size_t rows, size_t count, size_t width)
{
    uint64_t bad = 0;
    int code = KERNEL_NO_MEMORY;
    element *left = load_all(matrix, rows * count, &bad);
    element *right = load_all(vectors, count * width, &bad);
    if (left && right) {
        for (size_t row = 0; row < rows; row++)
            for (size_t column = 0; column < width; column++) {
                wide sum = {0, 0, 0};
                for (size_t at = 0; at < count; at++)
                    wide_add_product(&sum, &left[row * count + at], &right[at * width + column]);
                element result = wide_reduce(&sum);
                element_store(out + (row * width + column) * ELEMENT_BYTES, &result);
            }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release(left, rows * count);
    release(right, count * width);
    return code;
}

static int portable_share(uint8_t *out, const uint8_t *secret, const uint8_t *coefficients,
                          const uint8_t *points, size_t length, size_t degree, size_t point_count)
{
    uint64_t bad = 0;
    int code = KERNEL_NO_MEMORY;
    element *constant = load_all(secret, length, &bad);
    element *rows = load_all(coefficients, length * degree, &bad);
    element *at = load_all(points, point_count, &bad);
    if (constant && rows && at) {
        for (size_t point = 0; point < point_count; point++)
            for (size_t i = 0; i < length; i++) {
                element value = element_from(0, 0);
                for (size_t row = degree; row-- > 0;) {
                    value = element_add(&value, &rows[row * length + i]);
                    value = element_multiply(&value, &at[point]);
                }
                value = element_add(&value, &constant[i]);
                element_store(out + (point * length + i) * ELEMENT_BYTES, &value);
            }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release(constant, length);
    release(rows, length * degree);
    release(at, point_count);
    return code;
}

/* Inputs of one block: z = (1, x_1, ..., x_k), as elements and in three planes of 43 bits. */
typedef struct {
    element *z;
    uint64_t *planes;
} block;

static uint64_t load_block(block *inputs, const uint8_t *packed, size_t k, size_t count)
{
    uint64_t bad = 0;
    for (size_t input = 0; input < count; input++) {
        element *z = inputs->z + input * (k + 1);
        uint64_t *plane = inputs->planes + input * 3 * (k + 1);
        z[0] = element_from(1, 0);
        for (size_t i = 0; i < k; i++)
            bad |= element_load(&z[i + 1], packed + (input * k + i) * ELEMENT_BYTES);
        for (size_t i = 0; i <= k; i++) {
            u128 low = element_low(&z[i]);
            plane[i] = (uint64_t)low & LIMB_MASK;
            plane[i + k + 1] = (uint64_t)(low >> LIMB_BITS) & LIMB_MASK;
            plane[i + 2 * (k + 1)] =
                (uint64_t)(low >> (2 * LIMB_BITS)) | z[i].top << (128 - 2 * LIMB_BITS);
        }
    }
    return bad;
}

/* sum += value 2^shift, for value < 2^122 and shift < 192 */
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

/* Bytes between what is multiplied and what is fetched: about 500 terms of one plane. */
#define FETCH_AHEAD 4096

static inline void fetch(const uint64_t *limbs)
{
    /* An address beyond the plane is never read; as a number it may be computed. */
    __builtin_prefetch((const void *)((uintptr_t)limbs + FETCH_AHEAD)); // NOLINT(performance-no-int-to-ptr)
}

/* sum over j of coefficient_j z_j, at most 2^13 of them.
 *
 * Coefficients are public and have two limbs of 64 bits; inputs are secret, need 129 bits and have
 * three limbs of 43. A product has 107 bits, so a column sums 2^13 of them in 120 bits without a
 * carry: six multiplications and six double-word additions a term. One plane after the other, because
 * the columns of both do not fit the registers. Measured on 2 cores of a Xeon (model 167, gcc 12),
 * k = 2000, one input: 4.8 ms; 15.4 ms without fetching ahead, 5.5 ms with both planes in one loop. */
static inline element row_product(const uint64_t *c0, const uint64_t *c1, const uint64_t *x0,
                                  const uint64_t *x1, const uint64_t *x2, size_t count)
{
    u128 s00 = 0, s01 = 0, s02 = 0, s10 = 0, s11 = 0, s12 = 0;
    for (size_t j = 0; j < count; j++) {
        fetch(c0 + j);
        s00 += (u128)c0[j] * x0[j];
        s01 += (u128)c0[j] * x1[j];
        s02 += (u128)c0[j] * x2[j];
    }
    for (size_t j = 0; j < count; j++) {
        fetch(c1 + j);
        s10 += (u128)c1[j] * x0[j];
        s11 += (u128)c1[j] * x1[j];
        s12 += (u128)c1[j] * x2[j];
    }
    wide sum = {0, 0, 0};
    wide_add_shifted(&sum, s00, 0);
    wide_add_shifted(&sum, s01, LIMB_BITS);
    wide_add_shifted(&sum, s02, 2 * LIMB_BITS);
    wide_add_shifted(&sum, s10, 64);
    wide_add_shifted(&sum, s11, 64 + LIMB_BITS);
    wide_add_shifted(&sum, s12, 64 + 2 * LIMB_BITS);
    return wide_reduce(&sum);
}

static void quadratic_block(uint8_t *out, const quadratic *function, const block *inputs,
                            size_t count)
{
    size_t k = function->inputs, at = 0, large = 0;
    for (size_t output = 0; output < function->outputs; output++) {
        wide totals[BATCH_BLOCK] = {{0, 0, 0}};
        for (size_t i = 0; i <= k; i++) {
            size_t row = k + 1 - i;
            for (size_t input = 0; input < count; input++) {
                const uint64_t *x = inputs->planes + input * 3 * (k + 1) + i;
                element inner = row_product(function->limbs[0] + at, function->limbs[1] + at, x,
                                            x + k + 1, x + 2 * (k + 1), row);
                wide_add_product(&totals[input], &inner, &inputs->z[input * (k + 1) + i]);
            }
            at += row;
        }
        for (; large < function->large_count && function->large[large].output == output; large++) {
            const large_coefficient *term = &function->large[large];
            for (size_t input = 0; input < count; input++) {
                const element *z = inputs->z + input * (k + 1);
                element product = element_multiply(&z[term->i], &z[term->j]);
                wide_add_product(&totals[input], &product, &term->value);
            }
        }
        for (size_t input = 0; input < count; input++) {
            element value = wide_reduce(&totals[input]);
            element_store(out + (input * function->outputs + output) * ELEMENT_BYTES, &value);
        }
        wipe(totals, sizeof totals);
    }
}

static int portable_evaluate_quadratic(uint8_t *out, const quadratic *function,
                                       const uint8_t *inputs, size_t batch)
{
    size_t k = function->inputs;
    size_t most = (batch < BATCH_BLOCK ? batch : BATCH_BLOCK) * (k + 1);
    uint64_t bad = 0;
    block memory = {malloc((most + 1) * sizeof(element)), malloc((most + 1) * 3 * sizeof(uint64_t))};
    int code = KERNEL_NO_MEMORY;
    if (memory.z && memory.planes) {
        for (size_t done = 0; done < batch; done += BATCH_BLOCK) {
            size_t count = batch - done < BATCH_BLOCK ? batch - done : BATCH_BLOCK;
            bad |= load_block(&memory, inputs + done * k * ELEMENT_BYTES, k, count);
            quadratic_block(out + done * function->outputs * ELEMENT_BYTES, function, &memory,
                            count);
        }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    if (memory.z)
        wipe(memory.z, most * sizeof(element));
    if (memory.planes)
        wipe(memory.planes, most * 3 * sizeof(uint64_t));
    free(memory.z);
    free(memory.planes);
    return code;
}

/* All powers of all variables that occur, each from the one before. */
static uint64_t load_powers(element *powers, const sparse *function, const uint8_t *input)
{
    uint64_t bad = 0;
    for (size_t variable = 0; variable < function->inputs; variable++) {
        element x;
        bad |= element_load(&x, input + variable * ELEMENT_BYTES);
        element *own = powers + function->power_start[variable];
        for (uint32_t exponent = 0; exponent < function->power_count[variable]; exponent++)
            own[exponent] = exponent ? element_multiply(&own[exponent - 1], &x) : x;
    }
    return bad;
}

/* Rows in order; products of the leading factors that a row shares with the one before are kept. */
static void sparse_sum(wide *totals, const sparse *function, const element *powers,
                       element *products)
{
    for (size_t output = 0; output < function->outputs; output++) {
        wide zero = {0, 0, 0};
        totals[output] = zero;
    }
    products[0] = element_from(1, 0);
    for (size_t row = 0; row < function->rows; row++) {
        const monomial *term = &function->monomials[row];
        for (size_t depth = term->shared; depth < term->count; depth++) {
            const element *power = &powers[function->factor_list[term->first + depth].power];
            products[depth + 1] = element_multiply(&products[depth], power);
        }
        const element *coefficients = &function->coefficients[row * function->outputs];
        for (size_t output = 0; output < function->outputs; output++)
            wide_add_product(&totals[output], &products[term->count], &coefficients[output]);
    }
}

#define MAX_FACTORS 255 /* a row counts its factors in one byte */

static int portable_evaluate_sparse(uint8_t *out, const sparse *function, const uint8_t *inputs,
                                    size_t batch)
{
    uint64_t bad = 0;
    size_t power_bytes = (function->powers + 1) * sizeof(element);
    size_t total_bytes = function->outputs * sizeof(wide);
    element *powers = malloc(power_bytes);
    wide *totals = malloc(total_bytes);
    element products[MAX_FACTORS + 1];
    int code = KERNEL_NO_MEMORY;
    if (powers && totals) {
        for (size_t input = 0; input < batch; input++) {
            bad |= load_powers(powers, function, inputs + input * function->inputs * ELEMENT_BYTES);
            sparse_sum(totals, function, powers, products);
            for (size_t output = 0; output < function->outputs; output++) {
                element value = wide_reduce(&totals[output]);
                element_store(out + (input * function->outputs + output) * ELEMENT_BYTES, &value);
            }
        }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    if (powers)
        wipe(powers, power_bytes);
    if (totals)
        wipe(totals, total_bytes);
    wipe(products, sizeof products);
    free(powers);
    free(totals);
    return code;
}

const kernel_path kernel_portable = {
    .name = "portable-128",
    .check = portable_check,
    .add = portable_add,
    .subtract = portable_subtract,
    .multiply = portable_multiply,
    .scale = portable_scale,
    .combine = portable_combine,
    .share = portable_share,
    .evaluate_quadratic = portable_evaluate_quadratic,
    .evaluate_sparse = portable_evaluate_sparse,
};
