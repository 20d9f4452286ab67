/* Functions made ready: their public coefficients in the order in which the evaluation reads them.
 *
 * A coefficient below 2^128 has its two limbs in two planes. One of 2^128 or more, which two limbs
 * cannot hold and which is rare in honest functions, leaves zeros there and stands in a list.
 */
#ifndef EDGEMARK_PREPARED_H
#define EDGEMARK_PREPARED_H

#include "graded.h"
#include "kernel.h"

#define LANES 8 /* coefficients that a vector path reads at once */

typedef struct {
    uint64_t *limb[2]; /* each on a boundary of 64 bytes, large ones in large pages */
    size_t count;
} coefficient_planes;

typedef struct {
    size_t output, left, right; /* the two values that it multiplies */
    element value;
} large_coefficient;

typedef struct {
    large_coefficient *list; /* one output's after the other's */
    size_t count;
} large_coefficients;

/* F_o = sum over 0 <= i <= j <= k of a_oij z_i z_j; a large coefficient's left and right are i and j.
 *
 * BY_ROWS: output by output, i ascending, then j ascending.
 * BY_STRIPS: output by output, 8 columns j at a time, then i ascending up to the last of these j, then
 * the 8 coefficients, zero where j < i or j > k. */
struct quadratic {
    const kernel_path *path;
    size_t inputs, outputs;
    size_t terms; /* of one output in the planes */
    coefficient_planes planes;
    large_coefficients large;
};

/* Rows of the strip of columns 8 s .. 8 s + 7. */
static inline size_t strip_rows(const quadratic *function, size_t strip)
{
    size_t rows = LANES * (strip + 1);
    return rows < function->inputs + 1 ? rows : function->inputs + 1;
}

/* A monomial in the first variables, and all its terms: those with the first `length` monomials in the
 * other variables, from `first` on in the planes of each output. A length is a multiple of LANES. */
typedef struct {
    size_t left, first, length;
} group;

/* F_o = sum over groups of left[group] * (sum over j of a_ogj right[j]): prefix dot products. */
typedef struct {
    graded left, right;
    group *groups;
    size_t group_count;
    size_t terms; /* of one output in the planes */
    coefficient_planes planes;
    large_coefficients large;
} split_sparse;

typedef struct {
    size_t first;    /* of its factors */
    uint16_t count;  /* factors */
    uint16_t shared; /* leading factors that are those of the row before */
} monomial;

/* F_o = sum over rows of coefficients[row * outputs + o] * product of its factors. */
typedef struct {
    size_t count;
    size_t power_total;
    uint32_t *power_start; /* of each variable: position of its first power */
    uint32_t *power_count; /* of each variable: largest exponent that is used */
    uint32_t *factors;     /* of all rows: position in the table of powers */
    monomial *monomials;
    element *coefficients;
} row_sparse;

/* Split where that at most doubles the terms (it is several times faster a term), else by rows. */
struct sparse {
    const kernel_path *path;
    size_t inputs, outputs;
    int is_split;
    split_sparse split;
    row_sparse rows;
};

/* The columns of a sparse function, as they stand in its canonical bytes. */
typedef struct {
    const uint8_t *factor_counts, *factors, *coefficients;
    size_t rows, factor_total, inputs, outputs;
} monomial_table;

/* For planes that are NULL. Returns 1, or 0 when there is no memory; `planes_free` frees either way. */
int planes_allocate(coefficient_planes *planes, size_t count);
void planes_free(coefficient_planes *planes);

/* Returns 1, or 0 when there is no memory, for as many large coefficients as `packed` has. */
int large_allocate(large_coefficients *large, const uint8_t *packed, size_t count);

/* Puts one coefficient where it belongs; returns KERNEL_OK or KERNEL_NOT_AN_ELEMENT. */
int place_coefficient(coefficient_planes *planes, large_coefficients *large, size_t at,
                      large_coefficient where, const uint8_t *packed);

/* Each returns KERNEL_OK and a function, or another code and NULL. */
int quadratic_prepare(quadratic **out, const kernel_path *path, const uint8_t *coefficients,
                      size_t inputs, size_t outputs);
void quadratic_free(quadratic *function);

/* Exponents of 0 or variables that are not there count as KERNEL_NOT_AN_ELEMENT. */
int sparse_prepare(sparse **out, const kernel_path *path, const monomial_table *table);
void sparse_free(sparse *function);

/* Returns 1 when the function was split, 0 when it is better not, and -1 when there is no memory. For
 * tables in canonical order only; a bad coefficient is reported in `code`. */
int sparse_split(split_sparse *split, const monomial_table *table, int *code);
void split_free(split_sparse *split);

/* First row that is not in canonical order (variables ascending, exponents at least 1, rows strictly
 * ascending, a coefficient that is not 0), or `rows`; the degree of the rows before it. */
size_t survey_rows(const monomial_table *table, size_t *degree);


/* total += the large coefficients of one output, which stand in the list from `*from` on; moves `*from`
 * to the next output's. */
static inline void add_large(wide *total, const large_coefficients *large, size_t *from,
                             size_t output, const element *left, const element *right)
{
    for (; *from < large->count && large->list[*from].output == output; ++*from) {
        const large_coefficient *term = &large->list[*from];
        element product = element_multiply(&left[term->left], &right[term->right]);
        wide_add_product(total, &product, &term->value);
    }
}

#endif
