/* A peer of calls.py: imports what stable.c imports, but reads and makes objects in place, with a set of functions for 3.11 and one for 3.12
 * and 3.13 (fields.h); which one, is decided when the module is imported. What that costs elsewhere does not matter here: names and small
 * ints are in static variables, and nothing is examined. */

#define Py_LIMITED_API 0x030b0000
#include "common.h"
#include <stdint.h>

#define LEAST (-5)
#define SMALL 262
static PyObject *small_ints[SMALL];

COLD static int int_by_call(PyObject *object, long long *value)
{
    *value = PyLong_AsLongLong(object);
    return *value == -1 && PyErr_Occurred() != NULL;
}

#define VERSION 311
#include "fields.h"
#undef VERSION
#define VERSION 312
#include "fields.h"

static int execute(PyObject *module)
{
    (void)module;
    for (int at = 0; at < SMALL; at++)
        if (!small_ints[at] && !(small_ints[at] = PyLong_FromLong(at + LEAST)))
            return -1;
    return intern_names();
}

static PyModuleDef_Slot slots[] = {{Py_mod_exec, execute}, {0, NULL}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "calls_fields", .m_slots = slots};

PyMODINIT_FUNC PyInit_calls_fields(void)
{
    switch (Py_Version >> 16) {
    case 0x030b:
        definition.m_methods = methods_311;
        break;
    case 0x030c:
    case 0x030d:
        definition.m_methods = methods_312;
        break;
    default:
        PyErr_SetString(PyExc_ImportError, "no functions for this version");
        return NULL;
    }
    return PyModuleDef_Init(&definition);
}
