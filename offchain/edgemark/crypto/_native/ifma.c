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
/* Bytes, in each of the two planes. Measured on 2 cores of a Xeon (model 167), k = 2000, least of 60:
 * 1.6 ms; 2.1 ms without, 1.7 ms with 4096. */
#define FETCH_AHEAD 2048
#define MOST_TERMS (1 << 17) /* products of two elements whose sum is below 2^276 */
#define PAIR 2               /* inputs that share one reading of the coefficients */

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
    lanes value = {{_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()}};
    for (size_t row = degree + 1; row-- > 0;) {
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

static int ifma_share(uint8_t *out, const uint8_t *secret, const uint8_t *coefficients,
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
                lanes_store(out + (point * length + i) * ELEMENT_BYTES, &value, left);
            }
        }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release_planes(constant, length);
    release_planes(rows, length * degree);
    release_planes(at, point_count);
    return code;
}

/* totals[input] += columns of one strip, times z_i: the sum over the rows i of a_ij z_i in lane j, for
 * `inputs` inputs whose planes are `step` numbers apart. 17 multiplications a vector of coefficients
 * and input; two inputs share its 2 loads and 4 shifts. */
static inline void strip_sum(lane_totals *totals, const uint64_t *low, const uint64_t *high,
                             const uint64_t *z, size_t stride, size_t step, size_t rows,
                             const size_t inputs)
{
    for (size_t input = 0; input < inputs; input++)
        totals_clear(&totals[input]);
    for (size_t done = 0; done < rows; done += MOST_ROUNDS) {
        size_t end = rows - done < MOST_ROUNDS ? rows : done + MOST_ROUNDS;
        columns sum[PAIR];
        for (size_t input = 0; input < inputs; input++)
            columns_clear(&sum[input]);
        for (size_t i = done; i < end; i++) {
            fetch(low + i * LANES);
            fetch(high + i * LANES);
            lanes a = lanes_coefficients(low + i * LANES, high + i * LANES);
            for (size_t input = 0; input < inputs; input++) {
                lanes x = lanes_repeat(z + input * step + i, stride);
                columns_add_product(&sum[input], &a, &x);
            }
        }
        for (size_t input = 0; input < inputs; input++)
            totals_add(&totals[input], &sum[input]);
    }
}

/* total += reduced(inner) * right */
static inline void totals_add_product(lane_totals *total, const lane_totals *inner,
                                      const lanes *right)
{
    lanes left = totals_reduce(inner);
    columns sum;
    columns_clear(&sum);
    columns_add_product(&sum, &left, right);
    totals_add(total, &sum);
}

/* One output for one or two inputs: sum over the columns j of z_j (sum over i of a_ij z_i) */
static inline void quadratic_sums(wide *sums, const quadratic *function, size_t output,
                                  const uint64_t *z, size_t stride, size_t step,
                                  const size_t inputs)
{
    size_t at = output * function->terms;
    lane_totals totals[PAIR], inner[PAIR];
    for (size_t input = 0; input < inputs; input++)
        totals_clear(&totals[input]);
    for (size_t strip = 0; strip * LANES <= function->inputs; strip++) {
        size_t rows = strip_rows(function, strip);
        strip_sum(inner, function->planes.limb[0] + at, function->planes.limb[1] + at, z, stride,
                  step, rows, inputs);
        for (size_t input = 0; input < inputs; input++) {
            lanes right = lanes_load(z + input * step + strip * LANES, stride);
            totals_add_product(&totals[input], &inner[input], &right);
        }
        at += rows * LANES;
    }
    for (size_t input = 0; input < inputs; input++)
        sums[input] = totals_sum(&totals[input]);
}

/* All outputs for one or two inputs, whose elements z and planes are `width` and `step` apart. */
static void quadratic_inputs(uint8_t *out, const quadratic *function, const element *z,
                             const uint64_t *planes, size_t stride, size_t inputs)
{
    size_t step = LANE_LIMBS * stride, large = 0;
    for (size_t output = 0; output < function->outputs; output++) {
        wide sums[PAIR];
        size_t next = large;
        if (inputs == PAIR)
            quadratic_sums(sums, function, output, planes, stride, step, PAIR);
        else
            quadratic_sums(sums, function, output, planes, stride, step, 1);
        for (size_t input = 0; input < inputs; input++) {
            const element *own = z + input * (function->inputs + 1);
            next = large;
            add_large(&sums[input], &function->large, &next, output, own, own);
            element value = wide_reduce(&sums[input]);
            element_store(out + (input * function->outputs + output) * ELEMENT_BYTES, &value);
        }
        large = next;
        wipe(sums, sizeof sums);
    }
}

static int ifma_evaluate_quadratic(uint8_t *out, const quadratic *function, const uint8_t *inputs,
                                   size_t batch)
{
    size_t width = function->inputs + 1, stride = (width + LANES - 1) / LANES * LANES;
    element *z = calloc(PAIR * width, sizeof *z);
    uint64_t *planes = allocate_numbers(stride * LANE_LIMBS * PAIR);
    uint64_t bad = 0;
    int code = KERNEL_NO_MEMORY;
    if (z && planes) {
        for (size_t done = 0; done < batch; done += PAIR) {
            size_t count = batch - done < PAIR ? batch - done : PAIR;
            for (size_t input = 0; input < count; input++) {
                element *own = z + input * width;
                own[0] = element_from(1, 0);
                for (size_t i = 1; i < width; i++, inputs += ELEMENT_BYTES)
                    bad |= element_load(&own[i], inputs);
                planes_of_elements(planes + input * LANE_LIMBS * stride, stride, own, width);
            }
            quadratic_inputs(out + done * function->outputs * ELEMENT_BYTES, function, z, planes,
                             stride, count);
        }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release(z, PAIR * width * sizeof *z);
    release(planes, stride * LANE_LIMBS * PAIR * sizeof *planes);
    return code;
}

/* Lane sums of coefficient_j x_j over `count` terms, a multiple of LANES. */
static inline void dot_lanes(lane_totals *totals, const uint64_t *low, const uint64_t *high,
                             const uint64_t *x, size_t stride, size_t count)
{
    totals_clear(totals);
    for (size_t done = 0; done < count; done += (size_t)MOST_ROUNDS * LANES) {
        size_t end = count - done < (size_t)MOST_ROUNDS * LANES ? count
                                                                : done + (size_t)MOST_ROUNDS * LANES;
        columns sum;
        columns_clear(&sum);
        for (size_t j = done; j < end; j += LANES) {
            fetch(low + j);
            fetch(high + j);
            lanes a = lanes_coefficients(low + j, high + j);
            lanes b = lanes_load(x + j, stride);
            columns_add_product(&sum, &a, &b);
        }
        totals_add(totals, &sum);
    }
}

/* One input of a split function, from the values of all left and right monomials. */
static void split_sums(uint8_t *out, const sparse *function, const element *left,
                       const element *right, const uint64_t *planes, size_t stride)
{
    const split_sparse *split = &function->split;
    size_t large = 0;
    for (size_t output = 0; output < function->outputs; output++) {
        lane_totals total, inner;
        totals_clear(&total);
        for (size_t at = 0; at < split->group_count; at++) {
            const group *own = &split->groups[at];
            size_t first = output * split->terms + own->first;
            uint64_t limbs[LANE_LIMBS];
            planes_of_elements(limbs, 1, &left[own->left], 1);
            lanes factor = lanes_repeat(limbs, 1);
            dot_lanes(&inner, split->planes.limb[0] + first, split->planes.limb[1] + first, planes,
                      stride, own->length);
            totals_add_product(&total, &inner, &factor);
        }
        wide sum = totals_sum(&total);
        add_large(&sum, &split->large, &large, output, left, right);
        element value = wide_reduce(&sum);
        element_store(out + output * ELEMENT_BYTES, &value);
    }
}

static int ifma_evaluate_sparse(uint8_t *out, const sparse *function, const uint8_t *inputs,
                                size_t batch)
{
    if (!function->is_split)
        return kernel_mulx.evaluate_sparse(out, function, inputs, batch);
    const graded *left = &function->split.left, *right = &function->split.right;
    size_t values = function->inputs + left->count + right->count;
    size_t stride = (right->count + LANES - 1) / LANES * LANES;
    element *x = calloc(values, sizeof *x);
    uint64_t *planes = allocate_numbers(LANE_LIMBS * stride);
    uint64_t bad = 0;
    int code = KERNEL_NO_MEMORY;
    if (x && planes) {
        element *left_values = x + function->inputs, *right_values = left_values + left->count;
        for (size_t input = 0; input < batch; input++) {
            for (size_t i = 0; i < function->inputs; i++, inputs += ELEMENT_BYTES)
                bad |= element_load(&x[i], inputs);
            graded_evaluate(left_values, left, x);
            graded_evaluate(right_values, right, x + left->variables);
            planes_of_elements(planes, stride, right_values, right->count);
            split_sums(out + input * function->outputs * ELEMENT_BYTES, function, left_values,
                       right_values, planes, stride);
        }
        code = bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
    }
    release(x, values * sizeof *x);
    release(planes, LANE_LIMBS * stride * sizeof *planes);
    return code;
}

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
