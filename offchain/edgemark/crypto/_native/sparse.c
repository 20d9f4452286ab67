/* Sparse functions made ready: their order checked, split where that pays, else row by row. */
#include <stdlib.h>
#include <string.h>

#include "prepared.h"

#define FACTOR_BYTES 3

static void *allocate(size_t count, size_t size)
{
    return calloc(count ? count : 1, size); /* never NULL for a count of 0 */
}

static size_t variable_of(const uint8_t *factor)
{
    return (size_t)factor[0] << 8 | factor[1];
}

/* Degree of a row whose variables ascend and whose exponents are at least 1; -1 for any other. */
static int row_degree(const uint8_t *factors, size_t count, size_t inputs)
{
    int degree = 0;
    for (size_t at = 0; at < count; at++) {
        const uint8_t *factor = factors + at * FACTOR_BYTES;
        int ascends = at == 0 || variable_of(factor) > variable_of(factor - FACTOR_BYTES);
        if (variable_of(factor) >= inputs || factor[2] == 0 || !ascends)
            return -1;
        degree += factor[2];
    }
    return degree;
}

/* Whether a row comes after another as sequences of (variable, exponent). */
static int comes_after(const uint8_t *row, size_t count, const uint8_t *before, size_t before_count)
{
    size_t both = count < before_count ? count : before_count;
    int order = memcmp(row, before, both * FACTOR_BYTES);
    return order > 0 || (order == 0 && count > before_count);
}

static int has_only_zeros(const uint8_t *packed, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++)
        if (packed[at])
            return 0;
    return 1;
}

size_t survey_rows(const monomial_table *table, size_t *degree)
{
    const uint8_t *factors = table->factors, *before = factors;
    size_t row_bytes = table->outputs * ELEMENT_BYTES;
    *degree = 0;
    for (size_t row = 0; row < table->rows; row++) {
        size_t count = table->factor_counts[row];
        int own = row_degree(factors, count, table->inputs);
        if (own < 0
            || (row > 0
                && !comes_after(factors, count, before, table->factor_counts[row - 1]))
            || has_only_zeros(table->coefficients + row * row_bytes, row_bytes))
            return row;
        if (*degree < (size_t)own)
            *degree = (size_t)own;
        before = factors;
        factors += count * FACTOR_BYTES;
    }
    return table->rows;
}

static void rows_free(row_sparse *rows)
{
    free(rows->power_start);
    free(rows->power_count);
    free(rows->factors);
    free(rows->monomials);
    free(rows->coefficients);
}

void sparse_free(sparse *function)
{
    if (!function)
        return;
    split_free(&function->split);
    rows_free(&function->rows);
    free(function);
}

/* Finds the largest exponent of each variable, then gives every factor its place among the powers. */
static int read_factors(row_sparse *rows, const monomial_table *table)
{
    for (size_t at = 0; at < table->factor_total; at++) {
        const uint8_t *factor = table->factors + at * FACTOR_BYTES;
        size_t variable = variable_of(factor);
        if (variable >= table->inputs || factor[2] == 0)
            return KERNEL_NOT_AN_ELEMENT;
        if (rows->power_count[variable] < factor[2])
            rows->power_count[variable] = factor[2];
    }
    uint32_t start = 0;
    for (size_t variable = 0; variable < table->inputs; variable++) {
        rows->power_start[variable] = start;
        start += rows->power_count[variable];
    }
    rows->power_total = start;
    for (size_t at = 0; at < table->factor_total; at++) {
        const uint8_t *factor = table->factors + at * FACTOR_BYTES;
        rows->factors[at] = rows->power_start[variable_of(factor)] + factor[2] - 1;
    }
    return KERNEL_OK;
}

static uint16_t shared_prefix(const row_sparse *rows, const monomial *row, const monomial *before)
{
    uint16_t shared = 0;
    while (shared < row->count && shared < before->count
           && rows->factors[row->first + shared] == rows->factors[before->first + shared])
        shared++;
    return shared;
}

static int read_rows(row_sparse *rows, const monomial_table *table)
{
    size_t first = 0;
    for (size_t row = 0; row < table->rows; row++) {
        monomial *read = &rows->monomials[row];
        read->first = first;
        read->count = table->factor_counts[row];
        first += read->count;
        if (row > 0)
            read->shared = shared_prefix(rows, read, read - 1);
    }
    for (size_t at = 0; at < table->rows * table->outputs; at++)
        if (element_load(&rows->coefficients[at], table->coefficients + at * ELEMENT_BYTES))
            return KERNEL_NOT_AN_ELEMENT;
    return KERNEL_OK;
}

static int prepare_rows(row_sparse *rows, const monomial_table *table)
{
    rows->count = table->rows;
    rows->power_start = allocate(table->inputs, sizeof *rows->power_start);
    rows->power_count = allocate(table->inputs, sizeof *rows->power_count);
    rows->factors = allocate(table->factor_total, sizeof *rows->factors);
    rows->monomials = allocate(table->rows, sizeof *rows->monomials);
    rows->coefficients = allocate(table->rows * table->outputs, sizeof *rows->coefficients);
    if (!rows->power_start || !rows->power_count || !rows->factors || !rows->monomials
        || !rows->coefficients)
        return KERNEL_NO_MEMORY;
    int code = read_factors(rows, table);
    return code == KERNEL_OK ? read_rows(rows, table) : code;
}

int sparse_prepare(sparse **out, const kernel_path *path, const monomial_table *table)
{
    *out = NULL;
    sparse *function = calloc(1, sizeof *function);
    if (!function)
        return KERNEL_NO_MEMORY;
    function->path = path;
    function->inputs = table->inputs;
    function->outputs = table->outputs;
    int code = KERNEL_OK;
    size_t degree;
    int split = 0;
    if (survey_rows(table, &degree) == table->rows)
        split = sparse_split(&function->split, table, &code);
    function->is_split = split == 1;
    if (split == 0)
        code = prepare_rows(&function->rows, table);
    else if (split < 0)
        code = KERNEL_NO_MEMORY;
    if (code != KERNEL_OK)
        sparse_free(function);
    else
        *out = function;
    return code;
}
