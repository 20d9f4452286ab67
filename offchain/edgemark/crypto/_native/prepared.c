#define _DEFAULT_SOURCE /* madvise */

#include "prepared.h"

#include <stdlib.h>
#include <string.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#define PLANE_ALIGNMENT 64
#define LARGE_PAGE ((size_t)1 << 21)

/* Asks for large pages, where the system gives them on request: a large function is read from end to
 * end for each input, and small pages cost more lookups than the processor remembers. */
static void prefer_large_pages(void *memory, size_t bytes)
{
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* a refusal costs speed only */
#else
    (void)memory;
    (void)bytes;
#endif
}

int planes_allocate(coefficient_planes *planes, size_t count)
{
    size_t needed = (count + 1) * sizeof(uint64_t);
    size_t alignment = needed < LARGE_PAGE ? PLANE_ALIGNMENT : LARGE_PAGE;
    size_t bytes = (needed + alignment - 1) / alignment * alignment;
    planes->count = count;
    for (int limb = 0; limb < 2; limb++) {
        planes->limb[limb] = aligned_alloc(alignment, bytes);
        if (!planes->limb[limb])
            return 0;
        if (alignment == LARGE_PAGE)
            prefer_large_pages(planes->limb[limb], bytes);
        memset(planes->limb[limb], 0, bytes);
    }
    return 1;
}

void planes_free(coefficient_planes *planes)
{
    free(planes->limb[0]);
    free(planes->limb[1]);
}

int large_allocate(large_coefficients *large, const uint8_t *packed, size_t count)
{
    size_t many = 1; /* never NULL for none */
    for (size_t at = 0; at < count; at++)
        many += packed[at * ELEMENT_BYTES] != 0;
    large->count = 0;
    large->list = malloc(many * sizeof *large->list);
    return large->list != NULL;
}

int place_coefficient(coefficient_planes *planes, large_coefficients *large, size_t at,
                      large_coefficient where, const uint8_t *packed)
{
    if (element_load(&where.value, packed))
        return KERNEL_NOT_AN_ELEMENT;
    if (where.value.top)
        large->list[large->count++] = where; /* the planes keep their zeros */
    else {
        planes->limb[0][at] = where.value.limb[0];
        planes->limb[1][at] = where.value.limb[1];
    }
    return KERNEL_OK;
}

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
