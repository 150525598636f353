/* Functions for the objects of one VERSION: 311, or 312 for 3.12 and 3.13. Included by fields.c once for each. */

#define OWN(name) JOIN(name##_, VERSION)
#define CLASS(object) (((PyTypeObject **)(object))[1])
#define SIZE(object) (((Py_ssize_t *)(object))[2])
#define DIGIT(object, at) (((uint32_t *)(object))[6 + (at)])

#if VERSION == 311
#define ONE_DIGIT(object) ((size_t)(SIZE(object) + 1) <= 2)
#define ONE_DIGIT_VALUE(object) (SIZE(object) * (Py_ssize_t)DIGIT(object, 0))
#define TWO_DIGITS(object) (SIZE(object) == 2 || SIZE(object) == -2)
#define NEGATIVE(object) (SIZE(object) < 0)
#define SIZE_WORD(digits, negative) ((negative) ? -(digits) : (digits))
#define COUNTED(object) (++*(Py_ssize_t *)(object), (object))
#define LASTING(object) COUNTED(object)
#else
#define ONE_DIGIT(object) ((size_t)SIZE(object) < 16)
#define ONE_DIGIT_VALUE(object) ((1 - (SIZE(object) & 3)) * (Py_ssize_t)DIGIT(object, 0))
#define TWO_DIGITS(object) ((size_t)SIZE(object) >> 3 == 2)
#define NEGATIVE(object) (SIZE(object) & 2)
#define SIZE_WORD(digits, negative) ((digits) << 3 | ((negative) ? 2 : 0))
#define COUNTED(object) Py_NewRef(object)
#define LASTING(object) (object)
#endif

static inline int OWN(as_int)(PyObject *object, long long *value)
{
    if (LIKELY(CLASS(object) == &PyLong_Type)) {
        if (LIKELY(ONE_DIGIT(object))) {
            *value = ONE_DIGIT_VALUE(object);
            return 0;
        }
        if (TWO_DIGITS(object)) {
            long long magnitude = (long long)DIGIT(object, 1) << 30 | DIGIT(object, 0);
            *value = NEGATIVE(object) ? -magnitude : magnitude;
            return 0;
        }
    }
    return int_by_call(object, value);
}

static inline PyObject *OWN(make_int)(long long value)
{
    if ((unsigned long long)(value - LEAST) < SMALL) {
        PyObject *object = small_ints[value - LEAST];
        return LASTING(object);
    }
    unsigned long long magnitude = value < 0 ? 0ULL - (unsigned long long)value : (unsigned long long)value;
    if (UNLIKELY(magnitude >= 1ULL << 60))
        return PyLong_FromLongLong(value);
    PyObject *object = PyObject_Malloc(32);
    if (UNLIKELY(!object))
        return PyErr_NoMemory();
    *(Py_ssize_t *)object = 1;
    CLASS(object) = &PyLong_Type;
    SIZE(object) = SIZE_WORD(magnitude >> 30 ? 2 : 1, value < 0);
    *(uint64_t *)&DIGIT(object, 0) = (magnitude & 0x3fffffff) | magnitude >> 30 << 32;
    return object;
}

static inline int OWN(as_float)(PyObject *object, double *value)
{
    if (LIKELY(CLASS(object) == &PyFloat_Type)) {
        *value = ((double *)object)[2];
        return 0;
    }
    *value = PyFloat_AsDouble(object);
    return UNLIKELY(*value == -1.0) && PyErr_Occurred() != NULL;
}

static PyObject *OWN(noop)(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module, (void)args;
    if (UNLIKELY(count != 0))
        return wrong_count("noop", 0, count);
    return LASTING(Py_None);
}

static PyObject *OWN(identity)(PyObject *module, PyObject *object)
{
    (void)module;
    return COUNTED(object);
}

static PyObject *OWN(add_i)(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    long long x, y, sum;
    (void)module;
    if (UNLIKELY(count != 2))
        return wrong_count("add_i", 2, count);
    if (UNLIKELY(OWN(as_int)(args[0], &x)) || UNLIKELY(OWN(as_int)(args[1], &y)))
        return NULL;
    if (UNLIKELY(__builtin_add_overflow(x, y, &sum)))
        return overflow("add_i");
    return OWN(make_int)(sum);
}

static PyObject *OWN(add_f)(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    double x, y;
    (void)module;
    if (UNLIKELY(count != 2))
        return wrong_count("add_f", 2, count);
    if (UNLIKELY(OWN(as_float)(args[0], &x)) || UNLIKELY(OWN(as_float)(args[1], &y)))
        return NULL;
    return PyFloat_FromDouble(x + y);
}

static PyObject *OWN(is_even)(PyObject *module, PyObject *object)
{
    long long x;
    (void)module;
    if (UNLIKELY(OWN(as_int)(object, &x)))
        return NULL;
    return x & 1 ? LASTING(Py_False) : LASTING(Py_True);
}

static PyObject *OWN(utf8_length)(PyObject *module, PyObject *object)
{
    Py_ssize_t length;
    (void)module;
    if (LIKELY(CLASS(object) == &PyUnicode_Type) && LIKELY((((uint32_t *)object)[8] & 0x60) == 0x60))
        return OWN(make_int)(SIZE(object));
    if (UNLIKELY(!PyUnicode_Check(object)))
        return PyErr_Format(PyExc_TypeError, "utf8_length takes a str");
    if (UNLIKELY(!PyUnicode_AsUTF8AndSize(object, &length)))
        return NULL;
    return OWN(make_int)(length);
}

static PyObject *OWN(first_byte)(PyObject *module, PyObject *object)
{
    (void)module;
    if (UNLIKELY(CLASS(object) != &PyBytes_Type) && !PyBytes_Check(object))
        return PyErr_Format(PyExc_TypeError, "first_byte takes bytes");
    if (UNLIKELY(SIZE(object) == 0))
        return empty();
    PyObject *result = small_ints[((unsigned char *)object)[32] - LEAST];
    return LASTING(result);
}

static PyObject *OWN(sum3)(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    long long a, b = 0, c = 0;
    (void)module;
    if (UNLIKELY(count < 1 || count > 3))
        return wrong_count("sum3", count < 1 ? 1 : 3, count);
    if (UNLIKELY(OWN(as_int)(args[0], &a)))
        return NULL;
    if (count > 1 && UNLIKELY(OWN(as_int)(args[1], &b)))
        return NULL;
    if (count > 2 && UNLIKELY(OWN(as_int)(args[2], &c)))
        return NULL;
    return OWN(make_int)((long long)((unsigned long long)a + (unsigned long long)b + (unsigned long long)c));
}

static PyObject *OWN(clamp)(PyObject *module, PyObject *const *args, Py_ssize_t count, PyObject *keywords)
{
    PyObject *given[3] = {NULL, NULL, NULL};
    double x, low = 0.0, high = 1.0;
    (void)module;
    if (UNLIKELY(count > 3))
        return wrong_count("clamp", 3, count);
    if (count > 0) {
        given[0] = args[0];
        if (count > 1) {
            given[1] = args[1];
            if (count > 2)
                given[2] = args[2];
        }
    }
    if (keywords) {
        Py_ssize_t length = SIZE(keywords);
        for (Py_ssize_t at = 0; at < length; at++) {
            PyObject *name = ((PyObject **)keywords)[3 + at];
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
    if (UNLIKELY(OWN(as_float)(given[0], &x)))
        return NULL;
    if (given[1] && UNLIKELY(OWN(as_float)(given[1], &low)))
        return NULL;
    if (given[2] && UNLIKELY(OWN(as_float)(given[2], &high)))
        return NULL;
    return PyFloat_FromDouble(x < low ? low : x > high ? high : x);
}

static PyMethodDef OWN(methods)[] = {
    {"noop", FAST(OWN(noop)), METH_FASTCALL, NULL},
    {"identity", OWN(identity), METH_O, NULL},
    {"add_i", FAST(OWN(add_i)), METH_FASTCALL, NULL},
    {"add_f", FAST(OWN(add_f)), METH_FASTCALL, NULL},
    {"is_even", OWN(is_even), METH_O, NULL},
    {"utf8_length", OWN(utf8_length), METH_O, NULL},
    {"first_byte", OWN(first_byte), METH_O, NULL},
    {"sum3", FAST(OWN(sum3)), METH_FASTCALL, NULL},
    {"clamp", FAST(OWN(clamp)), METH_FASTCALL | METH_KEYWORDS, NULL},
    {NULL, NULL, 0, NULL},
};

#undef OWN
#undef CLASS
#undef SIZE
#undef DIGIT
#undef ONE_DIGIT
#undef ONE_DIGIT_VALUE
#undef TWO_DIGITS
#undef NEGATIVE
#undef SIZE_WORD
#undef COUNTED
#undef LASTING
