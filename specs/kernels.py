"""Loops over numbers and bytes, in plain Python.

`pyasmgen build specs/kernels.py` makes the extension module; with the package `pyasmgen` installed, the file is importable as it is.
"""

import math
from math import copysign, sqrt as root

from pyasmgen import Array, Buffer, MutBuffer, f32, f64, i32, i64, nogil, overflow, signals, u8, u16, u32, u64

LIMIT = 100
MASK: u64 = 2**64 - 1
FACTORIAL = 265252859812191058636308480000000
GOLDEN = (1.0 + 2.23606797749979) / 2
GREETING = "hello, " + "wörld"
FNV = 0xCBF29CE484222325
FAST = True
_NIBBLES = bytes([0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4])
HEX = b"0123456789abcdef"
COEFFICIENTS = (0.5, -1.25, 3.0)
PRIMES = (2, 3, 5, 7, 11, 13, FNV)
STEPS: Array[i32, 4] = (1, -1, LIMIT, ~LIMIT)
_WHEEL: Buffer[u8] = (4, 2, 4, 2, 4, 6, 2, 6)


class KernelError(ValueError):
    """An input that no kernel takes."""


class Empty(KernelError):
    pass


def mandel(cr: f64, ci: f64, limit: u8 = LIMIT) -> i64:
    """Rounds until z leaves the circle of radius 2.

    At most `limit`:
        as long as this takes.
    """
    x = 0.0
    y = 0.0
    for i in range(limit):
        if x * x + y * y > 4.0:
            return i
        x, y = x * x - y * y + cr, 2.0 * x * y + ci
    return limit


def _square(x: i64, /, *, times: i64 = 1) -> i64:
    "A helper: bodies call it, Python does not see it in the module."
    return x * x * times


def norm(x: i64, /, y: i64, *, scale: f64 = 1.0) -> f64:
    return root(_square(x) + _square(y, times=1)) * scale


def fnv1a(data: Buffer[u8], seed: u64 = FNV) -> u64:
    h = seed
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & MASK
    return h


@overflow("wrap")
def lcg(state: u64) -> u64:
    """A step of a generator of random numbers, modulo 2**64."""
    state = state * 6364136223846793005 + 1442695040888963407
    return state ^ (state >> 33)


@nogil
@signals
def collatz(n: i64) -> i64:
    """Steps down to 1."""
    if n < 1:
        return -1
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n //= 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def population(data: Buffer) -> i64:
    """Ones among the bits."""
    ones = 0
    with nogil:
        for byte in data:
            ones += _NIBBLES[byte >> 4] + _NIBBLES[byte & 15]
    return ones


def rotate(x: u32, n: i32 = 1, right: bool = False) -> u32:
    return u32.rotr(x, n) if right else u32.rotl(x, n)


def bits(x: u64) -> tuple[i64, i64, u64]:
    """Zeros above, zeros below, and the bytes from behind."""
    return u64.clz(x), u64.ctz(x), u64.bswap(x)


def narrow(x: i64) -> u16:
    y = u16(x)
    return y


def whole(x: f64) -> i64: return i64(x)


def mean(data: Buffer[f64]) -> f64:
    if len(data) == 0:
        raise Empty("mean of nothing")
    total = 0.0
    for x in data:
        total += x
    return total / len(data)


def reverse(data: MutBuffer[i32]) -> None:
    i = 0
    j = len(data) - 1
    while i < j:
        data[i], data[j] = data[j], data[i]
        i += 1
        j -= 1


def to_hex(data: bytes) -> bytes:
    out = bytearray(2 * len(data))
    for i, byte in enumerate(data):
        out[2 * i] = HEX[byte >> 4]
        out[2 * i + 1] = HEX[byte & 15]
    return bytes(out)


def part(data: bytes, start: i64, stop: i64) -> bytes:
    return data[start:stop]


def length(text: str, extra: i64 = 0) -> i64:
    """Code points, and a few more."""
    return len(text) + extra


def gcd(a: i64, b: i64) -> i64:
    if b == 0:
        return abs(a)
    return gcd(b, a % b)


def refuse(x: i64, why: str = "odd") -> None:
    if x % 2 != 0:
        raise KernelError(f"{x} is {why}")


def sign(x: f64, y: f64 = -0.0) -> f64:
    return copysign(x, y) + math.floor(y)


def horner(x: f64) -> f64:
    total = 0.0
    for coefficient in COEFFICIENTS:
        total = total * x + coefficient
    return total


def prime(at: i64, skip: i64 = 1) -> u64:
    return PRIMES[skip:][at]


def walk(n: u8, at: i64) -> tuple[i64, i64]:
    """A sum over tables, and a step."""
    total = 0
    for i in range(n):
        total += STEPS[i & 3] * _WHEEL[i % len(_WHEEL)]
    return total, STEPS[at]


def commonest(data: bytes) -> tuple[i64, i64]:
    """The byte that is there most often, and how often."""
    counts = Array[u32, 256]()
    for byte in data:
        counts[byte] += 1
    best = 0
    for byte, count in enumerate(counts):
        if count > counts[best]:
            best = byte
    return best, counts[best]


def rotated(data: bytes, n: i64) -> i64:
    """Arrays that live on while new ones are made."""
    total = 0
    last = Array[i64, 5]()
    for byte in data:
        now = Array[i64, 5]()
        now[0] = byte
        now[byte % 4 + 1] = last[0] + n % 100
        total = total * 3 + now[1] + last[byte % 5] & 0xFFFF
        last = now
    return total


def deep(n: u8, at: i64) -> i64:
    """Each call has an array of its own."""
    own = Array[i64, 300]()
    own[n] = n
    if n > 0:
        return deep(n - 1, at) + own[at]
    return own[at]


def backwards(data: Buffer[f64], weights: Buffer[f64], first: i64 = 1) -> tuple[f64, i64]:
    """Of several views item by item, from behind, and counted from any number on."""
    total = 0.0
    for x, weight in zip(data, weights):
        total += x * weight
    for x in reversed(data):
        total = total * 0.5 + x
    places = 0
    for at, x in enumerate(data, first):
        if x > 0.0:
            places += at
    for i in reversed(range(-2, 3)):
        places = (places * 3 + i) & 0xFFFF
    return total, places


def pieces(data: bytes, size: u8 = 3) -> tuple[i64, i64]:
    """How many pieces of a size there are, and how long the last one is."""
    at = 0
    count = 0
    last = 0
    while (left := len(data) - at) > 0 and size > 0:
        if (last := min(left, size)) < size:
            return count + 1, last
        at += last
        count += 1
    return count, last


def doubles(data: bytes) -> f64:
    total = 0.0
    for x in memoryview(data[: len(data) // 8 * 8]).cast("d"):
        if x == x:
            total = x if x > total else total
    return total


def numbers(thing: object) -> tuple[i64, u8, f64, f32]:
    return i64(thing), u8(thing), f64(thing), f32(thing)


def same(thing: object) -> object:
    return thing


if __name__ == "__main__":
    print(mandel(-0.5, 0.5))
