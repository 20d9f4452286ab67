/* All monomials of degree at most D in v variables, in one order: by degree, then by variables.
 *
 * Within a degree the monomials are sorted as ascending lists of variables, so that those in the
 * variables i.. are the last ones, and x_i times each of them stand together one degree higher. Places
 * are computed, not looked up, and every value takes one multiplication.
 */
#ifndef EDGEMARK_GRADED_H
#define EDGEMARK_GRADED_H

#include "element.h"

#define MOST_GRADED_VARIABLES 32
/* Sums of so many products, each below 2^257, are what the vector path can reduce. */
#define MOST_GRADED_MONOMIALS ((size_t)1 << 18)
#define MOST_GRADED_DEGREE 255

typedef struct {
    size_t variables, degree;
    size_t count;  /* monomials */
    size_t *first; /* of each degree 0..D + 1: place of its first monomial */
    size_t *skip;  /* of each degree and variable i: monomials of that degree with a variable < i */
} graded;

/* Returns 1, or 0 when there are too many monomials or there is no memory. */
int graded_build(graded *all, size_t variables, size_t degree);
void graded_free(graded *all);

/* Place of a monomial: `count` factors of 3 bytes, of variables counted from `base`. */
size_t graded_place(const graded *all, const uint8_t *factors, size_t count, size_t base);

/* Monomials of degree at most `degree`. */
static inline size_t graded_prefix(const graded *all, size_t degree)
{
    return all->first[degree + 1];
}

static inline size_t graded_skip(const graded *all, size_t degree, size_t variable)
{
    return all->skip[degree * all->variables + variable];
}

/* Values of all monomials at x. */
static inline void graded_evaluate(element *values, const graded *all, const element *x)
{
    values[0] = element_from(1, 0);
    for (size_t degree = 1; degree <= all->degree; degree++)
        for (size_t variable = 0; variable < all->variables; variable++) {
            const element *from = values + all->first[degree - 1]
                                  + graded_skip(all, degree - 1, variable);
            const element *end = values + all->first[degree];
            element *to = values + all->first[degree] + graded_skip(all, degree, variable);
            while (from < end)
                *to++ = element_multiply(from++, &x[variable]);
        }
}

#endif
