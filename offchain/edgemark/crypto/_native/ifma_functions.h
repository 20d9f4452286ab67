/* Evaluation of functions; the second half of ifma.c, which includes it. */
#ifndef PAIR
#error "ifma_functions.h is part of ifma.c"
#endif

/* What the inner sums of one output read: the coefficients, and the inputs' planes, `step` apart. */
typedef struct {
    const uint64_t *low, *high, *z;
    size_t stride, step;
} reading;

/* totals[strip or input] += the sum over rows first <= i < end of a_ij z_i in lane j, for up to two
 * inputs, or else for two strips, from place `at[strip]` of the coefficients on. 17 multiplications a
 * vector of coefficients and input; two inputs share its 2 loads and 4 shifts, two strips the 3 loads
 * of z_i. Measured as in planes.c, two strips against one after the other: k = 200 (in the caches)
 * 10.3 and 12.0 us; k = 2000, third reading after they were emptied, 1.33 and 1.56 ms. */
static inline void strips_sum(lane_totals *totals, const reading *from, const size_t *at,
                              size_t first, size_t end, const size_t strips, const size_t inputs)
{
    for (size_t done = first; done < end; done += MOST_ROUNDS) {
        size_t stop = end - done < MOST_ROUNDS ? end : done + MOST_ROUNDS;
        columns sum[PAIR];
        for (size_t each = 0; each < strips * inputs; each++)
            columns_clear(&sum[each]);
        for (size_t i = done; i < stop; i++)
            for (size_t strip = 0; strip < strips; strip++) {
                const uint64_t *low = from->low + at[strip] + i * LANES;
                const uint64_t *high = from->high + at[strip] + i * LANES;
                fetch(low);
                fetch(high);
                lanes a = lanes_coefficients(low, high);
                for (size_t input = 0; input < inputs; input++) {
                    lanes x = lanes_repeat(from->z + input * from->step + i, from->stride);
                    columns_add_product(&sum[strip + input], &a, &x);
                }
            }
        for (size_t each = 0; each < strips * inputs; each++)
            totals_add(&totals[each], &sum[each]);
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

/* One output for one input: sum over the columns j of z_j (sum over i of a_ij z_i), a strip of columns
 * and the one before it together. An odd number of strips begins with one that has none before it. */
static void quadratic_sum(wide *sum, const quadratic *function, const reading *from)
{
    lane_totals total, inner[PAIR];
    totals_clear(&total);
    size_t last = function->inputs / LANES, at[PAIR] = {0, 0};
    for (size_t strip = last % PAIR; strip <= last; strip += PAIR) {
        size_t before = LANES * strip, rows = strip_rows(function, strip);
        at[1] = at[0] + before * LANES;
        totals_clear(&inner[0]);
        totals_clear(&inner[1]);
        strips_sum(inner, from, at, 0, before, PAIR, 1);
        strips_sum(&inner[1], from, &at[1], before, rows, 1, 1);
        for (size_t each = before ? 0 : 1; each < PAIR; each++) {
            lanes right = lanes_load(from->z + (strip + each - 1) * LANES, from->stride);
            totals_add_product(&total, &inner[each], &right);
        }
        at[0] = at[1] + rows * LANES;
    }
    *sum = totals_sum(&total);
}

/* One output for two inputs, one strip of columns at a time. */
static void quadratic_sums(wide *sums, const quadratic *function, const reading *from)
{
    lane_totals totals[PAIR], inner[PAIR];
    for (size_t input = 0; input < PAIR; input++)
        totals_clear(&totals[input]);
    for (size_t strip = 0, at = 0; strip * LANES <= function->inputs; strip++) {
        size_t rows = strip_rows(function, strip);
        for (size_t input = 0; input < PAIR; input++)
            totals_clear(&inner[input]);
        strips_sum(inner, from, &at, 0, rows, 1, PAIR);
        for (size_t input = 0; input < PAIR; input++) {
            lanes right = lanes_load(from->z + input * from->step + strip * LANES, from->stride);
            totals_add_product(&totals[input], &inner[input], &right);
        }
        at += rows * LANES;
    }
    for (size_t input = 0; input < PAIR; input++)
        sums[input] = totals_sum(&totals[input]);
}

/* All outputs for one or two inputs, whose elements z and planes are `width` and `step` apart. */
static void quadratic_inputs(uint8_t *out, const quadratic *function, const element *z,
                             const uint64_t *planes, size_t stride, size_t inputs)
{
    size_t step = LANE_LIMBS * stride, large = 0;
    for (size_t output = 0; output < function->outputs; output++) {
        wide sums[PAIR];
        size_t next = large, first = output * function->terms;
        const reading from = {function->planes.limb[0] + first, function->planes.limb[1] + first,
                              planes, stride, step};
        if (inputs == PAIR)
            quadratic_sums(sums, function, &from);
        else
            quadratic_sum(sums, function, &from);
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
    size_t most = batch < PAIR ? 1 : PAIR;
    element *z = calloc(most * width, sizeof *z);
    uint64_t *planes = allocate_numbers(stride * LANE_LIMBS * most);
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
    release(z, most * width * sizeof *z);
    release(planes, stride * LANE_LIMBS * most * sizeof *planes);
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
