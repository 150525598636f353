/* A peer of calls.py: the way of the documentation, METH_VARARGS and PyArg_ParseTuple. */

#define Py_LIMITED_API 0x030b0000
#include "common.h"

static PyObject *noop(PyObject *module, PyObject *ignored)
{
    (void)module, (void)ignored;
    Py_RETURN_NONE;
}

static PyObject *identity(PyObject *module, PyObject *args)
{
    PyObject *object;
    (void)module;
    return PyArg_ParseTuple(args, "O:identity", &object) ? Py_NewRef(object) : NULL;
}

static PyObject *add_i(PyObject *module, PyObject *args)
{
    long long x, y, sum;
    (void)module;
    if (!PyArg_ParseTuple(args, "LL:add_i", &x, &y))
        return NULL;
    return __builtin_add_overflow(x, y, &sum) ? overflow("add_i") : PyLong_FromLongLong(sum);
}

static PyObject *add_f(PyObject *module, PyObject *args)
{
    double x, y;
    (void)module;
    return PyArg_ParseTuple(args, "dd:add_f", &x, &y) ? PyFloat_FromDouble(x + y) : NULL;
}

static PyObject *is_even(PyObject *module, PyObject *args)
{
    long long x;
    (void)module;
    return PyArg_ParseTuple(args, "L:is_even", &x) ? PyBool_FromLong(!(x & 1)) : NULL;
}

static PyObject *utf8_length(PyObject *module, PyObject *args)
{
    const char *text;
    Py_ssize_t length;
    (void)module;
    return PyArg_ParseTuple(args, "s#:utf8_length", &text, &length) ? PyLong_FromSsize_t(length) : NULL;
}

static PyObject *first_byte(PyObject *module, PyObject *args)
{
    PyObject *bytes;
    (void)module;
    if (!PyArg_ParseTuple(args, "S:first_byte", &bytes))
        return NULL;
    return PyBytes_Size(bytes) ? PyLong_FromLong((unsigned char)PyBytes_AsString(bytes)[0]) : empty();
}

static PyObject *sum3(PyObject *module, PyObject *args)
{
    unsigned long long a, b = 0, c = 0;
    (void)module;
    return PyArg_ParseTuple(args, "L|LL:sum3", &a, &b, &c) ? PyLong_FromLongLong((long long)(a + b + c)) : NULL;
}

static PyObject *clamp(PyObject *module, PyObject *args, PyObject *keywords)
{
    static char *const list[] = {"x", "lo", "hi", NULL};
    double x, low = 0.0, high = 1.0;
    (void)module;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "d|dd:clamp", (char **)list, &x, &low, &high))
        return NULL;
    return PyFloat_FromDouble(x < low ? low : x > high ? high : x);
}

static PyMethodDef methods[] = {
    {"noop", noop, METH_NOARGS, NULL},
    {"identity", identity, METH_VARARGS, NULL},
    {"add_i", add_i, METH_VARARGS, NULL},
    {"add_f", add_f, METH_VARARGS, NULL},
    {"is_even", is_even, METH_VARARGS, NULL},
    {"utf8_length", utf8_length, METH_VARARGS, NULL},
    {"first_byte", first_byte, METH_VARARGS, NULL},
    {"sum3", sum3, METH_VARARGS, NULL},
    {"clamp", FAST(clamp), METH_VARARGS | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "calls_parse", .m_methods = methods};

PyMODINIT_FUNC PyInit_calls_parse(void)
{
    (void)wrong_count, (void)given_twice, (void)not_given, (void)find_name, (void)intern_names;
    return PyModuleDef_Init(&definition);
}
