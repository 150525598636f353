# cython: language_level=3, binding=False, overflowcheck=False
"""A peer of calls.py: Cython, with the types written out."""


def noop():
    return None


def identity(x):
    return x


def add_i(long long x, long long y):
    return x + y


def add_f(double x, double y):
    return x + y


def is_even(long long x):
    return (x & 1) == 0


def utf8_length(str text):
    return len(text.encode())


def first_byte(bytes data):
    return <unsigned char>data[0]


def sum3(long long a, long long b=0, long long c=0):
    return a + b + c


def clamp(double x, double lo=0.0, double hi=1.0):
    return lo if x < lo else hi if x > hi else x
