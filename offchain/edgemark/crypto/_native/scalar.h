/* The kernel on unsigned __int128, to be compiled for one instruction set by each file that includes it.
 *
 * The file defines SCALAR_PATH (the table's name) and SCALAR_NAME (what users see), and includes
 * prepared.h and stdlib.h under the instruction set that it wants.
 */
#ifndef SCALAR_PATH
#error "scalar.h is part of another file"
#endif

static int scalar_check(const uint8_t *packed, size_t count)
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

static int scalar_add(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)
{
    return elementwise(out, a, b, count, ELEMENT_BYTES, element_add);
}

static int scalar_subtract(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)
{
    return elementwise(out, a, b, count, ELEMENT_BYTES, element_subtract);
}

static int scalar_multiply(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)
{
    return elementwise(out, a, b, count, ELEMENT_BYTES, element_multiply);
}

static int scalar_scale(uint8_t *out, const uint8_t *vector, const uint8_t *scalar, size_t count)
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

static int scalar_combine(uint8_t *out, const uint8_t *matrix, const uint8_t *vectors,
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

static int scalar_share(uint8_t *const *outs, const uint8_t *secret, const uint8_t *coefficients,
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
                element_store(outs[point] + i * ELEMENT_BYTES, &value);
            }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release(constant, length);
    release(rows, length * degree);
    release(at, point_count);
    return code;
}

#include "scalar_functions.h"

const kernel_path SCALAR_PATH = {
    .name = SCALAR_NAME,
    .layout = BY_ROWS,
    .check = scalar_check,
    .add = scalar_add,
    .subtract = scalar_subtract,
    .multiply = scalar_multiply,
    .scale = scalar_scale,
    .combine = scalar_combine,
    .share = scalar_share,
    .evaluate_quadratic = scalar_evaluate_quadratic,
    .evaluate_sparse = scalar_evaluate_sparse,
};
