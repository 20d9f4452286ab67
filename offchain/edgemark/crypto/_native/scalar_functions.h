/* Evaluation of functions; the second half of scalar.h, which includes it. */
#ifndef SCALAR_PATH
#error "scalar_functions.h is part of scalar.h"
#endif

#define LIMB_BITS 43
#define LIMB_MASK ((UINT64_C(1) << LIMB_BITS) - 1)
#define MOST_SUMMED 8192 /* products of 64 and 43 bits in one column */
#define BATCH_BLOCK 32   /* inputs evaluated together: one reading of the coefficients serves them all */

/* Inputs of one block: z = (1, x_1, ..., x_k), as elements and in three planes of 43 bits. */
typedef struct {
    element *z;
    uint64_t *planes;
} block;

/* Three planes of `stride` numbers each: the limbs of 43 bits of elements. */
static void split_elements(uint64_t *planes, size_t stride, const element *elements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        u128 low = element_low(&elements[i]);
        planes[i] = (uint64_t)low & LIMB_MASK;
        planes[i + stride] = (uint64_t)(low >> LIMB_BITS) & LIMB_MASK;
        planes[i + 2 * stride] =
            (uint64_t)(low >> (2 * LIMB_BITS)) | elements[i].top << (128 - 2 * LIMB_BITS);
    }
}

static uint64_t load_block(block *inputs, const uint8_t *packed, size_t k, size_t count)
{
    uint64_t bad = 0;
    for (size_t input = 0; input < count; input++) {
        element *z = inputs->z + input * (k + 1);
        z[0] = element_from(1, 0);
        for (size_t i = 0; i < k; i++)
            bad |= element_load(&z[i + 1], packed + (input * k + i) * ELEMENT_BYTES);
        split_elements(inputs->planes + input * 3 * (k + 1), k + 1, z, k + 1);
    }
    return bad;
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

/* sum over j of coefficient_j x_j, for coefficients from `at` on */
static element scalar_dot(const coefficient_planes *coefficients, size_t at, const uint64_t *x,
                          size_t stride, size_t count)
{
    element sum = element_from(0, 0);
    for (size_t done = 0; done < count; done += MOST_SUMMED) {
        size_t part = count - done < MOST_SUMMED ? count - done : MOST_SUMMED;
        element value = row_product(coefficients->limb[0] + at + done,
                                    coefficients->limb[1] + at + done, x + done, x + done + stride,
                                    x + done + 2 * stride, part);
        sum = element_add(&sum, &value);
    }
    return sum;
}

static void quadratic_block(uint8_t *out, const quadratic *function, const block *inputs,
                            size_t count)
{
    size_t width = function->inputs + 1, at = 0, large = 0;
    for (size_t output = 0; output < function->outputs; output++) {
        wide totals[BATCH_BLOCK] = {{0, 0, 0}};
        for (size_t i = 0; i < width; i++) {
            for (size_t input = 0; input < count; input++) {
                const uint64_t *x = inputs->planes + input * 3 * width + i;
                element inner = scalar_dot(&function->planes, at, x, width, width - i);
                wide_add_product(&totals[input], &inner, &inputs->z[input * width + i]);
            }
            at += width - i;
        }
        size_t next = large;
        for (size_t input = 0; input < count; input++) {
            const element *z = inputs->z + input * width;
            next = large;
            add_large(&totals[input], &function->large, &next, output, z, z);
            element value = wide_reduce(&totals[input]);
            element_store(out + (input * function->outputs + output) * ELEMENT_BYTES, &value);
        }
        large = next;
        wipe(totals, sizeof totals);
    }
}

static int scalar_evaluate_quadratic(uint8_t *out, const quadratic *function,
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
    const row_sparse *rows = &function->rows;
    for (size_t variable = 0; variable < function->inputs; variable++) {
        element x;
        bad |= element_load(&x, input + variable * ELEMENT_BYTES);
        element *own = powers + rows->power_start[variable];
        for (uint32_t exponent = 0; exponent < rows->power_count[variable]; exponent++)
            own[exponent] = exponent ? element_multiply(&own[exponent - 1], &x) : x;
    }
    return bad;
}

/* Rows in order; products of the leading factors that a row shares with the one before are kept. */
static void sum_rows(wide *totals, const sparse *function, const element *powers, element *products)
{
    const row_sparse *rows = &function->rows;
    products[0] = element_from(1, 0);
    for (size_t row = 0; row < rows->count; row++) {
        const monomial *term = &rows->monomials[row];
        for (size_t depth = term->shared; depth < term->count; depth++)
            products[depth + 1] =
                element_multiply(&products[depth], &powers[rows->factors[term->first + depth]]);
        const element *coefficients = &rows->coefficients[row * function->outputs];
        for (size_t output = 0; output < function->outputs; output++)
            wide_add_product(&totals[output], &products[term->count], &coefficients[output]);
    }
}

#define MAX_FACTORS 255 /* a row counts its factors in one byte */

static int evaluate_rows(uint8_t *out, const sparse *function, const uint8_t *inputs, size_t batch)
{
    uint64_t bad = 0;
    size_t power_bytes = (function->rows.power_total + 1) * sizeof(element);
    size_t total_bytes = function->outputs * sizeof(wide);
    element *powers = malloc(power_bytes);
    wide *totals = malloc(total_bytes);
    element products[MAX_FACTORS + 1];
    int code = KERNEL_NO_MEMORY;
    if (powers && totals) {
        for (size_t input = 0; input < batch; input++) {
            bad |= load_powers(powers, function, inputs + input * function->inputs * ELEMENT_BYTES);
            memset(totals, 0, total_bytes);
            sum_rows(totals, function, powers, products);
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

/* One input of a split function; `left` and `right` are filled, `planes` hold the right values. */
static void sum_groups(uint8_t *out, const sparse *function, const element *left,
                       const element *right, const uint64_t *planes, size_t stride)
{
    const split_sparse *split = &function->split;
    size_t large = 0;
    for (size_t output = 0; output < function->outputs; output++) {
        wide total = {0, 0, 0};
        for (size_t at = 0; at < split->group_count; at++) {
            const group *own = &split->groups[at];
            element inner = scalar_dot(&split->planes, output * split->terms + own->first, planes,
                                       stride, own->length);
            wide_add_product(&total, &inner, &left[own->left]);
        }
        add_large(&total, &split->large, &large, output, left, right);
        element value = wide_reduce(&total);
        element_store(out + output * ELEMENT_BYTES, &value);
    }
}

static int evaluate_split(uint8_t *out, const sparse *function, const uint8_t *inputs, size_t batch)
{
    const graded *left = &function->split.left, *right = &function->split.right;
    size_t stride = (right->count + LANES - 1) / LANES * LANES;
    /* the input, both tables, and (three limbs are one element's size) the right values' limbs */
    size_t bytes = (function->inputs + left->count + right->count + stride) * sizeof(element);
    element *memory = calloc(1, bytes);
    if (!memory)
        return KERNEL_NO_MEMORY;
    element *x = memory, *left_values = x + function->inputs;
    element *right_values = left_values + left->count;
    uint64_t *planes = (uint64_t *)(right_values + right->count);
    uint64_t bad = 0;
    for (size_t input = 0; input < batch; input++) {
        for (size_t i = 0; i < function->inputs; i++, inputs += ELEMENT_BYTES)
            bad |= element_load(&x[i], inputs);
        graded_evaluate(left_values, left, x);
        graded_evaluate(right_values, right, x + left->variables);
        split_elements(planes, stride, right_values, right->count);
        sum_groups(out + input * function->outputs * ELEMENT_BYTES, function, left_values,
                   right_values, planes, stride);
    }
    wipe(memory, bytes);
    free(memory);
    return bad ? KERNEL_NOT_AN_ELEMENT : KERNEL_OK;
}

static int scalar_evaluate_sparse(uint8_t *out, const sparse *function, const uint8_t *inputs,
                                  size_t batch)
{
    return function->is_split ? evaluate_split(out, function, inputs, batch)
                              : evaluate_rows(out, function, inputs, batch);
}
