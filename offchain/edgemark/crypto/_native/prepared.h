/* Functions made ready: their public coefficients in the layout the evaluation reads. */
#ifndef EDGEMARK_PREPARED_H
#define EDGEMARK_PREPARED_H

#include "kernel.h"

/* A coefficient of 2^128 or more, which two limbs cannot hold; rare in honest functions. */
typedef struct {
    size_t output, i, j;
    element value;
} large_coefficient;

/* F_o = sum over 0 <= i <= j <= k of a_oij z_i z_j; limbs[0] and limbs[1] are two planes. */
struct quadratic {
    size_t inputs, outputs, terms;
    uint64_t *limbs[2];
    large_coefficient *large;
    size_t large_count;
};

typedef struct {
    uint32_t power;    /* position in the table of powers */
    uint32_t variable; /* from 0 */
    uint32_t exponent; /* at least 1 */
} factor;

typedef struct {
    size_t first;     /* of its factors */
    uint16_t count;   /* factors */
    uint16_t shared;  /* leading factors that are those of the row before */
} monomial;

/* F_o = sum over rows of coefficients[row * outputs + o] * product of its factors. */
struct sparse {
    size_t inputs, outputs, rows, factors, powers;
    uint32_t *power_start; /* of each variable: position of its first power */
    uint32_t *power_count; /* of each variable: largest exponent that is used */
    factor *factor_list;
    monomial *monomials;
    element *coefficients;
};

/* Each returns KERNEL_OK and a function, or another code and NULL. */
int quadratic_prepare(quadratic **out, const uint8_t *coefficients, size_t inputs, size_t outputs);
void quadratic_free(quadratic *function);

/* Exponents of 0 or variables that are not there count as KERNEL_NOT_AN_ELEMENT. */
int sparse_prepare(sparse **out, const uint8_t *factor_counts, size_t rows, const uint8_t *factors,
                   size_t factor_total, const uint8_t *coefficients, size_t inputs,
                   size_t outputs);
void sparse_free(sparse *function);

#endif
