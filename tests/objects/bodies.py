# Bodies on objects: both the source of a module and what CPython runs beside it. Each function is a method: its parameters' types and its
# results' unit stand in the annotations, its text is the body. Read by `main.rs`; imported by `judge.py`.


def attributes(a: "object", b: "object") -> "O":
    a.x = b
    a.x += b
    b.y = a.x
    del a.x
    return b.y, a.x


def called(a: "object", b: "object", n: "i64") -> "O":
    return [a(), a(b), a(b, n), a(b, key=n), a.x(), a.x(b), a.x(b.y, n), a.x(b, k=b.y, j=n)]


def counted(a: "object") -> "L":
    n = 0
    for i, x in enumerate(a):
        n += i
        if x is None:
            break
    else:
        n += len(a)
    return n


def converted(a: "object") -> "O":
    n = int(a)
    f = float(a)
    s = str(a)
    b = bool(a)
    return n, f, s, b, repr(a), list(a), tuple(a), abs(a), round(a), -n, f + n


def compared(a: "object", b: "object", n: "i64") -> "O":
    return a == b, a != n, n < a, 0 <= a < n, a is b, a is not None, a is True, a in b, n not in a, not a


def taken(a: "object", b: "object") -> "O":
    x, y = a
    (p, q), r = b
    return [x, y, p, q, r]


def dicts(a: "object", b: "object", n: "i64") -> "O":
    d = {"a": a, n: b, a: n}
    d[b] = n
    d.update(z=a)
    total: object = 0
    for key, item in d.items():
        total += 1
        if key == n:
            del d[b]
            break
    s = {a, n, 1}
    s.add(b)
    return d, len(s), total, "a" in d, d.get(b, None)


def words(s: "str", a: "object", n: "i64") -> "O":
    parts = []
    for word in [s, a, n, 2.5, None, True]:
        parts.append(f"{word!s:>5}|{word!r}|{word}")
    return "-".join(parts)


def classes(a: "object") -> "O":
    return isinstance(a, int), isinstance(a, (str, bytes, list)), isinstance(a, ValueError), isinstance(1, a)


def chained(a: "object", b: "object") -> "O":
    try:
        try:
            a()
        except TypeError as e:
            raise Problem(e, 1) from e
        except (ValueError, KeyError) as e:
            raise b from a
    except Problem as e:
        return e.args, e.__cause__
    finally:
        b.append(1)
    return a


def crossing(a: "object", n: "i64") -> "O":
    log = []
    for i in range(4):
        try:
            try:
                if i == n:
                    continue
                if i + 1 == n:
                    break
                if i + 2 == n:
                    return log
                a[i]
            finally:
                log.append(i)
                if n == 5:
                    return "overridden"
        except LookupError:
            log.append("lookup")
        else:
            log.append("else")
        finally:
            log.append("outer")
    return log


def again(a: "object") -> "O":
    try:
        a.x
    except AttributeError:
        try:
            a[0]
        except TypeError:
            raise
        raise
    raise


def numbers(a: "object", n: "i64", f: "f64") -> "d":
    total = 0.0
    for x in a:
        try:
            total += float(x)
        except (TypeError, ValueError):
            total += n
    return total * f


def parked(a: "object", f: "f64") -> "(OdO)":
    try:
        return a, f, [a.x]
    finally:
        a.y = f


def slices(a: "object", n: "i64") -> "O":
    return a[n:], a[:n], a[1:n], a[::2], a[::-1], a[n]


def unbound(a: "object") -> "O":
    if a:
        x = [a]
    try:
        if a:
            del x
        return x
    except UnboundLocalError as e:
        x = e
    return x


def powers(a: "object", b: "object", n: "i64") -> "O":
    return a ** b, pow(a, n), pow(a, n, b), divmod(a, n), min(a, b), max(a, b, key=id) is None, sum(a)


def long_way(a: "object") -> "O":
    i = 0
    out = []
    it = iter(a)
    while True:
        try:
            out.append(next(it))
        except StopIteration:
            break
        i += 1
        if i > 5:
            break
    return out, sorted(out, reverse=True)
