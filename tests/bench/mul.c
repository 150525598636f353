/* The yardstick of calls.py: what a careful C programmer writes for `mul` within the limited API of 3.11.
 *
 * METH_FASTCALL, the count checked here. PyLong_AsSsize_t comes first, since it has no slow path for ints of two digits; what it
 * refuses (too large, or only an __index__) goes to PyLong_AsLongLong, whose conversions and messages are the documented ones.
 * The product is not checked for overflow, which pyasmgen's is: that is part of the comparison. */

#define Py_LIMITED_API 0x030b0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((cold, noinline))

COLD static int second_try(PyObject *object, long long *value)
{
    PyErr_Clear();
    *value = PyLong_AsLongLong(object);
    return *value == -1 && PyErr_Occurred() != NULL;
}

static inline int as_i64(PyObject *object, long long *value)
{
    *value = PyLong_AsSsize_t(object);
    return UNLIKELY(*value == -1) && PyErr_Occurred() != NULL && second_try(object, value);
}

static PyObject *mul(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    long long x, y;
    (void)module;
    if (UNLIKELY(count != 2))
        return PyErr_Format(PyExc_TypeError, "mul takes 2 arguments, not %zd", count);
    if (UNLIKELY(as_i64(args[0], &x)) || UNLIKELY(as_i64(args[1], &y)))
        return NULL;
    return PyLong_FromLongLong((long long)((unsigned long long)x * (unsigned long long)y));
}

static PyMethodDef methods[] = {
    {"mul", (PyCFunction)(void (*)(void))mul, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef_Slot slots[] = {{0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "mul", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_mul(void)
{
    return PyModuleDef_Init(&definition);
}
