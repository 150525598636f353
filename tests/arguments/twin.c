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

extern PyObject _Py_NoneStruct, PyList_Type, PyUnicode_Type, *PyExc_BufferError, *PyExc_OverflowError, *PyExc_TypeError, *PyExc_ValueError;
/* With PY_SSIZE_T_CLEAN, Python.h gives the parser these names. */
int _PyArg_ParseTuple_SizeT(PyObject *, const char *, ...);
int _PyArg_ParseTupleAndKeywords_SizeT(PyObject *, PyObject *, const char *, char **, ...);
PyObject *_Py_BuildValue_SizeT(const char *, ...);
int PyBuffer_IsContiguous(const Py_buffer *, char);
void PyBuffer_Release(Py_buffer *);
int PyObject_GetBuffer(PyObject *, Py_buffer *, int);
int PyBytes_AsStringAndSize(PyObject *, char **, Py_ssize_t *);
PyObject *PyObject_GetAttrString(PyObject *, const char *);
PyObject *PyObject_Type(PyObject *);
Py_ssize_t PyUnicode_GetLength(PyObject *);
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
void PyErr_Clear(void);
int PyErr_ExceptionMatches(PyObject *);
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

static int expected(PyObject *object, const char *what, const char *or_none)
{
    PyErr_Clear();
    PyObject *type = PyObject_Type(object), *name = PyObject_GetAttrString(type, "__name__");
    if (object == &_Py_NoneStruct)
        PyErr_Format(PyExc_TypeError, "expected %s%s, got None", what, or_none);
    else if (name)
        PyErr_Format(PyExc_TypeError, "expected %s%s, got %S", what, or_none, name);
    Py_DecRef(type);
    Py_DecRef(name);
    return 0;
}

/* Codes of `struct` that stand for an item, in native and in standard sizes. */
struct codes { const char *native, *standard; Py_ssize_t size; };

static int is_of(const char *format, struct codes codes)
{
    const char *list = codes.native, *prefix = "@=<>!";
    if (!format)
        format = "B";
    if (*format && __builtin_strchr(prefix, *format))
        list = *format == '@' ? list : codes.size > 1 && __builtin_strchr(">!", *format) ? "" : codes.standard, format++;
    return format[0] && !format[1] && __builtin_strchr(list, format[0]);
}

enum { WRITABLE = 1, FORMAT = 4, STRIDES = 0x18, CLEANUP = 0x20000 };

/* A view of items, or of bytes where there are no codes; `what` begins with its article. */
static int view(PyObject *object, Py_buffer *out, const struct codes *codes, int writable, int or_none, const char *what)
{
    if (!object || or_none && object == &_Py_NoneStruct) {
        PyBuffer_Release(out);
        *out = (Py_buffer){0, 0, -1};
        return CLEANUP;
    }
    if (PyObject_GetBuffer(object, out, STRIDES | writable | (codes ? FORMAT : 0)))
        return PyErr_ExceptionMatches(PyExc_TypeError) || PyErr_ExceptionMatches(PyExc_BufferError)
            ? expected(object, what, or_none ? " or None" : "") : 0;
    if (codes && (!is_of(out->format, *codes) || out->itemsize != codes->size))
        PyErr_Format(PyExc_TypeError, "expected %s, got one with format '%.100s'", what, out->format ? out->format : "B");
    else if (codes && out->ndim != 1)
        PyErr_Format(PyExc_ValueError, "expected a one-dimensional %s, got one of %zd dimensions", what + 2, (Py_ssize_t)out->ndim);
    else if (!PyBuffer_IsContiguous(out, 'C'))
        PyErr_Format(PyExc_ValueError, "expected a contiguous %s, got a strided one", what + 2);
    else
        return CLEANUP;
    PyBuffer_Release(out);
    return 0;
}

#define VIEWS(item, native, standard, size) \
    static const struct codes codes_##item = {native, standard, size}; \
    static int buffer_##item(PyObject *object, void *out) { return view(object, out, &codes_##item, 0, 0, "a buffer of " #item); } \
    static int buffer_or_none_##item(PyObject *object, void *out) { return view(object, out, &codes_##item, 0, 1, "a buffer of " #item); } \
    static int mut_buffer_##item(PyObject *object, void *out) \
    { return view(object, out, &codes_##item, WRITABLE, 0, "a writable buffer of " #item); } \
    static int mut_buffer_or_none_##item(PyObject *object, void *out) \
    { return view(object, out, &codes_##item, WRITABLE, 1, "a writable buffer of " #item); }
VIEWS(bool, "?", "?", 1)
VIEWS(i8, "b", "b", 1)
VIEWS(u8, "Bc", "Bc", 1)
VIEWS(i16, "h", "h", 2)
VIEWS(u16, "H", "H", 2)
VIEWS(i32, "i", "il", 4)
VIEWS(u32, "I", "IL", 4)
VIEWS(i64, "lqn", "q", 8)
VIEWS(u64, "LQN", "Q", 8)
VIEWS(isize, "lqn", "q", 8)
VIEWS(usize, "LQN", "Q", 8)
VIEWS(int, "lqn", "q", 8)
VIEWS(f32, "f", "f", 4)
VIEWS(f64, "d", "d", 8)
VIEWS(float, "d", "d", 8)

static inline PyObject *copied(PyObject *bytes)
{
    char *text;
    Py_ssize_t size;
    return PyBytes_AsStringAndSize(bytes, &text, &size) ? 0 : PyBytes_FromStringAndSize(text, size);
}

/* The items of a view in C. */
typedef _Bool item_bool;
typedef signed char item_i8;
typedef unsigned char item_u8;
typedef short item_i16;
typedef unsigned short item_u16;
typedef int item_i32;
typedef unsigned item_u32;
typedef long item_i64;
typedef unsigned long item_u64;
typedef float item_f32;
typedef double item_f64;
#define LAST(item, box, view) (view.len ? box(((item_##item *)view.buf)[view.len / view.itemsize - 1]) : box(0))
#define FIRST(item, box, view) (view.len ? ((item_##item *)view.buf)[0] = ((item_##item *)view.buf)[view.len / view.itemsize - 1] : 0, LAST(item, box, view))

static inline PyObject *stored(Py_buffer *view)
{
    if (view->len)
        *(char *)view->buf = 65;
    return itself(&_Py_NoneStruct);
}

static int buffer_or_none(PyObject *object, void *out) { return view(object, out, 0, 0, 1, "a buffer"); }
static int mut_buffer_or_none(PyObject *object, void *out) { return view(object, out, 0, WRITABLE, 1, "a writable buffer"); }

static int bytes_or_none(PyObject *object, void *cell)
{
    Py_buffer *out = cell;
    if (object == &_Py_NoneStruct)
        *out = (Py_buffer){0, 0, -1};
    else if (PyBytes_AsStringAndSize(object, (char **)&out->buf, &out->len))
        return expected(object, "bytes", " or None");
    return 1;
}

/* The object is in a field that PyBuffer_Release leaves alone. */
static int str_or_none(PyObject *object, void *cell)
{
    if (object != &_Py_NoneStruct && PyUnicode_GetLength(object) < 0)
        return expected(object, "str", " or None");
    ((Py_buffer *)cell)->internal = object;
    return 1;
}

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

