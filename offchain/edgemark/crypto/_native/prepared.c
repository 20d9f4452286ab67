#include "prepared.h"

#include <stdlib.h>

void quadratic_free(quadratic *function)
{
    if (!function)
        return;
    planes_free(&function->planes);
    free(function->large.list);
    free(function);
}

/* Place of a_ij among the terms of one output. */
static size_t quadratic_place(const quadratic *function, size_t i, size_t j)
{
    size_t width = function->inputs + 1;
    if (function->path->layout == BY_ROWS)
        return i * width - i * (i - 1) / 2 + (j - i); /* wraps to 0 for i = 0 */
    size_t strip = j / LANES; /* all strips before it are full: 8 (s + 1) rows of 8 */
    return strip * (strip + 1) / 2 * LANES * LANES + i * LANES + j % LANES;
}

static int quadratic_fill(quadratic *function, const uint8_t *coefficients)
{
    for (size_t output = 0; output < function->outputs; output++)
        for (size_t i = 0; i <= function->inputs; i++)
            for (size_t j = i; j <= function->inputs; j++, coefficients += ELEMENT_BYTES) {
                size_t at = output * function->terms + quadratic_place(function, i, j);
                large_coefficient where = {output, i, j, {{0, 0}, 0}};
                if (place_coefficient(&function->planes, &function->large, at, where, coefficients))
                    return KERNEL_NOT_AN_ELEMENT;
            }
    return KERNEL_OK;
}

int quadratic_prepare(quadratic **out, const kernel_path *path, const uint8_t *coefficients,
                      size_t inputs, size_t outputs)
{
    *out = NULL;
    quadratic *function = calloc(1, sizeof *function);
    if (!function)
        return KERNEL_NO_MEMORY;
    function->path = path;
    function->inputs = inputs;
    function->outputs = outputs;
    size_t packed = (inputs + 1) * (inputs + 2) / 2, last = inputs / LANES;
    function->terms = path->layout == BY_ROWS ? packed
                                              : last * (last + 1) / 2 * LANES * LANES
                                                    + LANES * strip_rows(function, last);
    int code = KERNEL_NO_MEMORY;
    if (planes_allocate(&function->planes, function->terms * outputs)
        && large_allocate(&function->large, coefficients, packed * outputs))
        code = quadratic_fill(function, coefficients);
    if (code != KERNEL_OK)
        quadratic_free(function);
    else
        *out = function;
    return code;
}
