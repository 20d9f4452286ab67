/* What the two halves of the extension module share: module.c (vectors) and functions.c. */
#ifndef EDGEMARK_MODULE_H
#define EDGEMARK_MODULE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "prepared.h"

/* Converter for PyArg_ParseTuple: the code path at a position of `paths()`. */
int to_path(PyObject *number, void *path);

/* Number of elements of a buffer, or -1 with an exception. */
Py_ssize_t elements_of(const Py_buffer *buffer);

/* Raises what the code says; returns whether it did. */
int set_error(int code);

/* Raises ValueError; returns NULL. */
PyObject *refuse(const char *what);

/* A bytes object of `count` elements to be filled, or NULL with an exception. */
PyObject *new_packed(Py_ssize_t count, uint8_t **out);

/* `result` when the kernel was content, else NULL with an exception. */
PyObject *finish(PyObject *result, int code);

PyObject *prepare_quadratic(PyObject *module, PyObject *arguments);
PyObject *prepare_sparse(PyObject *module, PyObject *arguments);
PyObject *survey(PyObject *module, PyObject *arguments);
PyObject *evaluate_quadratic(PyObject *module, PyObject *arguments);
PyObject *evaluate_sparse(PyObject *module, PyObject *arguments);

#endif
