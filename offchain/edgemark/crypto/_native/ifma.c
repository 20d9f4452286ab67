/* The kernel on AVX-512 IFMA, eight elements at a time; Intel since Ice Lake, AMD since Zen 4.
 *
 * Dot products are summed in 52-bit columns without a carry for MOST_ROUNDS rounds. Coefficients are
 * public and stream from memory in the order of prepared.h; they are fetched ahead. What is not faster
 * with vectors (reading and writing 17-byte elements is most of it) is the mulx path's.
 */
#if defined(__x86_64__)

#include <stdlib.h>
#include <string.h>

#include "target.h"

BEGIN_TARGET("bmi,bmi2,avx512f,avx512dq,avx512ifma")

#include "lanes.h"
#include "prepared.h"

#define ALIGNMENT 64
/* Bytes, in each of the two planes. Measured as in planes.c, k = 2000, after the caches were emptied:
 * 1.8 ms with 1536 to 3072; 2.1 ms without, 1.9 ms with 1024 or 4096. */
#define FETCH_AHEAD 2048
#define MOST_TERMS (1 << 17) /* products of two elements whose sum is below 2^276 */
#define PAIR 2               /* inputs, or strips of a quadratic function, that are summed together */

static inline void fetch(const uint64_t *limbs)
{
    /* An address beyond the plane is never read; as a number it may be computed. */
    __builtin_prefetch((const void *)((uintptr_t)limbs + FETCH_AHEAD)); // NOLINT(performance-no-int-to-ptr)
}

/* Zeroed memory for `numbers` numbers and one more vector, so that a last vector may be read whole. */
static uint64_t *allocate_numbers(size_t numbers)
{
    size_t bytes = (numbers * sizeof(uint64_t) / ALIGNMENT + 2) * ALIGNMENT;
    uint64_t *memory = aligned_alloc(ALIGNMENT, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

static void release(void *memory, size_t bytes)
{
    if (memory) {
        wipe(memory, bytes);
        free(memory);
    }
}

/* Packed elements as three planes of `count` numbers; NULL when there is no memory. */
static uint64_t *load_planes(const uint8_t *packed, size_t count, uint64_t *bad)
{
    uint64_t *planes = allocate_numbers(count * LANE_LIMBS);
    if (planes)
        for (size_t at = 0; at < count; at++) {
            element a;
            *bad |= element_load(&a, packed + at * ELEMENT_BYTES);
            planes_of_elements(planes + at, count, &a, 1);
        }
    return planes;
}

static void release_planes(uint64_t *planes, size_t count)
{
    release(planes, count * LANE_LIMBS * sizeof *planes);
}

/* One block of 8 columns of one row: sum over at of matrix[at] vectors[at][column..] */
static void combine_block(uint8_t *out, const uint64_t *matrix, size_t matrix_stride,
                          const uint64_t *vectors, size_t vector_stride, size_t count, size_t width,
                          size_t columns_left)
{
    lane_totals totals;
    totals_clear(&totals);
    for (size_t done = 0; done < count; done += MOST_ROUNDS) {
        size_t end = count - done < MOST_ROUNDS ? count : done + MOST_ROUNDS;
        columns sum;
        columns_clear(&sum);
        for (size_t at = done; at < end; at++) {
            lanes a = lanes_repeat(matrix + at, matrix_stride);
            lanes b = lanes_load(vectors + at * width, vector_stride);
            columns_add_product(&sum, &a, &b);
        }
        totals_add(&totals, &sum);
    }
    lanes result = totals_reduce(&totals);
    lanes_store(out, &result, columns_left < LANES ? columns_left : LANES);
}

static int ifma_combine(uint8_t *out, const uint8_t *matrix, const uint8_t *vectors, size_t rows,
                        size_t count, size_t width)
{
    if (width < LANES || count > MOST_TERMS)
        return kernel_mulx.combine(out, matrix, vectors, rows, count, width);
    uint64_t bad = 0;
    size_t left_count = rows * count, right_count = count * width;
    uint64_t *left = load_planes(matrix, left_count, &bad);
    uint64_t *right = load_planes(vectors, right_count, &bad);
    int code = KERNEL_NO_MEMORY;
    if (left && right) {
        for (size_t row = 0; row < rows; row++)
            for (size_t column = 0; column < width; column += LANES)
                combine_block(out + (row * width + column) * ELEMENT_BYTES, left + row * count,
                              left_count, right + column, right_count, count, width,
                              width - column);
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release_planes(left, left_count);
    release_planes(right, right_count);
    return code;
}

/* Eight values of secret + sum of rows[i] u^(i+1), by Horner's rule. */
static lanes share_lanes(const uint64_t *secret, const uint64_t *rows, size_t length, size_t degree,
                         const lanes *u)
{
    lanes value = degree > 0 ? lanes_load(rows + (degree - 1) * length, length * degree)
                             : lanes_load(secret, length);
    for (size_t row = degree; row-- > 0;) {
        /* value u + next coefficient, in columns */
        columns sum;
        columns_clear(&sum);
        columns_add_product(&sum, &value, u);
        lanes next = row > 0 ? lanes_load(rows + (row - 1) * length, length * degree)
                             : lanes_load(secret, length);
        for (int i = 0; i < LANE_LIMBS; i++)
            sum.low[i] = _mm512_add_epi64(sum.low[i], next.limb[i]);
        lane_totals totals;
        totals_clear(&totals);
        totals_add(&totals, &sum);
        value = totals_reduce(&totals);
    }
    return value;
}

static int ifma_share(uint8_t *const *outs, const uint8_t *secret, const uint8_t *coefficients,
                      const uint8_t *points, size_t length, size_t degree, size_t point_count)
{
    uint64_t bad = 0;
    uint64_t *constant = load_planes(secret, length, &bad);
    uint64_t *rows = load_planes(coefficients, length * degree, &bad);
    uint64_t *at = load_planes(points, point_count, &bad);
    int code = KERNEL_NO_MEMORY;
    if (constant && rows && at) {
        for (size_t point = 0; point < point_count; point++) {
            lanes u = lanes_repeat(at + point, point_count);
            for (size_t i = 0; i < length; i += LANES) {
                lanes value = share_lanes(constant + i, rows + i, length, degree, &u);
                size_t left = length - i < LANES ? length - i : LANES;
                lanes_store(outs[point] + i * ELEMENT_BYTES, &value, left);
            }
        }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release_planes(constant, length);
    release_planes(rows, length * degree);
    release_planes(at, point_count);
    return code;
}

#include "ifma_functions.h"

END_TARGET

#define ELEMENTWISE(operation)                                                                     \
    static int ifma_##operation(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count)    \
    {                                                                                              \
        return kernel_mulx.operation(out, a, b, count);                                            \
    }

ELEMENTWISE(add)
ELEMENTWISE(subtract)
ELEMENTWISE(multiply)
ELEMENTWISE(scale)

static int ifma_check(const uint8_t *packed, size_t count)
{
    return kernel_mulx.check(packed, count);
}

const kernel_path kernel_ifma = {
    .name = "avx512-ifma",
    .layout = BY_STRIPS,
    .check = ifma_check,
    .add = ifma_add,
    .subtract = ifma_subtract,
    .multiply = ifma_multiply,
    .scale = ifma_scale,
    .combine = ifma_combine,
    .share = ifma_share,
    .evaluate_quadratic = ifma_evaluate_quadratic,
    .evaluate_sparse = ifma_evaluate_sparse,
};

#else
typedef int no_ifma_here; /* a file may not be empty */
#endif
