/* A peer of calls.py: what a careful C programmer writes within the limited API of 3.11, one file for that version and all later ones.
 *
 * METH_FASTCALL or METH_O, arguments counted here. PyLong_AsSsize_t comes first, since it has no slow path for ints of two digits; what it
 * refuses (too large, or only an __index__) goes to PyLong_AsLongLong. Keywords are compared by address before anything else. */

#define Py_LIMITED_API 0x030b0000
#include "common.h"

COLD static int second_try(PyObject *object, long long *value)
{
    PyErr_Clear();
    *value = PyLong_AsLongLong(object);
    return *value == -1 && PyErr_Occurred() != NULL;
}

static inline int as_int(PyObject *object, long long *value)
{
    *value = PyLong_AsSsize_t(object);
    return UNLIKELY(*value == -1) && PyErr_Occurred() != NULL && second_try(object, value);
}

static inline int as_float(PyObject *object, double *value)
{
    *value = PyFloat_AsDouble(object);
    return UNLIKELY(*value == -1.0) && PyErr_Occurred() != NULL;
}

static PyObject *noop(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)args;
    if (UNLIKELY(count != 0))
        return wrong_count("noop", 0, count);
    Py_RETURN_NONE;
}

static PyObject *identity(PyObject *module, PyObject *object)
{
    (void)module;
    return Py_NewRef(object);
}

static PyObject *add_i(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    long long x, y, sum;
    (void)module;
    if (UNLIKELY(count != 2))
        return wrong_count("add_i", 2, count);
    if (as_int(args[0], &x) || as_int(args[1], &y))
        return NULL;
    if (UNLIKELY(__builtin_add_overflow(x, y, &sum)))
        return overflow("add_i");
    return PyLong_FromLongLong(sum);
}

static PyObject *add_f(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    double x, y;
    (void)module;
    if (UNLIKELY(count != 2))
        return wrong_count("add_f", 2, count);
    if (as_float(args[0], &x) || as_float(args[1], &y))
        return NULL;
    return PyFloat_FromDouble(x + y);
}

static PyObject *is_even(PyObject *module, PyObject *object)
{
    long long x;
    (void)module;
    if (as_int(object, &x))
        return NULL;
    return Py_NewRef(x & 1 ? Py_False : Py_True);
}

static PyObject *utf8_length(PyObject *module, PyObject *object)
{
    Py_ssize_t length;
    (void)module;
    if (UNLIKELY(!PyUnicode_Check(object)))
        return PyErr_Format(PyExc_TypeError, "utf8_length takes a str");
    if (UNLIKELY(!PyUnicode_AsUTF8AndSize(object, &length)))
        return NULL;
    return PyLong_FromSsize_t(length);
}

static PyObject *first_byte(PyObject *module, PyObject *object)
{
    char *bytes;
    Py_ssize_t length;
    (void)module;
    if (UNLIKELY(PyBytes_AsStringAndSize(object, &bytes, &length) < 0))
        return NULL;
    if (UNLIKELY(length == 0))
        return empty();
    return PyLong_FromLong((unsigned char)bytes[0]);
}

static PyObject *sum3(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    long long a, b = 0, c = 0;
    (void)module;
    if (UNLIKELY(count < 1 || count > 3))
        return wrong_count("sum3", count < 1 ? 1 : 3, count);
    if (as_int(args[0], &a) || (count > 1 && as_int(args[1], &b)) || (count > 2 && as_int(args[2], &c)))
        return NULL;
    return PyLong_FromLongLong((long long)((unsigned long long)a + (unsigned long long)b + (unsigned long long)c));
}

static PyObject *clamp(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    PyObject *given[3] = {NULL, NULL, NULL};
    double x, low = 0.0, high = 1.0;
    (void)module;
    if (UNLIKELY(count > 3))
        return wrong_count("clamp", 3, count);
    for (Py_ssize_t at = 0; at < count; at++)
        given[at] = args[at];
    if (keywords) {
        Py_ssize_t length = PyTuple_Size(keywords);
        for (Py_ssize_t at = 0; at < length; at++) {
            PyObject *name = PyTuple_GetItem(keywords, at);
            int which = name == names[1] ? 1 : name == names[2] ? 2 : name == names[0] ? 0 : find_name(name);
            if (UNLIKELY(which < 0))
                return NULL;
            if (UNLIKELY(given[which] != NULL))
                return given_twice(name);
            given[which] = args[count + at];
        }
    }
    if (UNLIKELY(!given[0]))
        return not_given();
    if (as_float(given[0], &x) || (given[1] && as_float(given[1], &low)) || (given[2] && as_float(given[2], &high)))
        return NULL;
    return PyFloat_FromDouble(x < low ? low : x > high ? high : x);
}

static PyMethodDef methods[] = {
    {"noop", FAST(noop), METH_FASTCALL, NULL},
    {"identity", identity, METH_O, NULL},
    {"add_i", FAST(add_i), METH_FASTCALL, NULL},
    {"add_f", FAST(add_f), METH_FASTCALL, NULL},
    {"is_even", is_even, METH_O, NULL},
    {"utf8_length", utf8_length, METH_O, NULL},
    {"first_byte", first_byte, METH_O, NULL},
    {"sum3", FAST(sum3), METH_FASTCALL, NULL},
    {"clamp", FAST(clamp), METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

static int execute(PyObject *module)
{
    (void)module;
    return intern_names();
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "calls_stable", .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit_calls_stable(void)
{
    return PyModuleDef_Init(&definition);
}
