"""A peer of calls.py: plain Python."""


def noop():
    pass


def identity(x):
    return x


def add_i(x, y):
    return x + y


def add_f(x, y):
    return x + y


def is_even(x):
    return x & 1 == 0


def utf8_length(text):
    return len(text.encode())


def first_byte(data):
    return data[0]


def sum3(a, b=0, c=0):
    return a + b + c


def clamp(x, lo=0.0, hi=1.0):
    return lo if x < lo else hi if x > hi else x
