/* Splits the variables of a sparse function in two halves, so that its value is a sum of dot products.
 *
 * With all monomials of the first half as left values and all of the second as right ones, in the order
 * of graded.h, the terms of one left monomial multiply the first right values: no index is read, and
 * coefficients and values stream. k = 9, d = 20 is 10626 left monomials and 53130 right ones in place
 * of 10015005 products of up to 9 powers each.
 */
#include <stdlib.h>

#include "prepared.h"

#define FACTOR_BYTES 3
#define LEAST_ROWS 64 /* below, the tables cost more than they save */

void split_free(split_sparse *split)
{
    graded_free(&split->left);
    graded_free(&split->right);
    planes_free(&split->planes);
    free(split->groups);
    free(split->large.list);
}

/* One row in two: how many of its factors are in the first half, and the degrees of both parts. */
typedef struct {
    size_t left_count, left_degree, right_degree;
} parts;

static parts part_row(const uint8_t *factors, size_t count, size_t half)
{
    parts row = {0, 0, 0};
    for (size_t at = 0; at < count; at++) {
        const uint8_t *factor = factors + at * FACTOR_BYTES;
        if (((size_t)factor[0] << 8 | factor[1]) < half) {
            row.left_count++;
            row.left_degree += factor[2];
        } else
            row.right_degree += factor[2];
    }
    return row;
}

/* Builds both tables for the largest degree of each part; 0 when one is too large. */
static int build_tables(split_sparse *split, const monomial_table *table, size_t half)
{
    size_t left = 0, right = 0;
    const uint8_t *factors = table->factors;
    for (size_t at = 0; at < table->rows; at++) {
        parts row = part_row(factors, table->factor_counts[at], half);
        left = row.left_degree > left ? row.left_degree : left;
        right = row.right_degree > right ? row.right_degree : right;
        factors += (size_t)table->factor_counts[at] * FACTOR_BYTES;
    }
    return graded_build(&split->left, half, left)
           && graded_build(&split->right, table->inputs - half, right);
}

/* Finds how many right values the terms of each left monomial need; -1 when there is no memory. */
static int measure_groups(split_sparse *split, const monomial_table *table, size_t half)
{
    split->groups = calloc(split->left.count, sizeof *split->groups);
    if (!split->groups)
        return -1;
    const uint8_t *factors = table->factors;
    for (size_t at = 0; at < table->rows; at++) {
        size_t count = table->factor_counts[at];
        parts row = part_row(factors, count, half);
        group *own = &split->groups[graded_place(&split->left, factors, row.left_count, 0)];
        size_t needed = graded_prefix(&split->right, row.right_degree);
        own->length = needed > own->length ? needed : own->length;
        factors += count * FACTOR_BYTES;
    }
    for (size_t left = 0; left < split->left.count; left++) {
        group *own = &split->groups[left];
        own->left = left;
        own->first = split->terms;
        own->length = (own->length + LANES - 1) / LANES * LANES;
        split->terms += own->length;
    }
    split->group_count = split->left.count;
    return 1;
}

static int place_rows(split_sparse *split, const monomial_table *table, size_t half)
{
    const uint8_t *factors = table->factors, *packed = table->coefficients;
    for (size_t at = 0; at < table->rows; at++) {
        size_t count = table->factor_counts[at];
        parts row = part_row(factors, count, half);
        size_t left = graded_place(&split->left, factors, row.left_count, 0);
        size_t right = graded_place(&split->right, factors + row.left_count * FACTOR_BYTES,
                                    count - row.left_count, half);
        for (size_t output = 0; output < table->outputs; output++, packed += ELEMENT_BYTES) {
            large_coefficient where = {output, left, right, {{0, 0}, 0}};
            size_t place = output * split->terms + split->groups[left].first + right;
            if (place_coefficient(&split->planes, &split->large, place, where, packed))
                return KERNEL_NOT_AN_ELEMENT;
        }
        factors += count * FACTOR_BYTES;
    }
    return KERNEL_OK;
}

static int by_output(const void *a, const void *b)
{
    size_t left = ((const large_coefficient *)a)->output;
    size_t right = ((const large_coefficient *)b)->output;
    return (left > right) - (left < right);
}

int sparse_split(split_sparse *split, const monomial_table *table, int *code)
{
    size_t half = table->inputs / 2;
    if (table->rows < LEAST_ROWS || half < 1 || !build_tables(split, table, half)
        || split->left.count + split->right.count > table->rows)
        return 0;
    if (measure_groups(split, table, half) < 0)
        return -1;
    if (split->terms > 2 * table->rows)
        return 0;
    if (!planes_allocate(&split->planes, split->terms * table->outputs)
        || !large_allocate(&split->large, table->coefficients, table->rows * table->outputs))
        return -1;
    *code = place_rows(split, table, half);
    qsort(split->large.list, split->large.count, sizeof *split->large.list, by_output);
    return 1;
}
