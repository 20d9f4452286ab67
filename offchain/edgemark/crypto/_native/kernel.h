/* The operations of the kernel, as a table of functions chosen at load.
 *
 * A faster path (mulx, AVX-512 IFMA) is another `kernel_path` and one line in `kernel_choose`. All
 * vectors are packed, 17 bytes an element; the caller has checked their lengths. Every operation
 * returns 0, or KERNEL_NOT_AN_ELEMENT or KERNEL_NO_MEMORY and then leaves its results undefined.
 *
 * Time depends on lengths and on the function that is evaluated (its exponents and coefficients are
 * public), never on inputs, shares, points or secrets.
 */
#ifndef EDGEMARK_KERNEL_H
#define EDGEMARK_KERNEL_H

#include "element.h"

enum { KERNEL_OK = 0, KERNEL_NOT_AN_ELEMENT = 1, KERNEL_NO_MEMORY = 2 };

typedef struct quadratic quadratic;
typedef struct sparse sparse;

typedef struct {
    const char *name;
    int (*check)(const uint8_t *packed, size_t count);
    int (*add)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count);
    int (*subtract)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count);
    int (*multiply)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count);
    int (*scale)(uint8_t *out, const uint8_t *vector, const uint8_t *scalar, size_t count);
    /* out (rows x width) = matrix (rows x count) * vectors (count x width) */
    int (*combine)(uint8_t *out, const uint8_t *matrix, const uint8_t *vectors, size_t rows,
                   size_t count, size_t width);
    /* out (points x length) = secret + sum of coefficients[i] u^(i+1) at each point u */
    int (*share)(uint8_t *out, const uint8_t *secret, const uint8_t *coefficients,
                 const uint8_t *points, size_t length, size_t degree, size_t point_count);
    int (*evaluate_quadratic)(uint8_t *out, const quadratic *function, const uint8_t *inputs,
                              size_t batch);
    int (*evaluate_sparse)(uint8_t *out, const sparse *function, const uint8_t *inputs,
                           size_t batch);
} kernel_path;

extern const kernel_path kernel_portable;

static inline const kernel_path *kernel_choose(void)
{
    return &kernel_portable;
}

/* Overwrites secrets before memory is given back; the compiler may not leave it out. */
static inline void wipe(void *memory, size_t bytes)
{
    volatile uint8_t *at = memory;
    while (bytes--)
        *at++ = 0;
}

#endif
