/* The operations of the kernel, as tables of functions: one table for each code path.
 *
 * A path that this machine lacks, or whose answers differ from the portable one's, is not offered. All
 * vectors are packed, 17 bytes an element; the caller has checked their lengths. Every operation
 * returns 0, or KERNEL_NOT_AN_ELEMENT or KERNEL_NO_MEMORY and then leaves its results undefined.
 *
 * Time depends on lengths and on the function that is evaluated (its exponents and coefficients are
 * public), never on inputs, shares, points or secrets.
 */
#ifndef EDGEMARK_KERNEL_H
#define EDGEMARK_KERNEL_H

#include <string.h>

#include "element.h"

/* Counts the changes of what Python calls; the Python face refuses a library of another number. */
#define KERNEL_INTERFACE 3

enum { KERNEL_OK = 0, KERNEL_NOT_AN_ELEMENT = 1, KERNEL_NO_MEMORY = 2 };

typedef struct quadratic quadratic;
typedef struct sparse sparse;

/* In which order a path reads the coefficients of a quadratic function; see prepared.h. */
typedef enum { BY_ROWS, BY_STRIPS } quadratic_layout;

typedef struct {
    const char *name;
    quadratic_layout layout;
    int (*check)(const uint8_t *packed, size_t count);
    int (*add)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count);
    int (*subtract)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count);
    int (*multiply)(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count);
    int (*scale)(uint8_t *out, const uint8_t *vector, const uint8_t *scalar, size_t count);
    /* out (rows x width) = matrix (rows x count) * vectors (count x width) */
    int (*combine)(uint8_t *out, const uint8_t *matrix, const uint8_t *vectors, size_t rows,
                   size_t count, size_t width);
    /* outs[p] (length) = secret + sum of coefficients[i] u^(i+1) at point u = points[p] */
    int (*share)(uint8_t *const *outs, const uint8_t *secret, const uint8_t *coefficients,
                 const uint8_t *points, size_t length, size_t degree, size_t point_count);
    int (*evaluate_quadratic)(uint8_t *out, const quadratic *function, const uint8_t *inputs,
                              size_t batch);
    int (*evaluate_sparse)(uint8_t *out, const sparse *function, const uint8_t *inputs,
                           size_t batch);
} kernel_path;

extern const kernel_path kernel_portable;
#if defined(__x86_64__)
extern const kernel_path kernel_mulx;
extern const kernel_path kernel_ifma;
#endif

#define MOST_PATHS 3

/* Fills `usable` with the paths of this machine that pass their check, fastest first; their number.
 * The portable path is always the last. */
size_t kernel_choose(const kernel_path *usable[MOST_PATHS]);

/* Reduces those of `count` drawn numbers of 17 bytes that are below 255 q, the largest multiple in 136
 * bits, and passes over the others; returns how many. `out` has room for all. Time depends on which are
 * passed over, never on those kept. */
size_t select_elements(uint8_t *out, const uint8_t *drawn, size_t count);

/* Whether `path` answers like `reference` on edge values and pseudorandom ones, in all operations. */
int kernel_agrees(const kernel_path *path, const kernel_path *reference);

/* Overwrites secrets before memory is given back; the compiler may not leave it out, as it does not know
 * which function it calls. */
static inline void wipe(void *memory, size_t bytes)
{
    void *(*volatile overwrite)(void *, int, size_t) = memset;
    overwrite(memory, 0, bytes);
}

#endif
