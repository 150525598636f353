# Bodies on views, bytes, bytearrays, strs and objects: both the source of a module and what CPython runs beside it. Each function is a
# method: its parameters' types and its results' unit stand in the annotations, its text is the body. Read by `main.rs`; imported by
# `judge.py`, which hands it memoryviews for buffers.


def fnv(data: "Buffer") -> "K":
    h: u64 = 14695981039346656037
    for c in data:
        h = ((h ^ c) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return h


def count(data: "Buffer", byte: "i64") -> "L":
    n = 0
    for c in data:
        if c == byte:
            n += 1
    return n


def item(data: "bytes", at: "i64") -> "L":
    return data[at]


def item_of_view(data: "Buffer[i16]", at: "i64") -> "L":
    return data[at]


def dot(a: "Buffer[f64]", b: "Buffer[f64]") -> "d":
    s = 0.0
    for i, x in enumerate(a):
        s += x * b[i]
    return s


def flags(data: "MutBuffer[bool]") -> "L":
    n = 0
    for i, x in enumerate(data):
        if x:
            n += i
        data[i] = not x
    return n


def reverse(data: "MutBuffer") -> "":
    i, j = 0, len(data) - 1
    while i < j:
        t = data[i]
        data[i] = data[j]
        data[j] = t
        i += 1
        j -= 1


def sort(data: "MutBuffer[i32]") -> "":
    for i in range(1, len(data)):
        j = i
        while j and data[j - 1] > data[j]:
            t = data[j]
            data[j] = data[j - 1]
            data[j - 1] = t
            j -= 1


def scale(data: "MutBuffer[f32]", by: "f64") -> "":
    for i in range(len(data)):
        data[i] *= by


def poke(data: "MutBuffer", at: "i64", value: "i64") -> "L":
    data[at] = value
    return data[at - 1]


def to_hex(data: "bytes") -> "S":
    out = bytearray(len(data) * 2)
    digits = b"0123456789abcdef"
    for i, c in enumerate(data):
        out[2 * i] = digits[c >> 4]
        out[2 * i + 1] = digits[c & 15]
    return bytes(out)


def filled(n: "i64", byte: "i64") -> "S":
    out = bytearray(n)
    for i in range(n):
        out[i] = byte
    return bytes(out)


def array(n: "i64", byte: "i64") -> "O":
    out = bytearray(n)
    if n:
        out[-1] = byte
    return out


def changed(data: "Buffer") -> "O":
    out = bytearray(data)
    for i in range(len(out)):
        out[i] ^= 0x55
    return out


def runs(data: "bytes") -> "SL":
    out = bytearray(len(data) * 2)
    n = i = 0
    while i < len(data):
        j = i
        while j < len(data) and data[j] == data[i] and j - i < 255:
            j += 1
        out[n] = j - i
        out[n + 1] = data[i]
        n += 2
        i = j
    return bytes(out[:n]), n


def distance(a: "bytes", b: "bytes") -> "L":
    row = bytearray(len(b) + 1)
    for j in range(len(row)):
        row[j] = j
    for i, x in enumerate(a):
        last = row[0]
        row[0] = i + 1
        for j, y in enumerate(b):
            now = min(last + (x != y), row[j] + 1, row[j + 1] + 1)
            last = row[j + 1]
            row[j + 1] = now
    return row[len(b)]


def find_all(data: "bytes", part: "bytes") -> "L":
    n = 0
    while part and len(data) >= len(part):
        if data[: len(part)] == part:
            n += 1
        data = data[1:]
    return n


def longest_word(data: "bytes") -> "S":
    best = b""
    rest = data
    while rest:
        i = 0
        while i < len(rest) and rest[i] != 32:
            i += 1
        word = rest[:i]
        if len(word) > len(best) or len(word) == len(best) and word > best:
            best = word
        rest = rest[i + 1 :]
    return bytes(best)


def pieces(data: "bytes", i: "i64", j: "i64") -> "SSS":
    return data[:i], data[i:j], data[j:]


def copies(data: "bytes", i: "i64") -> "OO":
    a = bytearray(data)
    b = a[i:]
    if len(b) > 1:
        b[1] = 7
    a = a[:i]
    return a, b


def compared(a: "bytes", b: "bytes") -> "(ppppppp)":
    return a == b, a != b, a < b, a <= b, a > b, a >= b, a in b


def has(data: "bytes", byte: "i64") -> "p":
    return byte in data


def points(text: "str") -> "LLU":
    data = text.encode()
    n = 0
    for c in data:
        if c & 0xC0 != 0x80:
            n += 1
    return n, len(text), data.decode()


def decoded(data: "Buffer", how: "i64") -> "U":
    if how == 0:
        return data.decode("utf-8")
    if how == 1:
        return data.decode("ascii")
    return data.decode("latin-1")


def longer(a: "str", b: "str") -> "U":
    if a == b:
        return "equal"
    c = a if len(a) > len(b) else b
    return c


def full(text: "str", other: "str | None") -> "ppL":
    return bool(text), not other, len(text) if text else -1


def maybe(data: "bytes | None", text: "str | None", n: "i64") -> "O":
    if n == 0:
        return data
    if n == 1:
        return text
    if n == 2:
        return len(data)
    if n == 3:
        return data[0]
    if n == 4:
        return text.encode() if text is None else data
    if n == 5:
        return data or b"none"
    if n == 6:
        if data == b"" or text == "x":
            return "found"
    for c in data:
        if c == n:
            return c
    return None


def kinds(data: "bytes", x: "object", n: "i64") -> "O":
    if n == 0:
        return x
    if n == 1:
        return data
    if n == 2:
        return bytearray(data)
    if n == 3:
        return len(data)
    if n == 4:
        return 2.5
    if n == 5:
        return n == 5
    if n == 6:
        return complex(1.5, -0.0)
    if n == 7:
        return "text"
    return None


def exchange(a: "object", b: "object", n: "i64") -> "OO":
    x = a
    for i in range(n):
        x, b = b, x
    return x, b


def nested(data: "bytes", n: "i64") -> "S":
    def longest(p: bytes, q: bytes) -> bytes:
        return p if len(p) >= len(q) else q

    def tail(p: bytes, n: i64) -> bytes:
        if n > len(p):
            raise ValueError(f"{n} of {len(p)}")
        return p[len(p) - n :]

    return longest(tail(longest(data, data[1:]), n), data[:2])


def depth(data: "bytes") -> "L":
    def deeper(p: Buffer, n: i64) -> i64:
        if len(p) == 0:
            return n
        return deeper(p[1:], n + (p[0] == 40))

    return deeper(data, 0)


def told(data: "bytes", text: "str", x: "object") -> "":
    if len(data) == 3:
        raise KeyError(data)
    if len(data) == 2:
        raise ValueError(bytearray(data))
    if len(data) == 1:
        raise IndexError(text)
    raise ValueError(f"{text!r} {data} {len(data):>3}")


def loop(data: "bytes") -> "L":
    t = 0
    for i, c in enumerate(bytes(data)):
        data = data[1:]
        if c == 108:
            continue
        for d in bytearray(data):
            if d == c:
                break
            if d == 255:
                return t
            t += d - i
        else:
            t -= 1
    else:
        t += 1000
    return t


def quiet(data: "Buffer", n: "i64") -> "L":
    t = 0
    part = data
    with nogil:
        for i in range(n):
            part = part[1:]
            for c in part:
                t += c
            if t > 10000:
                t -= part[i]
    return t


def cast_sum(data: "bytes", at: "i64") -> "(dn)":
    view = memoryview(data).cast("d")
    total = 0.0
    for x in view[at:]:
        total += x
    return total, len(view)


def cast_each(data: "bytes", at: "i64") -> "(LLLdL)":
    low = memoryview(data).cast("h")
    if at % 2:
        low = low[1:]
    again = low.cast("B")
    return low[at], memoryview(data).cast("@I")[-1], memoryview(data).cast("b")[0], memoryview(data).cast("f")[0], len(again)


def cast_back(data: "MutBuffer[f64]", at: "i64", x: "i64") -> "(nL)":
    view = memoryview(data).cast("B")
    view[at] = x
    flags = memoryview(view).cast("?")
    flags[0] = not flags[0]
    return len(view[1:]), view[-1]


def cast_store(n: "i64", x: "i64") -> "y#":
    data = bytearray(n % 17)
    small = memoryview(data).cast("b")
    small[n] = x
    wide = memoryview(data)[:16].cast("q")
    wide[0] += x
    half = memoryview(data).cast("H")
    half[-1] = x
    return bytes(data)


def cast_none(data: "bytes | None") -> "n":
    return len(memoryview(data).cast("B"))


def kept(data: "bytes", n: "i64") -> "(LL)":
    def last(v: Array[i32, 3], at: i64) -> i64:
        return v[at]

    total = 0
    before = Array[i32, 3]()
    for i, c in enumerate(data):
        now = Array[i32, 3]()
        total += now[0] + before[c % 3]
        now[c % 3] = c - i
        before = now[i % 2 :]
    return total + last(before, n), len(before)


def histogram(data: "bytes", n: "i64") -> "(LLL)":
    counts: Array[u32, 256] = Array[u32, 256]()
    for c in data:
        counts[c] += 1
    first = counts[n:]
    best = 0
    for i, count in enumerate(counts):
        if count > counts[best]:
            best = i
    return best, len(first), first[-1]


def scratch(data: "bytes", at: "i64") -> "y#":
    out = Array[u8, 16]()
    for i, c in enumerate(data):
        out[(c + i) % 16] = c
    out[at] = 1
    return bytes(out)


def extremes(a: "Buffer[f64]", b: "Buffer[i16]") -> "(ddLL)":
    return min(a), max(a), max(b[1:]), min(b)


def extremes_of_bytes(data: "bytes | None") -> "(LL)":
    return max(data), min(data)


def listed(a: "Buffer[f64]", b: "MutBuffer[bool]", data: "bytes") -> "O":
    whole: object = sum(a)
    return [whole, sorted(a), list(b), tuple(memoryview(data).cast("b")), set(data), any(b), all(a), sum(b, 5), max(list(a), default=None)]


def sums(a: "Buffer[f64]", b: "Buffer[i16]") -> "(dOd)":
    return math.fsum(a), math.prod(b, start=3), math.dist(a, a)


def parts_of_floats(a: "Buffer[f64]", n: "i64") -> "(dLdd)":
    x = a[n]
    mantissa, exponent = math.frexp(x)
    rest, whole = math.modf(x)
    return mantissa, exponent, rest, whole


def hypotenuses(text: "str", x: "object") -> "(dpO)":
    return math.hypot(float(len(text)), 2), math.isclose(len(text), 4, rel_tol=0.5), [math.floor(2.5 + len(text)), math.sqrt(x), math.gcd(x, 12)]


def texts(data: "bytes", text: "str") -> "O":
    found: object = data.find(b"l")
    return [found, data.hex(), data[1:].upper(), data.decode("utf-8", "ignore"), text.encode("utf-16"), int(str(len(data))), data.split(b" ")]


def truths(a: "Buffer[f64]", n: "i64") -> "(ppp)":
    z = complex(a[0], a[1])
    w = complex(n, 0)
    flag = False
    if not z or z == w:
        flag = True
    return flag, z != n, n == z and w == n


def nothing(data: "bytes | None", text: "str | None") -> "(ppL)":
    return data == None, None != text, 1 if None == data or text is None else 2
