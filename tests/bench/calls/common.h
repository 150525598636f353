/* What the peers in C have in common: names, errors, method tables. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define COLD __attribute__((cold, noinline))
#define FAST(function) (PyCFunction)(void (*)(void))(function)
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

COLD static PyObject *wrong_count(const char *name, Py_ssize_t wanted, Py_ssize_t given)
{
    return PyErr_Format(PyExc_TypeError, "%s takes %zd arguments, not %zd", name, wanted, given);
}

COLD static PyObject *overflow(const char *name)
{
    return PyErr_Format(PyExc_OverflowError, "%s: the result is too large", name);
}

COLD static PyObject *empty(void)
{
    PyErr_SetString(PyExc_IndexError, "index out of range");
    return NULL;
}

/* Names of keywords: interned when the module is made, as those at call sites are. */
static PyObject *names[3];

static int intern_names(void)
{
    static const char *const texts[3] = {"x", "lo", "hi"};
    for (int at = 0; at < 3; at++)
        if (!names[at] && !(names[at] = PyUnicode_InternFromString(texts[at])))
            return -1;
    return 0;
}

/* The number of a name that is not one of the interned ones. */
COLD static int find_name(PyObject *name)
{
    for (int at = 0; at < 3; at++) {
        int same = PyObject_RichCompareBool(name, names[at], Py_EQ);
        if (same)
            return same < 0 ? -1 : at;
    }
    PyErr_Format(PyExc_TypeError, "clamp() has no parameter '%U'", name);
    return -1;
}

COLD static PyObject *given_twice(PyObject *name)
{
    return PyErr_Format(PyExc_TypeError, "clamp() got two values for '%U'", name);
}

COLD static PyObject *not_given(void)
{
    PyErr_SetString(PyExc_TypeError, "clamp() needs 'x'");
    return NULL;
}
