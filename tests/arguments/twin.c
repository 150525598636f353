/* The twin of a module: the same functions, by CPython's own argument parser. What stands here comes before them.

   The prototypes are written out, so that one file, built without Python.h, serves every interpreter: all is Stable ABI.
   The file is no module: functions(NAME) makes a dict of them, as of a module NAME. */

typedef struct object PyObject;
typedef long Py_ssize_t;
typedef struct { double real, imag; } Py_complex;
typedef struct {
    void *buf;
    PyObject *obj;
    Py_ssize_t len, itemsize;
    int readonly, ndim;
    char *format;
    Py_ssize_t *shape, *strides, *suboffsets;
    void *internal;
} Py_buffer;
typedef struct {
    const char *ml_name;
    void *ml_meth;
    int ml_flags;
    const char *ml_doc;
} PyMethodDef;

enum { ONE_FLAGS = 8, FAST_FLAGS = 0x80, KEYWORDS_FLAGS = 0x82 };  /* METH_O, METH_FASTCALL, and METH_KEYWORDS with it */

extern PyObject _Py_NoneStruct, PyList_Type, PyUnicode_Type, *PyExc_OverflowError, *PyExc_TypeError, *PyExc_ValueError;
/* With PY_SSIZE_T_CLEAN, Python.h gives the parser these names. */
int _PyArg_ParseTuple_SizeT(PyObject *, const char *, ...);
int _PyArg_ParseTupleAndKeywords_SizeT(PyObject *, PyObject *, const char *, char **, ...);
PyObject *_Py_BuildValue_SizeT(const char *, ...);
void PyBuffer_Release(Py_buffer *);
PyObject *PyBool_FromLong(long);
PyObject *PyBytes_FromStringAndSize(const char *, Py_ssize_t);
PyObject *PyComplex_FromDoubles(double, double);
PyObject *PyFloat_FromDouble(double);
long long PyLong_AsLongLongAndOverflow(PyObject *, int *);
unsigned long long PyLong_AsUnsignedLongLong(PyObject *);
PyObject *PyLong_FromLong(long);
PyObject *PyLong_FromLongLong(long long);
PyObject *PyLong_FromSsize_t(Py_ssize_t);
PyObject *PyLong_FromUnsignedLong(unsigned long);
PyObject *PyLong_FromUnsignedLongLong(unsigned long long);
PyObject *PyNumber_Index(PyObject *);
PyObject *PyUnicode_FromString(const char *);
PyObject *PyTuple_New(Py_ssize_t);
PyObject *PyTuple_GetItem(PyObject *, Py_ssize_t);
Py_ssize_t PyTuple_Size(PyObject *);
int PyTuple_SetItem(PyObject *, Py_ssize_t, PyObject *);
PyObject *PyDict_New(void);
PyObject *PyDict_GetItemString(PyObject *, const char *);
int PyDict_SetItem(PyObject *, PyObject *, PyObject *);
int PyDict_SetItemString(PyObject *, const char *, PyObject *);
PyObject *PyCFunction_NewEx(PyMethodDef *, PyObject *, PyObject *);
PyObject *PyErr_Format(PyObject *, const char *, ...);
PyObject *PyErr_Occurred(void);
void PyErr_SetString(PyObject *, const char *);
void PyMem_Free(void *);
void Py_IncRef(PyObject *);
void Py_DecRef(PyObject *);

static PyObject *itself(PyObject *object)
{
    Py_IncRef(object);
    return object;
}

static inline PyObject *sized(const char *text, Py_ssize_t size)
{
    return text ? PyBytes_FromStringAndSize(text, size) : itself(&_Py_NoneStruct);
}

static inline PyObject *c_string(const char *text)
{
    return sized(text, text ? (Py_ssize_t)__builtin_strlen(text) : 0);
}

#define BUILD _Py_BuildValue_SizeT

/* An int that the type of the result must hold. */
static inline PyObject *fitting(long long value, long long low, long long high, const char *type)
{
    if (value < low || value > high)
        return PyErr_Format(PyExc_OverflowError, "value does not fit in %s", type);
    return PyLong_FromLongLong(value);
}

/* The module's own exception class, which the caller brings. */
PyObject *problem;

/* Types that have no unit, as converters of `O&`. */
static int ranged(PyObject *object, long long low, long long high, const char *text, long long *out)
{
    PyObject *index = PyNumber_Index(object);
    int overflow;
    if (!index)
        return 0;
    *out = PyLong_AsLongLongAndOverflow(index, &overflow);
    Py_DecRef(index);
    if (overflow || *out < low || *out > high)
        PyErr_SetString(PyExc_OverflowError, text);
    return !overflow && *out >= low && *out <= high;
}

static int unsigned64(PyObject *object, const char *text, unsigned long long *out)
{
    PyObject *index = PyNumber_Index(object);
    if (!index)
        return 0;
    *out = PyLong_AsUnsignedLongLong(index);
    Py_DecRef(index);
    if (*out + 1 == 0 && PyErr_Occurred()) {
        PyErr_SetString(PyExc_OverflowError, text);
        return 0;
    }
    return 1;
}

#define RANGED(type, low, high) \
    static inline int convert_##type(PyObject *object, void *out) { return ranged(object, low, high, "value does not fit in " #type, out); }
#define UNSIGNED(type) \
    static inline int convert_##type(PyObject *object, void *out) { return unsigned64(object, "value does not fit in " #type, out); }
RANGED(i8, -128, 127)
RANGED(u8, 0, 255)
RANGED(u16, 0, 65535)
RANGED(u32, 0, 4294967295)
UNSIGNED(u64)
UNSIGNED(usize)

/* CPython's parser knows no required parameter behind an optional one. */
static inline int given(PyObject *kwargs, const char *name, const char *text)
{
    if (kwargs && PyDict_GetItemString(kwargs, name))
        return 1;
    PyErr_SetString(PyExc_TypeError, text);
    return 0;
}

/* None, the one result or a tuple of them; `ok` says that none is NULL. */
static PyObject *finish(int ok, PyObject **items, Py_ssize_t count)
{
    PyObject *tuple = ok && count > 1 ? PyTuple_New(count) : 0;
    if (ok && count == 0)
        return itself(&_Py_NoneStruct);
    if (ok && count == 1)
        return items[0];
    for (Py_ssize_t at = 0; at < count; at++)
        if (tuple)
            PyTuple_SetItem(tuple, at, items[at]);
        else
            Py_DecRef(items[at]);
    return tuple;
}

/* The interpreter calls all in the ways that spare it a tuple and a dict: what it says of calls before it makes them depends on the way. */
typedef PyObject *function(PyObject *self, PyObject *args, PyObject *kwargs);

static PyObject *with_tuple(function *called, PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *kwargs)
{
    PyObject *tuple = PyTuple_New(count), *result = 0;
    for (Py_ssize_t at = 0; tuple && at < count; at++)
        PyTuple_SetItem(tuple, at, itself(args[at]));
    if (tuple)
        result = called(self, tuple, kwargs);
    Py_DecRef(tuple);
    return result;
}

static PyObject *with_dict(function *called, PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    PyObject *dict = names ? PyDict_New() : 0, *result = 0;
    int ok = dict || !names;
    for (Py_ssize_t at = 0; ok && dict && at < PyTuple_Size(names); at++)
        ok = PyDict_SetItem(dict, PyTuple_GetItem(names, at), args[count + at]) == 0;
    if (ok)
        result = with_tuple(called, self, args, count, dict);
    Py_DecRef(dict);
    return result;
}

#define ONE(name) \
    static PyObject *call_##name(PyObject *self, PyObject *arg) { return with_tuple(name, self, &arg, 1, 0); }
#define FAST(name) \
    static PyObject *call_##name(PyObject *self, PyObject *const *args, Py_ssize_t count) { return with_tuple(name, self, args, count, 0); }
#define KEYWORDS(name) \
    static PyObject *call_##name(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names) \
    { return with_dict(name, self, args, count, names); }

extern PyMethodDef methods[];

PyObject *functions(const char *module)
{
    PyObject *dict = PyDict_New(), *name = PyUnicode_FromString(module);
    for (PyMethodDef *method = methods; method->ml_name; method++)
        PyDict_SetItemString(dict, method->ml_name, PyCFunction_NewEx(method, 0, name));
    return dict;
}

