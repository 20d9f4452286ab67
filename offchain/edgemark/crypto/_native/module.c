/* edgemark.crypto._native._kernel: packed bytes in, packed bytes out.
 *
 * Lengths are checked here, so that no call from Python can read or write beyond a buffer; elements
 * are checked where they are read. A wrong length or element raises ValueError: the Python face beside
 * this file finds it first and says what it was. The interpreter is free while the kernel works.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "prepared.h"

#define QUADRATIC_NAME "edgemark.crypto.quadratic"
#define SPARSE_NAME "edgemark.crypto.sparse"
#define MOST_VARIABLES 65536
#define MOST_OUTPUTS 65536

static const kernel_path *chosen;

/* Number of elements of a buffer, or -1 with an exception. */
static Py_ssize_t elements_of(const Py_buffer *buffer)
{
    if (buffer->len % ELEMENT_BYTES) {
        PyErr_SetString(PyExc_ValueError, "no whole number of elements");
        return -1;
    }
    return buffer->len / ELEMENT_BYTES;
}

static int set_error(int code)
{
    if (code == KERNEL_NO_MEMORY)
        PyErr_NoMemory();
    else if (code != KERNEL_OK)
        PyErr_SetString(PyExc_ValueError, "not an element of the field");
    return code != KERNEL_OK;
}

/* A bytes object of `count` elements to be filled, or NULL with an exception. */
static PyObject *new_packed(Py_ssize_t count, uint8_t **out)
{
    if (count > PY_SSIZE_T_MAX / ELEMENT_BYTES)
        return PyErr_NoMemory();
    PyObject *result = PyBytes_FromStringAndSize(NULL, count * ELEMENT_BYTES);
    if (result)
        *out = (uint8_t *)PyBytes_AsString(result);
    return result;
}

/* `result` when the kernel was content, else NULL with an exception. */
static PyObject *finish(PyObject *result, int code)
{
    if (set_error(code)) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}

static PyObject *refuse(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return NULL;
}

static PyObject *path(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyUnicode_FromString(chosen->name);
}

static PyObject *check(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer packed;
    if (!PyArg_ParseTuple(arguments, "y*", &packed))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t count = elements_of(&packed);
    if (count >= 0) {
        int code;
        Py_BEGIN_ALLOW_THREADS
        code = chosen->check(packed.buf, (size_t)count);
        Py_END_ALLOW_THREADS
        result = PyBool_FromLong(code == KERNEL_OK);
    }
    PyBuffer_Release(&packed);
    return result;
}

typedef int (*binary)(uint8_t *, const uint8_t *, const uint8_t *, size_t);

/* Two vectors of one length, or (one_right) a vector and a single element. */
static PyObject *call_binary(PyObject *arguments, binary apply, int one_right)
{
    Py_buffer a, b;
    if (!PyArg_ParseTuple(arguments, "y*y*", &a, &b))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t count = elements_of(&a);
    if (count >= 0 && b.len != (one_right ? ELEMENT_BYTES : a.len))
        result = refuse("vectors of different lengths");
    else if (count >= 0) {
        uint8_t *out = NULL;
        result = new_packed(count, &out);
        if (result) {
            int code;
            Py_BEGIN_ALLOW_THREADS
            code = apply(out, a.buf, b.buf, (size_t)count);
            Py_END_ALLOW_THREADS
            result = finish(result, code);
        }
    }
    PyBuffer_Release(&a);
    PyBuffer_Release(&b);
    return result;
}

static PyObject *add(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, chosen->add, 0);
}

static PyObject *subtract(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, chosen->subtract, 0);
}

static PyObject *multiply(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, chosen->multiply, 0);
}

static PyObject *scale(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, chosen->scale, 1);
}

static PyObject *combine(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer matrix, vectors;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(arguments, "y*y*n", &matrix, &vectors, &count))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t left = elements_of(&matrix);
    Py_ssize_t right = left < 0 ? -1 : elements_of(&vectors);
    if (right >= 0 && (count < 1 || left % count || right % count))
        refuse("no whole number of rows");
    else if (right >= 0) {
        Py_ssize_t rows = left / count, width = right / count;
        uint8_t *out = NULL;
        if (rows && width > PY_SSIZE_T_MAX / rows)
            PyErr_NoMemory();
        else
            result = new_packed(rows * width, &out);
        if (result) {
            int code;
            Py_BEGIN_ALLOW_THREADS
            code = chosen->combine(out, matrix.buf, vectors.buf, (size_t)rows, (size_t)count,
                                   (size_t)width);
            Py_END_ALLOW_THREADS
            result = finish(result, code);
        }
    }
    PyBuffer_Release(&matrix);
    PyBuffer_Release(&vectors);
    return result;
}

static PyObject *share(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer secret, coefficients, points;
    if (!PyArg_ParseTuple(arguments, "y*y*y*", &secret, &coefficients, &points))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t length = elements_of(&secret);
    Py_ssize_t rows = length < 0 ? -1 : elements_of(&coefficients);
    Py_ssize_t point_count = rows < 0 ? -1 : elements_of(&points);
    if (point_count >= 0 && (length == 0 || rows % length))
        refuse("coefficients do not divide into vectors like the secret");
    else if (point_count >= 0) {
        uint8_t *out = NULL;
        if (point_count > PY_SSIZE_T_MAX / length)
            PyErr_NoMemory();
        else
            result = new_packed(length * point_count, &out);
        if (result) {
            int code;
            Py_BEGIN_ALLOW_THREADS
            code = chosen->share(out, secret.buf, coefficients.buf, points.buf, (size_t)length,
                                 (size_t)(rows / length), (size_t)point_count);
            Py_END_ALLOW_THREADS
            result = finish(result, code);
        }
    }
    PyBuffer_Release(&secret);
    PyBuffer_Release(&coefficients);
    PyBuffer_Release(&points);
    return result;
}

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

static PyObject *prepare_quadratic(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer coefficients;
    Py_ssize_t inputs, outputs;
    if (!PyArg_ParseTuple(arguments, "y*nn", &coefficients, &inputs, &outputs))
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
            code = quadratic_prepare(&function, coefficients.buf, (size_t)inputs, (size_t)outputs);
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

/* Whether the three columns of a sparse function fit one another. */
static int columns_fit(const Py_buffer *counts, const Py_buffer *factors,
                       const Py_buffer *coefficients, Py_ssize_t outputs)
{
    Py_ssize_t total = 0;
    for (Py_ssize_t row = 0; row < counts->len; row++)
        total += ((const uint8_t *)counts->buf)[row];
    if (factors->len == 3 * total && counts->len <= PY_SSIZE_T_MAX / ELEMENT_BYTES / outputs
        && coefficients->len == counts->len * outputs * ELEMENT_BYTES)
        return 1;
    PyErr_SetString(PyExc_ValueError, "the columns do not fit one another");
    return 0;
}

static PyObject *prepare_sparse(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer counts, factors, coefficients;
    Py_ssize_t inputs, outputs;
    if (!PyArg_ParseTuple(arguments, "y*y*y*nn", &counts, &factors, &coefficients, &inputs,
                          &outputs))
        return NULL;
    PyObject *capsule = NULL;
    if (sizes_allowed(inputs, outputs) && columns_fit(&counts, &factors, &coefficients, outputs)) {
        sparse *function;
        int code;
        Py_BEGIN_ALLOW_THREADS
        code = sparse_prepare(&function, counts.buf, (size_t)counts.len, factors.buf,
                              (size_t)(factors.len / 3), coefficients.buf, (size_t)inputs,
                              (size_t)outputs);
        Py_END_ALLOW_THREADS
        if (!set_error(code)) {
            capsule = PyCapsule_New(function, SPARSE_NAME, destroy_sparse);
            if (!capsule)
                sparse_free(function);
        }
    }
    PyBuffer_Release(&counts);
    PyBuffer_Release(&factors);
    PyBuffer_Release(&coefficients);
    return capsule;
}

/* Inputs and outputs of a batch; the number of inputs, or -1 with an exception. */
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

static PyObject *evaluate_quadratic(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *capsule;
    Py_buffer batch;
    if (!PyArg_ParseTuple(arguments, "Oy*", &capsule, &batch))
        return NULL;
    PyObject *result = NULL;
    const quadratic *function = PyCapsule_GetPointer(capsule, QUADRATIC_NAME);
    Py_ssize_t count = function ? batch_size(&batch, function->inputs, function->outputs) : -1;
    uint8_t *out = NULL;
    if (count >= 0)
        result = new_packed(count * (Py_ssize_t)function->outputs, &out);
    if (result) {
        int code;
        Py_BEGIN_ALLOW_THREADS
        code = chosen->evaluate_quadratic(out, function, batch.buf, (size_t)count);
        Py_END_ALLOW_THREADS
        result = finish(result, code);
    }
    PyBuffer_Release(&batch);
    return result;
}

static PyObject *evaluate_sparse(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *capsule;
    Py_buffer batch;
    if (!PyArg_ParseTuple(arguments, "Oy*", &capsule, &batch))
        return NULL;
    PyObject *result = NULL;
    const sparse *function = PyCapsule_GetPointer(capsule, SPARSE_NAME);
    Py_ssize_t count = function ? batch_size(&batch, function->inputs, function->outputs) : -1;
    uint8_t *out = NULL;
    if (count >= 0)
        result = new_packed(count * (Py_ssize_t)function->outputs, &out);
    if (result) {
        int code;
        Py_BEGIN_ALLOW_THREADS
        code = chosen->evaluate_sparse(out, function, batch.buf, (size_t)count);
        Py_END_ALLOW_THREADS
        result = finish(result, code);
    }
    PyBuffer_Release(&batch);
    return result;
}

static PyMethodDef methods[] = {
    {"path", path, METH_NOARGS, "Name of the code path chosen at load."},
    {"check", check, METH_VARARGS, "Whether every element is below q."},
    {"add", add, METH_VARARGS, "Elementwise a + b."},
    {"subtract", subtract, METH_VARARGS, "Elementwise a - b."},
    {"multiply", multiply, METH_VARARGS, "Elementwise a * b."},
    {"scale", scale, METH_VARARGS, "A vector times one packed element."},
    {"combine", combine, METH_VARARGS, "Matrix product; the last argument is the inner size."},
    {"share", share, METH_VARARGS, "Polynomial values at all points, point by point."},
    {"prepare_quadratic", prepare_quadratic, METH_VARARGS, "Make a dense quadratic ready."},
    {"prepare_sparse", prepare_sparse, METH_VARARGS, "Make a sparse polynomial ready."},
    {"evaluate_quadratic", evaluate_quadratic, METH_VARARGS, "Values for a batch of inputs."},
    {"evaluate_sparse", evaluate_sparse, METH_VARARGS, "Values for a batch of inputs."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *Py_UNUSED(module))
{
    chosen = kernel_choose();
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, execute},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_kernel",
    .m_doc = "Arithmetic over F_q, q = 2^128 + 51, on packed vectors.",
    .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__kernel(void);

PyMODINIT_FUNC PyInit__kernel(void)
{
    return PyModuleDef_Init(&definition);
}
