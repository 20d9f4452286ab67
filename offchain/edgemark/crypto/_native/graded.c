#include "graded.h"

#include <stdlib.h>

#define FACTOR_BYTES 3

void graded_free(graded *all)
{
    free(all->first);
    free(all->skip);
    all->first = all->skip = NULL;
}

static size_t add_bounded(size_t a, size_t b)
{
    return a + b > MOST_GRADED_MONOMIALS ? MOST_GRADED_MONOMIALS + 1 : a + b;
}

/* number[w] = monomials of one degree in w variables, from those of the degree before:
 * N(d, w) = N(d, w - 1) + N(d - 1, w) */
static void next_degree(size_t *number, size_t variables)
{
    number[0] = 0;
    for (size_t w = 1; w <= variables; w++)
        number[w] = add_bounded(number[w - 1], number[w]);
}

int graded_build(graded *all, size_t variables, size_t degree)
{
    all->variables = variables;
    all->degree = degree;
    all->first = all->skip = NULL;
    if (variables < 1 || variables > MOST_GRADED_VARIABLES || degree > MOST_GRADED_DEGREE)
        return 0;
    all->first = malloc((degree + 2) * sizeof *all->first);
    all->skip = malloc((degree + 1) * variables * sizeof *all->skip);
    if (!all->first || !all->skip) {
        graded_free(all);
        return 0;
    }
    size_t number[MOST_GRADED_VARIABLES + 1];
    for (size_t w = 0; w <= variables; w++)
        number[w] = 1;
    all->first[0] = 0;
    for (size_t d = 0; d <= degree; d++) {
        if (d > 0)
            next_degree(number, variables);
        for (size_t i = 0; i < variables; i++)
            all->skip[d * variables + i] = number[variables] - number[variables - i];
        all->first[d + 1] = add_bounded(all->first[d], number[variables]);
    }
    all->count = all->first[degree + 1];
    if (all->count > MOST_GRADED_MONOMIALS) {
        graded_free(all);
        return 0;
    }
    return 1;
}

size_t graded_place(const graded *all, const uint8_t *factors, size_t count, size_t base)
{
    size_t degree = 0, place = 0;
    for (size_t at = 0; at < count; at++)
        degree += factors[at * FACTOR_BYTES + 2];
    size_t first = all->first[degree];
    for (size_t at = 0; at < count; at++) {
        const uint8_t *bytes = factors + at * FACTOR_BYTES;
        size_t variable = ((size_t)bytes[0] << 8 | bytes[1]) - base;
        size_t rest = degree - bytes[2];
        place += graded_skip(all, degree, variable) - graded_skip(all, rest, variable);
        degree = rest;
    }
    return first + place;
}
