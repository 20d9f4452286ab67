#include "prepared.h"

#include <stdlib.h>

static void *allocate(size_t count, size_t size)
{
    return calloc(count ? count : 1, size); /* never NULL for a count of 0 */
}

void quadratic_free(quadratic *function)
{
    if (!function)
        return;
    free(function->limbs[0]);
    free(function->limbs[1]);
    free(function->large);
    free(function);
}

static size_t count_large(const uint8_t *coefficients, size_t total)
{
    size_t count = 0;
    for (size_t at = 0; at < total; at++)
        count += coefficients[at * ELEMENT_BYTES] != 0;
    return count;
}

static int quadratic_fill(quadratic *function, const uint8_t *coefficients)
{
    size_t at = 0;
    for (size_t output = 0; output < function->outputs; output++)
        for (size_t i = 0; i <= function->inputs; i++)
            for (size_t j = i; j <= function->inputs; j++, at++) {
                element value;
                if (element_load(&value, coefficients + at * ELEMENT_BYTES))
                    return KERNEL_NOT_AN_ELEMENT;
                if (value.top) {
                    large_coefficient large = {output, i, j, value};
                    function->large[function->large_count++] = large;
                    continue; /* calloc left zeros in the planes */
                }
                function->limbs[0][at] = value.limb[0];
                function->limbs[1][at] = value.limb[1];
            }
    return KERNEL_OK;
}

int quadratic_prepare(quadratic **out, const uint8_t *coefficients, size_t inputs, size_t outputs)
{
    *out = NULL;
    quadratic *function = allocate(1, sizeof *function);
    if (!function)
        return KERNEL_NO_MEMORY;
    function->inputs = inputs;
    function->outputs = outputs;
    function->terms = (inputs + 1) * (inputs + 2) / 2;
    size_t total = function->terms * outputs;
    function->limbs[0] = allocate(total, sizeof(uint64_t));
    function->limbs[1] = allocate(total, sizeof(uint64_t));
    function->large = allocate(count_large(coefficients, total), sizeof(large_coefficient));
    int code = KERNEL_NO_MEMORY;
    if (function->limbs[0] && function->limbs[1] && function->large)
        code = quadratic_fill(function, coefficients);
    if (code != KERNEL_OK) {
        quadratic_free(function);
        return code;
    }
    *out = function;
    return KERNEL_OK;
}

void sparse_free(sparse *function)
{
    if (!function)
        return;
    free(function->power_start);
    free(function->power_count);
    free(function->factor_list);
    free(function->monomials);
    free(function->coefficients);
    free(function);
}

/* Reads the factors and the largest exponent of each variable, then places the powers. */
static int read_factors(sparse *function, const uint8_t *factors)
{
    for (size_t at = 0; at < function->factors; at++) {
        const uint8_t *bytes = factors + 3 * at;
        factor *read = &function->factor_list[at];
        read->variable = (uint32_t)bytes[0] << 8 | bytes[1];
        read->exponent = bytes[2];
        if (read->variable >= function->inputs || read->exponent == 0)
            return KERNEL_NOT_AN_ELEMENT;
        if (function->power_count[read->variable] < read->exponent)
            function->power_count[read->variable] = read->exponent;
    }
    uint32_t start = 0;
    for (size_t variable = 0; variable < function->inputs; variable++) {
        function->power_start[variable] = start;
        start += function->power_count[variable];
    }
    function->powers = start;
    for (size_t at = 0; at < function->factors; at++) {
        factor *read = &function->factor_list[at];
        read->power = function->power_start[read->variable] + read->exponent - 1;
    }
    return KERNEL_OK;
}

static uint16_t shared_prefix(const sparse *function, const monomial *row, const monomial *before)
{
    uint16_t shared = 0;
    while (shared < row->count && shared < before->count
           && function->factor_list[row->first + shared].power
                  == function->factor_list[before->first + shared].power)
        shared++;
    return shared;
}

static int read_rows(sparse *function, const uint8_t *factor_counts, const uint8_t *coefficients)
{
    size_t first = 0;
    for (size_t row = 0; row < function->rows; row++) {
        monomial *read = &function->monomials[row];
        read->first = first;
        read->count = factor_counts[row];
        first += read->count;
        if (row > 0)
            read->shared = shared_prefix(function, read, read - 1);
    }
    for (size_t at = 0; at < function->rows * function->outputs; at++)
        if (element_load(&function->coefficients[at], coefficients + at * ELEMENT_BYTES))
            return KERNEL_NOT_AN_ELEMENT;
    return KERNEL_OK;
}

int sparse_prepare(sparse **out, const uint8_t *factor_counts, size_t rows, const uint8_t *factors,
                   size_t factor_total, const uint8_t *coefficients, size_t inputs, size_t outputs)
{
    *out = NULL;
    sparse *function = allocate(1, sizeof *function);
    if (!function)
        return KERNEL_NO_MEMORY;
    function->inputs = inputs;
    function->outputs = outputs;
    function->rows = rows;
    function->factors = factor_total;
    function->power_start = allocate(inputs, sizeof(uint32_t));
    function->power_count = allocate(inputs, sizeof(uint32_t));
    function->factor_list = allocate(factor_total, sizeof(factor));
    function->monomials = allocate(rows, sizeof(monomial));
    function->coefficients = allocate(rows * outputs, sizeof(element));
    int code = KERNEL_NO_MEMORY;
    if (function->power_start && function->power_count && function->factor_list
        && function->monomials && function->coefficients)
        code = read_factors(function, factors);
    if (code == KERNEL_OK)
        code = read_rows(function, factor_counts, coefficients);
    if (code != KERNEL_OK) {
        sparse_free(function);
        return code;
    }
    *out = function;
    return KERNEL_OK;
}
