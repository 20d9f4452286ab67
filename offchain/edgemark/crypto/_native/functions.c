/* Functions of the extension module that make functions ready, check them and evaluate them.
 *
 * A capsule holds a function, which knows the path that it was made ready for.
 */
#include "module.h"

#define QUADRATIC_NAME "edgemark.crypto.quadratic"
#define SPARSE_NAME "edgemark.crypto.sparse"
#define MOST_VARIABLES 65536
#define MOST_OUTPUTS 65536

static void destroy_quadratic(PyObject *capsule)
{
    quadratic_free(PyCapsule_GetPointer(capsule, QUADRATIC_NAME));
}

static void destroy_sparse(PyObject *capsule)
{
    sparse_free(PyCapsule_GetPointer(capsule, SPARSE_NAME));
}

static int sizes_allowed(Py_ssize_t inputs, Py_ssize_t outputs)
{
    if (inputs >= 1 && inputs <= MOST_VARIABLES && outputs >= 1 && outputs <= MOST_OUTPUTS)
        return 1;
    PyErr_SetString(PyExc_ValueError, "inputs or outputs out of range");
    return 0;
}

PyObject *prepare_quadratic(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const kernel_path *path;
    Py_buffer coefficients;
    Py_ssize_t inputs, outputs;
    if (!PyArg_ParseTuple(arguments, "O&y*nn", to_path, &path, &coefficients, &inputs, &outputs))
        return NULL;
    PyObject *capsule = NULL;
    if (sizes_allowed(inputs, outputs)) {
        Py_ssize_t terms = (inputs + 1) * (inputs + 2) / 2;
        if (coefficients.len != terms * outputs * ELEMENT_BYTES)
            refuse("not n * (k+1)(k+2)/2 coefficients");
        else {
            quadratic *function;
            int code;
            Py_BEGIN_ALLOW_THREADS
            code = quadratic_prepare(&function, path, coefficients.buf, (size_t)inputs,
                                     (size_t)outputs);
            Py_END_ALLOW_THREADS
            if (!set_error(code)) {
                capsule = PyCapsule_New(function, QUADRATIC_NAME, destroy_quadratic);
                if (!capsule)
                    quadratic_free(function);
            }
        }
    }
    PyBuffer_Release(&coefficients);
    return capsule;
}

/* The three columns of a sparse function. */
typedef struct {
    Py_buffer counts, factors, coefficients;
} sparse_columns;

static void release_columns(sparse_columns *columns)
{
    PyBuffer_Release(&columns->counts);
    PyBuffer_Release(&columns->factors);
    PyBuffer_Release(&columns->coefficients);
}

/* Fills the table when the columns fit one another; else raises and returns 0. */
static int fit_columns(monomial_table *table, const sparse_columns *columns, Py_ssize_t inputs,
                       Py_ssize_t outputs)
{
    if (!sizes_allowed(inputs, outputs))
        return 0;
    Py_ssize_t rows = columns->counts.len, total = 0;
    for (Py_ssize_t row = 0; row < rows; row++)
        total += ((const uint8_t *)columns->counts.buf)[row];
    if (columns->factors.len != 3 * total || rows > PY_SSIZE_T_MAX / ELEMENT_BYTES / outputs
        || columns->coefficients.len != rows * outputs * ELEMENT_BYTES) {
        refuse("the columns do not fit one another");
        return 0;
    }
    table->factor_counts = columns->counts.buf;
    table->factors = columns->factors.buf;
    table->coefficients = columns->coefficients.buf;
    table->rows = (size_t)rows;
    table->factor_total = (size_t)total;
    table->inputs = (size_t)inputs;
    table->outputs = (size_t)outputs;
    return 1;
}

PyObject *prepare_sparse(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const kernel_path *path;
    sparse_columns columns;
    Py_ssize_t inputs, outputs;
    if (!PyArg_ParseTuple(arguments, "O&y*y*y*nn", to_path, &path, &columns.counts,
                          &columns.factors, &columns.coefficients, &inputs, &outputs))
        return NULL;
    PyObject *capsule = NULL;
    monomial_table table;
    if (fit_columns(&table, &columns, inputs, outputs)) {
        sparse *function;
        int code;
        Py_BEGIN_ALLOW_THREADS
        code = sparse_prepare(&function, path, &table);
        Py_END_ALLOW_THREADS
        if (!set_error(code)) {
            capsule = PyCapsule_New(function, SPARSE_NAME, destroy_sparse);
            if (!capsule)
                sparse_free(function);
        }
    }
    release_columns(&columns);
    return capsule;
}

PyObject *survey(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    sparse_columns columns;
    Py_ssize_t inputs, outputs;
    if (!PyArg_ParseTuple(arguments, "y*y*y*nn", &columns.counts, &columns.factors,
                          &columns.coefficients, &inputs, &outputs))
        return NULL;
    PyObject *result = NULL;
    monomial_table table;
    if (fit_columns(&table, &columns, inputs, outputs)) {
        size_t row, degree;
        Py_BEGIN_ALLOW_THREADS
        row = survey_rows(&table, &degree);
        Py_END_ALLOW_THREADS
        result = Py_BuildValue("(nn)", (Py_ssize_t)row, (Py_ssize_t)degree);
    }
    release_columns(&columns);
    return result;
}

/* Evaluates a prepared function at each of `batch` packed inputs; a kernel code. */
typedef int (*evaluation)(uint8_t *out, const void *function, const uint8_t *inputs, size_t batch);

static int run_quadratic(uint8_t *out, const void *function, const uint8_t *inputs, size_t batch)
{
    const quadratic *ready = function;
    return ready->path->evaluate_quadratic(out, ready, inputs, batch);
}

static int run_sparse(uint8_t *out, const void *function, const uint8_t *inputs, size_t batch)
{
    const sparse *ready = function;
    return ready->path->evaluate_sparse(out, ready, inputs, batch);
}

/* Number of inputs in a batch, or -1 with an exception. */
static Py_ssize_t batch_size(const Py_buffer *batch, size_t inputs, size_t outputs)
{
    Py_ssize_t count = elements_of(batch);
    if (count < 0)
        return -1;
    if (count % (Py_ssize_t)inputs) {
        PyErr_SetString(PyExc_ValueError, "no whole number of inputs");
        return -1;
    }
    count /= (Py_ssize_t)inputs;
    if (count > PY_SSIZE_T_MAX / (Py_ssize_t)outputs) {
        PyErr_NoMemory();
        return -1;
    }
    return count;
}

static PyObject *evaluate(const void *function, evaluation run, const Py_buffer *batch,
                          size_t inputs, size_t outputs)
{
    Py_ssize_t count = batch_size(batch, inputs, outputs);
    if (count < 0)
        return NULL;
    uint8_t *out = NULL;
    PyObject *result = new_packed(count * (Py_ssize_t)outputs, &out);
    if (!result)
        return NULL;
    int code;
    Py_BEGIN_ALLOW_THREADS
    code = run(out, function, batch->buf, (size_t)count);
    Py_END_ALLOW_THREADS
    return finish(result, code);
}

PyObject *evaluate_quadratic(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *capsule, *result = NULL;
    Py_buffer batch;
    if (!PyArg_ParseTuple(arguments, "Oy*", &capsule, &batch))
        return NULL;
    const quadratic *function = PyCapsule_GetPointer(capsule, QUADRATIC_NAME);
    if (function)
        result = evaluate(function, run_quadratic, &batch, function->inputs, function->outputs);
    PyBuffer_Release(&batch);
    return result;
}

PyObject *evaluate_sparse(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *capsule, *result = NULL;
    Py_buffer batch;
    if (!PyArg_ParseTuple(arguments, "Oy*", &capsule, &batch))
        return NULL;
    const sparse *function = PyCapsule_GetPointer(capsule, SPARSE_NAME);
    if (function)
        result = evaluate(function, run_sparse, &batch, function->inputs, function->outputs);
    PyBuffer_Release(&batch);
    return result;
}
