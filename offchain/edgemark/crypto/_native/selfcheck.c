/* Compares a path with another at load, in about a millisecond: a compiler's fault, a processor's or an
 * emulator's costs speed, and never a wrong result. The tests compare far more, with plain Python. */
#include <string.h>

#include "prepared.h"

#define LENGTH 37 /* not a multiple of a vector */
#define DEGREE 3
#define INPUTS 19 /* three strips: one alone, two together, the last one not full */
#define OUTPUTS 2
#define TERMS ((INPUTS + 1) * (INPUTS + 2) / 2)
#define SPARSE_INPUTS 4
#define SPARSE_DEGREE 5
#define SPARSE_ROWS 126 /* all monomials of that degree in so many variables: 9 over 4 */
#define MOST_ELEMENTS ((size_t)TERMS * OUTPUTS) /* more than the rows' */

static const element EDGES[] = {
    {{0, 0}, 0},
    {{1, 0}, 0},
    {{Q_TAIL - 1, 0}, 1}, /* q - 1 */
    {{0, 0}, 1},          /* 2^128 */
    {{UINT64_MAX, UINT64_MAX}, 0},
    {{UINT64_MAX, 0}, 0},
    {{0, UINT64_MAX}, 0},
    {{(UINT64_C(1) << 52) - 1, 0}, 0},
};
#define EDGE_COUNT (sizeof EDGES / sizeof *EDGES)

/* One edge value for two pseudorandom ones (Knuth's multiplier); the same bytes at every load. */
static void fill(uint8_t *packed, size_t count, uint64_t state)
{
    for (size_t at = 0; at < count; at++) {
        uint64_t drawn[2];
        for (int i = 0; i < 2; i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            drawn[i] = state ^ (state >> 29);
        }
        element a = {{drawn[0], drawn[1]}, 0};
        if ((state >> 33) % 3 == 0)
            a = EDGES[(state >> 40) % EDGE_COUNT];
        element_store(packed + at * ELEMENT_BYTES, &a);
    }
}

#define POINTS 6

typedef struct {
    uint8_t a[MOST_ELEMENTS * ELEMENT_BYTES], b[MOST_ELEMENTS * ELEMENT_BYTES];
    uint8_t out[2][MOST_ELEMENTS * ELEMENT_BYTES];
} samples;

static int same(const samples *with, int code, int other, size_t count)
{
    return code == KERNEL_OK && other == KERNEL_OK
           && memcmp(with->out[0], with->out[1], count * ELEMENT_BYTES) == 0;
}

/* Shares one behind the other. */
static int share_samples(uint8_t *out, const samples *s, const kernel_path *path)
{
    uint8_t *outs[POINTS];
    for (size_t point = 0; point < POINTS; point++)
        outs[point] = out + point * LENGTH * ELEMENT_BYTES;
    return path->share(outs, s->a, s->b, s->a, LENGTH, DEGREE, POINTS);
}

static int vectors_agree(samples *s, const kernel_path *path, const kernel_path *reference)
{
    const kernel_path *both[2] = {path, reference};
    int codes[7][2];
    int agree = 1;
    for (int operation = 0; operation < 7; operation++) {
        memset(s->out, 0, sizeof s->out);
        for (int i = 0; i < 2; i++) {
            const kernel_path *p = both[i];
            uint8_t *out = s->out[i];
            switch (operation) {
            case 0: codes[0][i] = p->add(out, s->a, s->b, LENGTH); break;
            case 1: codes[1][i] = p->subtract(out, s->a, s->b, LENGTH); break;
            case 2: codes[2][i] = p->multiply(out, s->a, s->b, LENGTH); break;
            case 3: codes[3][i] = p->scale(out, s->a, s->b, LENGTH); break;
            case 4: codes[4][i] = p->combine(out, s->a, s->b, 3, 5, 13); break;
            case 5: codes[5][i] = share_samples(out, s, p); break;
            default: codes[6][i] = p->check(s->a, LENGTH); break;
            }
        }
        agree &= same(s, codes[operation][0], codes[operation][1], MOST_ELEMENTS);
    }
    return agree;
}

static int quadratic_agrees(samples *s, const kernel_path *path, const kernel_path *reference)
{
    const kernel_path *both[2] = {path, reference};
    int codes[2];
    memset(s->out, 0, sizeof s->out);
    for (int i = 0; i < 2; i++) {
        quadratic *function;
        codes[i] = quadratic_prepare(&function, both[i], s->a, INPUTS, OUTPUTS);
        if (codes[i] == KERNEL_OK)
            codes[i] = both[i]->evaluate_quadratic(s->out[i], function, s->b, 3);
        quadratic_free(function);
    }
    return same(s, codes[0], codes[1], MOST_ELEMENTS);
}

/* All monomials in canonical order: exponents as digits, each row's factors where they are not 0. */
static size_t list_monomials(uint8_t *counts, uint8_t *factors, uint8_t *row, size_t row_count,
                             size_t variable, size_t degree, size_t *factor_total)
{
    memcpy(factors + 3 * *factor_total, row, 3 * row_count);
    *factor_total += row_count;
    *counts = (uint8_t)row_count;
    size_t rows = 1;
    for (size_t next = variable; next < SPARSE_INPUTS; next++)
        for (size_t exponent = 1; exponent <= degree; exponent++) {
            uint8_t *factor = row + 3 * row_count;
            factor[0] = 0;
            factor[1] = (uint8_t)next;
            factor[2] = (uint8_t)exponent;
            rows += list_monomials(counts + rows, factors, row, row_count + 1, next + 1,
                                   degree - exponent, factor_total);
        }
    return rows;
}

static int sparse_agrees(samples *s, const kernel_path *path, const kernel_path *reference)
{
    uint8_t counts[SPARSE_ROWS], factors[SPARSE_ROWS * SPARSE_INPUTS * 3], row[SPARSE_INPUTS * 3];
    monomial_table table = {counts, factors, s->a, 0, 0, SPARSE_INPUTS, OUTPUTS};
    table.rows = list_monomials(counts, factors, row, 0, 0, SPARSE_DEGREE, &table.factor_total);
    const kernel_path *both[2] = {path, reference};
    sparse *function;
    if (sparse_prepare(&function, reference, &table) != KERNEL_OK)
        return 0;
    int codes[2], is_split = function->is_split;
    memset(s->out, 0, sizeof s->out);
    for (int i = 0; i < 2; i++)
        codes[i] = both[i]->evaluate_sparse(s->out[i], function, s->b, 3);
    sparse_free(function);
    return is_split && same(s, codes[0], codes[1], MOST_ELEMENTS);
}

int kernel_agrees(const kernel_path *path, const kernel_path *reference)
{
    samples s;
    fill(s.a, MOST_ELEMENTS, 1);
    fill(s.b, MOST_ELEMENTS, 2);
    return vectors_agree(&s, path, reference) && quadratic_agrees(&s, path, reference)
           && sparse_agrees(&s, path, reference);
}
