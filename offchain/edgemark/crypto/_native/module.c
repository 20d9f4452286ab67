/* edgemark.crypto._native._kernel: packed bytes in, packed bytes out.
 *
 * Lengths are checked here, so that no call from Python can read or write beyond a buffer; elements
 * are checked where they are read. A wrong length or element raises ValueError: the Python face beside
 * this file finds it first and says what it was. The interpreter is free while the kernel works.
 * Each call names its code path by its position in `paths()`.
 */
#include "module.h"

static const kernel_path *usable[MOST_PATHS];
static size_t usable_count;

int to_path(PyObject *number, void *path)
{
    Py_ssize_t at = PyNumber_AsSsize_t(number, PyExc_ValueError);
    if (at == -1 && PyErr_Occurred())
        return 0;
    if (at < 0 || (size_t)at >= usable_count) {
        PyErr_SetString(PyExc_ValueError, "no such code path");
        return 0;
    }
    *(const kernel_path **)path = usable[at];
    return 1;
}

Py_ssize_t elements_of(const Py_buffer *buffer)
{
    if (buffer->len % ELEMENT_BYTES) {
        PyErr_SetString(PyExc_ValueError, "no whole number of elements");
        return -1;
    }
    return buffer->len / ELEMENT_BYTES;
}

int set_error(int code)
{
    if (code == KERNEL_NO_MEMORY)
        PyErr_NoMemory();
    else if (code != KERNEL_OK)
        PyErr_SetString(PyExc_ValueError, "not an element of the field");
    return code != KERNEL_OK;
}

PyObject *new_packed(Py_ssize_t count, uint8_t **out)
{
    if (count > PY_SSIZE_T_MAX / ELEMENT_BYTES)
        return PyErr_NoMemory();
    PyObject *result = PyBytes_FromStringAndSize(NULL, count * ELEMENT_BYTES);
    if (result)
        *out = (uint8_t *)PyBytes_AsString(result);
    return result;
}

PyObject *finish(PyObject *result, int code)
{
    if (set_error(code)) {
        Py_DECREF(result);
        return NULL;
    }
    return result;
}

PyObject *refuse(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return NULL;
}

static PyObject *paths(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyObject *names = PyTuple_New((Py_ssize_t)usable_count);
    for (size_t at = 0; names && at < usable_count; at++) {
        PyObject *name = PyUnicode_FromString(usable[at]->name);
        if (!name || PyTuple_SetItem(names, (Py_ssize_t)at, name))
            Py_CLEAR(names);
    }
    return names;
}

static PyObject *check(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const kernel_path *path;
    Py_buffer packed;
    if (!PyArg_ParseTuple(arguments, "O&y*", to_path, &path, &packed))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t count = elements_of(&packed);
    if (count >= 0) {
        int code;
        Py_BEGIN_ALLOW_THREADS
        code = path->check(packed.buf, (size_t)count);
        Py_END_ALLOW_THREADS
        result = PyBool_FromLong(code == KERNEL_OK);
    }
    PyBuffer_Release(&packed);
    return result;
}

typedef enum { ADD, SUBTRACT, MULTIPLY, SCALE } operation;

static int apply(const kernel_path *path, operation which, uint8_t *out, const uint8_t *a,
                 const uint8_t *b, size_t count)
{
    switch (which) {
    case ADD: return path->add(out, a, b, count);
    case SUBTRACT: return path->subtract(out, a, b, count);
    case MULTIPLY: return path->multiply(out, a, b, count);
    default: return path->scale(out, a, b, count);
    }
}

/* Two vectors of one length, or a vector and a single element. */
static PyObject *call_binary(PyObject *arguments, operation which)
{
    const kernel_path *path;
    Py_buffer a, b;
    if (!PyArg_ParseTuple(arguments, "O&y*y*", to_path, &path, &a, &b))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t count = elements_of(&a);
    if (count >= 0 && b.len != (which == SCALE ? ELEMENT_BYTES : a.len))
        result = refuse("vectors of different lengths");
    else if (count >= 0) {
        uint8_t *out = NULL;
        result = new_packed(count, &out);
        if (result) {
            int code;
            Py_BEGIN_ALLOW_THREADS
            code = apply(path, which, out, a.buf, b.buf, (size_t)count);
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
    return call_binary(arguments, ADD);
}

static PyObject *subtract(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, SUBTRACT);
}

static PyObject *multiply(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, MULTIPLY);
}

static PyObject *scale(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    return call_binary(arguments, SCALE);
}

static PyObject *combine(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const kernel_path *path;
    Py_buffer matrix, vectors;
    Py_ssize_t count;
    if (!PyArg_ParseTuple(arguments, "O&y*y*n", to_path, &path, &matrix, &vectors, &count))
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
            code = path->combine(out, matrix.buf, vectors.buf, (size_t)rows, (size_t)count,
                                   (size_t)width);
            Py_END_ALLOW_THREADS
            result = finish(result, code);
        }
    }
    PyBuffer_Release(&matrix);
    PyBuffer_Release(&vectors);
    return result;
}

/* A tuple of packed vectors, whose bytes `outs` points to. */
static PyObject *new_vectors(Py_ssize_t many, Py_ssize_t length, uint8_t **outs)
{
    PyObject *vectors = PyTuple_New(many);
    for (Py_ssize_t at = 0; vectors && at < many; at++) {
        PyObject *vector = new_packed(length, &outs[at]);
        if (!vector || PyTuple_SetItem(vectors, at, vector))
            Py_CLEAR(vectors);
    }
    return vectors;
}

static PyObject *share(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    const kernel_path *path;
    Py_buffer secret, coefficients, points;
    if (!PyArg_ParseTuple(arguments, "O&y*y*y*", to_path, &path, &secret, &coefficients, &points))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t length = elements_of(&secret);
    Py_ssize_t rows = length < 0 ? -1 : elements_of(&coefficients);
    Py_ssize_t many = rows < 0 ? -1 : elements_of(&points);
    if (many >= 0 && (length == 0 || rows % length))
        refuse("coefficients do not divide into vectors like the secret");
    else if (many >= 0) {
        uint8_t **outs = (uint8_t **)PyMem_Malloc(((size_t)many + 1) * sizeof *outs);
        result = outs ? new_vectors(many, length, outs) : PyErr_NoMemory();
        if (result) {
            int code;
            Py_BEGIN_ALLOW_THREADS
            code = path->share(outs, secret.buf, coefficients.buf, points.buf, (size_t)length,
                               (size_t)(rows / length), (size_t)many);
            Py_END_ALLOW_THREADS
            result = finish(result, code);
        }
        PyMem_Free((void *)outs);
    }
    PyBuffer_Release(&secret);
    PyBuffer_Release(&coefficients);
    PyBuffer_Release(&points);
    return result;
}

static PyObject *select_drawn(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer drawn;
    if (!PyArg_ParseTuple(arguments, "y*", &drawn))
        return NULL;
    PyObject *result = NULL;
    Py_ssize_t count = elements_of(&drawn);
    uint8_t *kept = count < 0 ? NULL : PyMem_Malloc((size_t)drawn.len + 1);
    if (kept) {
        size_t many;
        Py_BEGIN_ALLOW_THREADS
        many = select_elements(kept, drawn.buf, (size_t)count);
        Py_END_ALLOW_THREADS
        result = PyBytes_FromStringAndSize((const char *)kept, (Py_ssize_t)many * ELEMENT_BYTES);
        wipe(kept, (size_t)drawn.len);
        PyMem_Free(kept);
    } else if (count >= 0)
        PyErr_NoMemory();
    PyBuffer_Release(&drawn);
    return result;
}

static PyMethodDef methods[] = {
    {"paths", paths, METH_NOARGS, "Names of the code paths of this machine, fastest first."},
    {"check", check, METH_VARARGS, "Whether every element is below q."},
    {"add", add, METH_VARARGS, "Elementwise a + b."},
    {"subtract", subtract, METH_VARARGS, "Elementwise a - b."},
    {"multiply", multiply, METH_VARARGS, "Elementwise a * b."},
    {"scale", scale, METH_VARARGS, "A vector times one packed element."},
    {"combine", combine, METH_VARARGS, "Matrix product; the last argument is the inner size."},
    {"share", share, METH_VARARGS, "Polynomial values, a packed vector for each point."},
    {"select", select_drawn, METH_VARARGS, "Elements from random numbers; few are passed over."},
    {"prepare_quadratic", prepare_quadratic, METH_VARARGS, "Make a dense quadratic ready."},
    {"prepare_sparse", prepare_sparse, METH_VARARGS, "Make a sparse polynomial ready."},
    {"survey", survey, METH_VARARGS, "First row out of canonical order, and the degree before it."},
    {"evaluate_quadratic", evaluate_quadratic, METH_VARARGS, "Values for a batch of inputs."},
    {"evaluate_sparse", evaluate_sparse, METH_VARARGS, "Values for a batch of inputs."},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    usable_count = kernel_choose(usable);
    return PyModule_AddIntConstant(module, "INTERFACE", KERNEL_INTERFACE);
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
