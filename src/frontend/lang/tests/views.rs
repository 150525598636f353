//! Bodies with views, bytes, strs and complex numbers: what they become, and what is said of wrong ones.

use super::{Random, body, checked, hints};

/// Parameters of every type there is of these.
const ALL: &str = "data: bytes, buf: Buffer, out: MutBuffer, v: Buffer[f64], m: MutBuffer[u16], big: MutBuffer[u64], flags: MutBuffer[bool], \
     maybe: bytes | None, t: str, ts: str | None, z: complex, x: i64, u: u64, s: u8, d: f64, b: bool, o: object";

/// `return text` of a body that returns `ty`.
fn value(ty: &str, text: &str) -> String {
    let out = body(&format!("f({ALL}) -> {ty}"), &format!("return {text}"));
    match out.strip_prefix("return ") {
        Some(value) => value.trim_end().to_owned(),
        None => out,
    }
}

/// `text` is of the type `ty` and becomes `expected`.
fn typed(rows: &[(&str, &str, &str)]) {
    for (ty, text, expected) in rows {
        assert_eq!(value(ty, text), *expected, "{text}");
    }
}

/// The statements become these.
fn become_(rows: &[(&str, &str)]) {
    for (text, expected) in rows {
        let out = body(&format!("f({ALL})"), text);
        assert_eq!(out.trim_end(), *expected, "{text}");
    }
}

/// The text is wrong, and these are the messages.
fn wrong(rows: &[(&str, &str)]) {
    become_(rows);
}

#[test]
fn items_and_lengths() {
    typed(&[
        ("i64", "len(data)", "len(data)"),
        ("i64", "len(t)", "len(t)"),
        ("i64", "len(b'abc' b'd')", "len(b\"abcd\")"),
        ("i64", "len(maybe)", "len(not_none(maybe))"),
        ("u8", "data[0]", "data[0]"),
        ("u8", "buf[-1]", "buf[-1]"),
        ("i64", "m[u] + 1", "(m[u] +? 1)"),
        ("u64", "s + big[b]", "(s as u64 +? big[b:i64])"),
        ("u64", "buf[x] + u", "(buf[x] as u64 +? u)"),
        ("f64", "v[x] * 2", "(v[x] * 2.0)"),
        ("bool", "flags[0] and b", "(flags[0] and b)"),
        ("u8", "maybe[0]", "not_none(maybe)[0]"),
        ("u8", "b'abc'[x]", "b\"abc\"[x]"),
        ("i64", "data[1:3][0]", "data[1:3][0]"),
    ]);
    wrong(&[
        (
            "x = len(3)",
            "1:9 `len` wants a view or a str, but this is i64",
        ),
        (
            "x = data[1.5]",
            "1:10 `[]` wants an integer, but this is f64",
        ),
        (
            "x = data['a']",
            "1:10 `[]` wants an integer, but this is str",
        ),
        ("x = d[0]", "1:5 indexing wants a view, but this is f64"),
        ("x = t[0]", "1:5 `x` is i64, but this is object"),
        ("x = o[0]", "1:5 `x` is i64, but this is object"),
        (
            "x = data[1, 2]",
            "1:10 `[]` wants an integer, but this is object",
        ),
        (
            "x = data[1:2, 3]",
            "1:10 an index of several parts is not part of the body language",
        ),
    ]);
}

#[test]
fn slices_are_views_or_new_bytearrays() {
    typed(&[
        ("bytes", "data[1:]", "bytes(data[1:])"),
        ("Buffer", "data[:x]", "data[:x]:Buffer[u8]"),
        ("Buffer", "data[None:]", "data[:]:Buffer[u8]"),
        ("Buffer", "buf[x:-1]", "buf[x:-1]"),
        (
            "Buffer",
            "out[x:u]",
            "out[x:min(u, 9223372036854775807u) as i64]:Buffer[u8]",
        ),
        ("Buffer", "buf[:s]", "buf[:s]"),
        (
            "Buffer",
            "buf[b:18446744073709551615]",
            "buf[b:i64:9223372036854775807]",
        ),
        ("Buffer[f64]", "v[1:][:2]", "v[1:][:2]"),
        ("MutBuffer", "out[1:]", "out[1:]"),
        ("Buffer", "bytearray(x)[1:]", "zeroes(x)[1:]:Buffer[u8]"),
        ("bytearray", "bytearray(x)[1:]", "zeroes(x)[1:]"),
        ("bytes", "b'abc'[1:]", "bytes(b\"abc\"[1:])"),
        ("bytes", "maybe[1:]", "bytes(not_none(maybe)[1:])"),
    ]);
    wrong(&[
        ("x = data[::2]", "1:5 bytes has no slice with a step here"),
        (
            "y = data[0.5:]",
            "1:10 `[:]` wants an integer, but this is f64",
        ),
        ("y = x[1:]", "1:5 slicing wants a view, but this is i64"),
        (
            "out[1:2] = data",
            "1:1 assignment to a slice wants an object, but this is MutBuffer[u8]",
        ),
    ]);
}

#[test]
fn stores_check_index_and_value() {
    become_(&[
        ("out[0] = x", "out[0] =? x\nreturn"),
        ("out[u] = s", "out[u] = s\nreturn"),
        ("out[0] = 255", "out[0] = 255\nreturn"),
        ("out[0] = x & 127", "out[0] = (x & 127)\nreturn"),
        ("out[0] = b", "out[0] = b:i64\nreturn"),
        (
            "out[0] = u",
            "out[0] =? min(u, 9223372036854775807u) as i64\nreturn",
        ),
        ("big[x] = x", "big[x] = x as? u64\nreturn"),
        ("big[x] = u", "big[x] = u\nreturn"),
        ("flags[x] = x > 1", "flags[x] =? (x > 1)\nreturn"),
        ("out[1:][0] = x", "out[1:][0] =? x\nreturn"),
        (
            "out[0] = y = x * 2",
            "local y: i64\nlocal <18>: i64\n<18> = (x *? 2)\nout[0] =? <18>\ny = <18>\nreturn",
        ),
        (
            "a = bytearray(8)\na[1] = x",
            "local a: bytearray\na = zeroes(8)\na[1] =? x\nreturn",
        ),
    ]);
    let out = body(
        "f(out: MutBuffer, big: MutBuffer[i64], u: u64) [wrap]",
        "out[0] = u\nbig[0] = u\nout[1] = 300",
    );
    assert_eq!(
        out,
        "out[0] = u as i64\nbig[0] = u as i64\nout[1] = 300\nreturn\n"
    );
    wrong(&[
        ("data[0] = 1", "1:1 bytes cannot be changed"),
        ("v[0] = 1", "1:1 Buffer[f64] cannot be changed"),
        (
            "t[0] = 1",
            "1:1 assignment to an item of a str is not there yet",
        ),
        (
            "out[0] = 256",
            "1:10 256 does not fit in an item, which is u8",
        ),
        ("out[0] = 1.5", "1:10 an item is u8, but this is f64"),
        ("out[0] = data", "1:10 an item is u8, but this is bytes"),
        ("flags[0] = 1", "1:12 an item is bool, but this is i64"),
        ("out[0] = zz", "1:10 nothing is called `zz` here"),
        (
            "zz[0] = x\nout[q] = p",
            "1:1 nothing is called `zz` here\n2:5 nothing is called `q` here\n2:10 nothing is called `p` here",
        ),
        ("b'abc'[0] = 1", "1:1 bytes cannot be changed"),
    ]);
}

#[test]
fn augmented_stores_compute_view_and_index_once() {
    become_(&[
        ("out[x] += 1", "out[x] =? (out[x] +? 1)\nreturn"),
        ("out[-1] ^= s", "out[-1] =? (out[-1] ^ s)\nreturn"),
        (
            "out[x + 1] += 1",
            "local <17>: i64\n<17> = (x +? 1)\nout[<17>] =? (out[<17>] +? 1)\nreturn",
        ),
        (
            "out[1:][x] *= 2",
            "local <17>: MutBuffer[u8]\n<17> = out[1:]\n<17>[x] =? (<17>[x] *? 2)\nreturn",
        ),
        ("big[x] &= 0xffffffffffffffff", "big[x] = big[x]\nreturn"),
    ]);
    wrong(&[
        ("data[0] += 1", "1:1 bytes cannot be changed"),
        ("out[zz] += 1", "1:5 nothing is called `zz` here"),
        ("out[x] += zz", "1:11 nothing is called `zz` here"),
        (
            "out[1:2] += data",
            "1:1 augmented assignment to a slice is not there yet",
        ),
        (
            "x.y += 1",
            "1:1 assignment to an attribute wants an object, but this is i64",
        ),
        (
            "v += v",
            "1:1 `+` wants numbers, but this is Buffer[f64]\n1:6 `+` wants numbers, but this is Buffer[f64]",
        ),
    ]);
}

#[test]
fn loops_run_over_views() {
    become_(&[
        (
            "for y in data: x += y",
            "local y: i64\nfor y in data\n  x = (x +? y)\nreturn",
        ),
        (
            "for y in v: d += y\nelse: d = 0",
            "local y: f64\nfor y in v\n  d = (d + y)\nelse\n  d = 0.0\nreturn",
        ),
        (
            "for i, y in enumerate(big): u = y",
            "local i: i64\nlocal y: u64\nfor i, y in big\n  u = y\nreturn",
        ),
        ("for s in data: pass", "for s in data\n  pass\nreturn"),
        (
            "y: i8 = 0\nfor y in data: pass",
            "local y: i8\nlocal <18>: u8\ny = 0\nfor <18> in data\n  y = narrow?(<18>, i8)\nreturn",
        ),
        (
            "i: u8 = 0\nfor i, i in enumerate(maybe): break",
            "local i: u8\nlocal <18>: i64\ni = 0\nfor <18>, i in not_none(maybe)\n  i = narrow?(<18>, u8)\n  break\nreturn",
        ),
        (
            "for y in flags: b = y",
            "local y: bool\nfor y in flags\n  b = y\nreturn",
        ),
    ]);
    wrong(&[
        (
            "for i, y in data: pass",
            "1:5 a view gives one item at a time",
        ),
        (
            "for y in enumerate(data): x = y",
            "1:5 `enumerate` gives two values at a time",
        ),
        (
            "for i, (y, z) in enumerate(data): pass",
            "1:5 a loop assigns to names",
        ),
        ("for out[0] in data: pass", "1:5 a loop assigns to a name"),
        ("for y in zz: x = y", "1:10 nothing is called `zz` here"),
        ("x = enumerate(data)", "1:5 `x` is i64, but this is object"),
    ]);
}

#[test]
fn conditions_may_begin_with_an_assignment() {
    become_(&[
        (
            "if (y := x * 2) > 3: x = y",
            "local y: i64\ny = (x *? 2)\nif (y > 3)\n  x = y\nreturn",
        ),
        (
            "while len(data[(y := x):]) > 3: x = y",
            "1:17 `:=` here is not part of the body language",
        ),
        (
            "while (y := len(data) - x) > 3: x = y",
            "local y: i64\nwhile True\n  y = (len(data) -? x)\n  if not (y > 3)\n    break\n  x = y\nreturn",
        ),
        (
            "if x: pass\nelif not (y := x + 1): x = y\nelse: x = 0",
            "local y: i64\nif truth(x)\n  pass\nelse\n  y = (x +? 1)\n  if not truth(y)\n    x = y\n  else\n    x = 0\nreturn",
        ),
        (
            "if x and (y := 3) > x: x = y",
            "1:11 `:=` here is not part of the body language",
        ),
        (
            "while (y := x) > 3: x = y\nelse: x = y",
            "1:8 `:=` here is not part of the body language",
        ),
    ]);
}

#[test]
fn composed_loops_count_and_read_items_in_turn() {
    become_(&[
        (
            "for y in reversed(data): x = y",
            "local y: i64\nlocal <18>: bytes\nlocal <19>: i64\n<18> = data\nfor <19> in range((len(<18>) -? 1), -1, -1)\n  y = <18>[<19>]\n  x = y\nreturn",
        ),
        (
            "for y, d in zip(data, v): x = y",
            "local y: i64\nlocal <18>: bytes\nlocal <19>: Buffer[f64]\nlocal <20>: i64\n<18> = data\n<19> = v\nfor <20> in range(0, min(len(<18>), len(<19>)), 1)\n  y = <18>[<20>]\n  d = <19>[<20>]\n  x = y\nreturn",
        ),
        (
            "for i, y in enumerate(data, 7): x = y",
            "local i: i64\nlocal y: i64\nlocal <19>: bytes\nlocal <20>: i64\n<19> = data\nfor <20> in range(0, len(<19>), 1)\n  i = (<20> +? 7)\n  y = <19>[<20>]\n  x = y\nreturn",
        ),
        (
            "for y in reversed(range(2, x)): x = y",
            "local y: i64\nlocal <18>: i64\nfor <18> in range(-?x, -?2, 1)\n  y = ~?<18>\n  x = y\nreturn",
        ),
    ]);
    wrong(&[
        (
            "for y in reversed(zz): x = y",
            "1:19 nothing is called `zz` here",
        ),
        (
            "for x, y in zip(data, zz): pass",
            "1:23 nothing is called `zz` here",
        ),
        (
            "for x, y in enumerate(data, 0.5): pass",
            "1:29 `enumerate` wants an integer, but this is f64",
        ),
    ]);
}

#[test]
fn one_local_of_a_loop_is_bound_as_in_python() {
    // Python assigns the counter first.
    let out = body(
        "f(data: bytes) -> i64",
        "for i, i in enumerate(data): pass\nreturn i",
    );
    assert_eq!(out, "local i?: i64\nfor i, i in data\n  pass\nreturn i!\n");
}

#[test]
fn bytes_compare_as_bytes() {
    typed(&[
        ("bool", "data == b'abc'", "(data == b\"abc\")"),
        ("bool", "buf < data <= out", "(buf < data <= out)"),
        ("bool", "data[:2] != buf", "(data[:2] != buf)"),
        ("bool", "maybe == data", "(maybe == data)"),
        ("bool", "maybe < data", "(not_none(maybe) < data)"),
        ("bool", "t == 'abc'", "(t == \"abc\")"),
        ("bool", "ts != t", "(ts != t)"),
        ("bool", "x in data", "(x in data)"),
        ("bool", "not u in buf", "not (u in buf)"),
        ("bool", "b not in data", "not (b:i64 in data)"),
        ("bool", "b'ab' in maybe", "(b\"ab\" in not_none(maybe))"),
        ("bool", "maybe in data", "(not_none(maybe) in data)"),
        ("bool", "maybe is None", "(maybe is None)"),
        ("bool", "None is not ts", "not (ts is None)"),
        ("bool", "None != ts", "not (ts is None)"),
        ("bool", "maybe == None", "(maybe is None)"),
        ("bool", "z == z or not z", "((z == z) or not truth(z))"),
        ("bool", "1 != z", "(1 != z)"),
        ("bool", "not data", "not truth(data)"),
        ("bool", "bool(ts)", "truth(ts)"),
        (
            "bool",
            "maybe is None or not maybe",
            "((maybe is None) or not truth(maybe))",
        ),
    ]);
    wrong(&[
        ("b = data == t", "1:5 bytes and str do not compare"),
        ("b = data == 1", "1:5 bytes and i64 do not compare"),
        ("b = v == v", "1:5 Buffer[f64] has no comparisons here"),
        ("b = z < z", "1:5 complex numbers come in no order"),
        (
            "b = data is None",
            "1:5 `is` compares objects, but this is bytes",
        ),
        (
            "b = data is data",
            "1:5 `is` compares objects, but this is bytes",
        ),
        (
            "b = maybe is None is o",
            "1:5 `is` compares objects, but this is bytes | None",
        ),
        ("b = data == None", "1:5 bytes is never None"),
        (
            "b = 1.5 in data",
            "1:5 bytes hold integers and other bytes, but this is f64",
        ),
        ("b = d in v", "1:10 Buffer[f64] has no `in` here"),
        ("b = x in [1, zz]", "1:14 nothing is called `zz` here"),
        (
            "b = x in data in data",
            "1:5 `in` in a chain of comparisons is not part of the body language",
        ),
    ]);
}

#[test]
fn choices_have_one_type() {
    typed(&[
        (
            "Buffer",
            "data if b else buf",
            "(data:Buffer[u8] if b else buf)",
        ),
        (
            "Buffer",
            "buf if b else out",
            "(buf if b else out:Buffer[u8])",
        ),
        (
            "bytes",
            "data if b else data[1:]",
            "bytes((data:bytes if b else data[1:]))",
        ),
        (
            "bytes | None",
            "data if b else None",
            "(data:bytes | None if b else None:bytes | None)",
        ),
        (
            "bytes",
            "maybe or data",
            "not_none((maybe or data:bytes | None))",
        ),
        (
            "bytes | None",
            "maybe and data",
            "(maybe and data:bytes | None)",
        ),
        (
            "str",
            "ts or 'none'",
            "not_none((ts or \"none\":str | None))",
        ),
        ("object", "o if b else x", "(o if b else object(x))"),
        ("object", "data if b else o", "(object(data) if b else o)"),
    ]);
    wrong(&[
        (
            "y = data if b else t",
            "1:20 the sides of `if-else` have one type, but here are bytes and str",
        ),
        (
            "y = buf if b else v",
            "1:19 the sides of `if-else` have one type, but here are Buffer[u8] and Buffer[f64]",
        ),
        (
            "y = min(o, buf)",
            "1:12 an operand is object, but this is Buffer[u8]",
        ),
    ]);
}

#[test]
fn bytes_and_text_are_made_of_each_other() {
    typed(&[
        ("bytearray", "bytearray(x)", "zeroes(x)"),
        ("bytearray", "bytearray()", "zeroes(0)"),
        ("bytearray", "bytearray(u)", "zeroes(u as? i64)"),
        ("bytearray", "bytearray(data)", "bytearray(data)"),
        ("bytes", "bytes(v)", "bytes(v)"),
        ("bytes", "bytes(3)", "zeroes(3)"),
        ("bytes", "bytes(maybe)", "bytes(not_none(maybe))"),
        ("Buffer", "t.encode()", "encode(t):Buffer[u8]"),
        ("bytes", "ts.encode('UTF-8')", "bytes(encode(not_none(ts)))"),
        ("str", "data.decode()", "decode.utf8(data)"),
        ("str", "buf.decode('ascii')", "decode.ascii(buf)"),
        (
            "str",
            "maybe.decode(encoding='Latin-1', errors='strict')",
            "decode.latin1(not_none(maybe))",
        ),
        ("str", "'a' f\"b\"", "\"ab\""),
        ("f64", "z.real + z.imag", "(z.real + z.imag)"),
        ("complex", "complex(x, d)", "complex(x:f64, d)"),
        ("complex", "complex(2)", "complex(2.0, 0.0)"),
        ("complex", "2j", "complex(0.0, 2.0)"),
        ("complex", "complex(z)", "z"),
        ("i64", "len(t.encode())", "len(encode(t))"),
    ]);
    wrong(&[
        (
            "y = bytes('abc')",
            "1:11 `bytes` of a str wants an encoding",
        ),
        (
            "y = bytes(1.5)",
            "1:11 `bytes` wants a size or a view, but this is f64",
        ),
        (
            "y = bytes(x, y=3)",
            "1:14 `bytes` takes no argument by keyword here",
        ),
        (
            "y = Buffer(data)",
            "1:5 `Buffer` is a type of parameters and locals",
        ),
        ("y = v.decode()", "1:5 Buffer[f64] holds no text"),
        ("y = buf.hex()", "1:9 Buffer[u8] has no method `hex` here"),
        (
            "y = data.decode",
            "1:10 bytes has no attribute `decode` to read",
        ),
        (
            "y = z.conjugate",
            "1:7 complex has no attribute `conjugate` here",
        ),
        (
            "y = complex(t)",
            "1:13 `complex` wants numbers, but this is str",
        ),
        ("y = z + 1", "1:5 `+` wants numbers, but this is complex"),
        (
            "y = bytes.fromhex('00')",
            "1:11 there is no `bytes.fromhex`",
        ),
        ("y = bytes", "1:5 `bytes` is a type"),
    ]);
}

#[test]
fn locals_hold_all_views_they_are_given() {
    become_(&[
        ("y = data", "local y: bytes\ny = data\nreturn"),
        (
            "y = data\ny = y[1:]",
            "local y: bytes\ny = data:bytes\ny = y[1:]\nreturn",
        ),
        (
            "y = data\ny = buf\ny = None",
            "local y: Buffer[u8] | None\ny = data:Buffer[u8] | None\ny = buf:Buffer[u8] | None\ny = None:Buffer[u8] | None\nreturn",
        ),
        (
            "y = None\nif b: y = t\ny = 'abc'",
            "local y: str | None\ny = None:str | None\nif b\n  y = t:str | None\ny = \"abc\":str | None\nreturn",
        ),
        (
            "y = None\ny = o\ny = data\ny = 5",
            "local y: object\ny = None:object\ny = o\ny = object(data)\ny = object(5)\nreturn",
        ),
        (
            "y = bytearray(3)\nq = y\nq = buf",
            "local y: bytearray\nlocal q: Buffer[u8]\ny = zeroes(3)\nq = y:Buffer[u8]\nq = buf\nreturn",
        ),
        // A type that is found below, in a loop.
        (
            "y = data\nwhile b:\n    x = len(y)\n    y = q\n    q = maybe\n    q = buf",
            "local y: Buffer[u8] | None\nlocal q?: Buffer[u8] | None",
        ),
        (
            "y: Buffer = data\ny = b'abc'",
            "local y: Buffer[u8]\ny = data:Buffer[u8]\ny = b\"abc\":Buffer[u8]\nreturn",
        ),
        (
            "y: bytes = b'abc'\ny = data[1:]",
            "local y: bytes\ny = bytes(b\"abc\")\ny = bytes(data[1:])\nreturn",
        ),
        (
            "y: bytes = maybe",
            "local y: bytes\ny = not_none(maybe)\nreturn",
        ),
        (
            "y: object = x\ny = z\ny = t\ny = data[1:]\ny = bytearray(1)",
            "local y: object\ny = object(x)\ny = object(z)\ny = object(t)\ny = object(bytes(data[1:]))\ny = object(zeroes(1))\nreturn",
        ),
        ("data = data[1:]", "data = bytes(data[1:])\nreturn"),
    ]
    .map(|(text, expected)| {
        // Of the longer ones the locals only.
        let out = body(&format!("f({ALL})"), text);
        let full = expected.ends_with("return");
        assert!(out.starts_with(expected) && (!full || out.trim_end() == expected), "{out}");
        ("pass", "return")
    }));
    wrong(&[
        (
            "y = data\ny = v",
            "2:5 `y` is bytes, but this is Buffer[f64]",
        ),
        ("y = data\ny = t", "2:5 `y` is bytes, but this is str"),
        ("y = t\ny = data", "2:5 `y` is str, but this is bytes"),
        ("y = data\ny = x", "2:5 `y` is bytes, but this is i64"),
        ("y = x\ny = data", "2:5 `y` is i64, but this is bytes"),
        (
            "y: bytes = buf",
            "1:12 `y` is bytes, but this is Buffer[u8]",
        ),
        (
            "y: MutBuffer = data",
            "1:16 `y` is MutBuffer[u8], but this is bytes",
        ),
        (
            "y: bytearray = out",
            "1:16 `y` is bytearray, but this is MutBuffer[u8]",
        ),
        (
            "y: object = buf",
            "1:13 `y` is object, but this is Buffer[u8]",
        ),
        ("y: str = None", "1:10 `y` is str, but this is None"),
        ("y: complex = 1", "1:14 `y` is complex, but this is i64"),
    ]);
    let hint = |text: &str| hints(&format!("f({ALL})"), text).join("; ");
    assert_eq!(hint("y: bytes = buf"), "write `bytes(...)`, which copies");
    assert_eq!(
        hint("y: MutBuffer = data"),
        "this cannot be changed; `bytearray(...)` makes a copy that can"
    );
    assert_eq!(
        hint("y = data\ny = t"),
        "write `.encode()`, which gives the bytes of its UTF-8"
    );
}

#[test]
fn annotations_name_views_and_what_may_be_none() {
    for (annotation, storage) in [
        ("bytes", "bytes"),
        ("None | bytes", "bytes | None"),
        ("Buffer[u8]", "Buffer[u8]"),
        ("MutBuffer[float]", "MutBuffer[f64]"),
        ("Buffer[usize] | None", "Buffer[u64] | None"),
        ("bytearray", "bytearray"),
        ("object | None", "object"),
        ("str", "str"),
        ("complex", "complex"),
    ] {
        let text = format!("y: {annotation}");
        let out = body("f()", &text);
        assert_eq!(out, format!("local y: {storage}\nreturn\n"), "{annotation}");
    }
    wrong(&[
        (
            "y: Buffer[str] = data",
            "1:11 the items of a buffer are integers, floats or bools",
        ),
        (
            "y: Buffer[Foo] = data",
            "1:11 the items of a buffer are integers, floats or bools",
        ),
        ("y: i64 | None = 1", "1:4 i64 cannot be None"),
        (
            "y: bytes | str = data",
            "1:4 a choice of types is not part of the body language",
        ),
        ("y: bytes[u8] = data", "1:4 `bytes` has no items to name"),
        (
            "y: Array[u64, 3] = 1",
            "1:20 `y` is Array[u64], but this is i64",
        ),
        ("y: list = 1", "1:4 the type `list` is not there yet"),
        (
            "y: memoryview[u8] = 1",
            "1:4 the type `memoryview` is not there yet",
        ),
        ("y: 5 = 1", "1:4 this is no type of the body language"),
        (
            "def g(a: Buffer[u8] | i64) -> None: pass",
            "1:10 a choice of types is not part of the body language",
        ),
    ]);
}

#[test]
fn results_take_what_they_can_hold() {
    typed(&[
        ("Buffer | None", "data", "data:Buffer[u8] | None"),
        ("Buffer | None", "maybe", "maybe:Buffer[u8] | None"),
        (
            "Buffer | None",
            "bytearray(x)",
            "zeroes(x):Buffer[u8] | None",
        ),
        ("Buffer | None", "None", "None:Buffer[u8] | None"),
        ("Buffer | None", "t", "encode(t):Buffer[u8] | None"),
        ("bytes", "bytes(out)", "bytes(out)"),
        ("object", "x", "object(x)"),
        ("object", "u", "object(u)"),
        ("object", "b", "object(b)"),
        ("object", "1.5", "object(1.5)"),
        ("object", "None", "None:object"),
        ("object", "'text'", "object(\"text\")"),
        ("object", "maybe", "object(maybe)"),
        ("object", "ts", "object(ts)"),
        ("str", "ts", "not_none(ts)"),
        ("str | None", "t", "t:str | None"),
        ("(object, bytes)", "x, data", "object(x), data"),
    ]);
    assert_eq!(
        value("bytes", "t"),
        "1:8 the result of `f` is bytes, but this is str\n"
    );
    assert_eq!(
        value("object", "buf"),
        "1:8 the result of `f` is object, but this is Buffer[u8]\n"
    );
    assert_eq!(
        value("str", "data"),
        "1:8 the result of `f` is str, but this is bytes\n"
    );
}

#[test]
fn literals_meet_the_shape_of_the_result() {
    typed(&[
        ("((i64, i64), f64)", "(x, x), d", "x, x, d"),
        (
            "((i64, i64), f64)",
            "divmod(x, 3), d",
            "local <17>: i64\nlocal <18>: i64\nlocal <19>: f64\n<17>, <18> = divmod?(x, 3)\n<19> = d\nreturn <17>, <18>, <19>\n",
        ),
        ("[i64, f64]", "[x, d]", "x, d"),
        (
            "{str: i64, str: [f64]}",
            "{'a': x, t: [d]}",
            "\"a\", x, t, d",
        ),
        ("()", "()", "return\n"),
        ("[]", "[]", "return\n"),
    ]);
    for (ty, text, expected) in [
        (
            "((i64, i64), f64)",
            "x, d",
            "1:8 `f` returns a tuple of 2, but this is i64\n",
        ),
        (
            "((i64, i64), f64)",
            "(x, x, x), d",
            "1:8 `f` returns a tuple of 2, but this is a tuple of 3\n",
        ),
        (
            "((i64, i64), f64)",
            "[(x, x), d]",
            "1:8 `f` returns a tuple ((i64, i64), f64), but this is a list of 2\n",
        ),
        (
            "{str: i64}",
            "x",
            "1:8 `f` returns a dict {str: i64}, but this is i64\n",
        ),
        (
            "{str: i64}",
            "{}",
            "1:8 `f` returns a dict {str: i64}, but this is a dict of 0\n",
        ),
        (
            "i64",
            "[1]",
            "1:8 `f` returns i64, but this is a list of 1\n",
        ),
        ("[i64]", "[zz]", "1:9 nothing is called `zz` here\n"),
        (
            "(i64, [i64])",
            "zz, zz",
            "1:8 nothing is called `zz` here\n1:12 nothing is called `zz` here\n",
        ),
        (
            "()",
            "None",
            "1:8 `f` returns a tuple (), but this is None\n",
        ),
        (
            "(i64, bytes)",
            "x, t",
            "1:11 result 2 of `f` is bytes, but this is str\n",
        ),
        (
            "{str: i64}",
            "{**o}",
            "1:11 `**` in front of a value is not part of the body language\n",
        ),
    ] {
        assert_eq!(value(ty, text), expected, "{text}");
    }
    assert_eq!(
        body("f() -> ()", "pass"),
        "1:1 the end of `f` can be reached without a `return`\n"
    );
}

#[test]
fn nested_results_go_to_nested_places() {
    let nested = ("g() -> ((i64, f64), bytes)", "return (1, 2.5), b'abc'");
    let list = ("h() -> [i64, i64]", "return [1, 2]");
    let dict = ("k() -> {str: i64}", "return {'a': 1}");
    for (text, expected) in [
        (
            "(a, d), s = g()",
            "  local a: i64\n  local d: f64\n  local s: bytes\n  local <4>: i64\n  local <5>: f64\n  local <6>: bytes\n  <4>, <5>, <6> = fn0()\n  a = <4>\n  d = <5>\n  s = <6>\n  return\n",
        ),
        (
            "a, b = h()",
            "  local a: i64\n  local b: i64\n  a, b = fn1()\n  return\n",
        ),
        (
            "[a, b] = (1, 2)",
            "  local a: i64\n  local b: i64\n  a, b = (1, 2)\n  return\n",
        ),
        (
            "out[0], out[1] = out[1], out[0]",
            "  local <1>: i64\n  local <2>: i64\n  <1> = out[1]\n  <2> = out[0]\n  out[0] = <1>\n  out[1] = <2>\n  return\n",
        ),
        (
            "(a, b), c = h(), 3",
            "  local a: i64\n  local b: i64\n  local c: i64\n  local <4>: i64\n  local <5>: i64\n  <4>, <5> = fn1()\n  a = <4>\n  b = <5>\n  c = 3\n  return\n",
        ),
        ("a, s = g()", "1:8 this gives a tuple of 2 for one name\n"),
        ("(a, b, c), d = g()", "1:16 2 values for 3 names\n"),
        ("a, b = k()", "1:8 bodies do not take dicts apart\n"),
        ("a = k()", "1:5 this gives a dict, which is no value here\n"),
        ("a = h()", "1:5 this gives 2 values where one is wanted\n"),
        ("a, (b, c) = 1, (2, 3, 4)", "1:16 3 values for 2 names\n"),
    ] {
        let out = checked(&[nested, list, dict, ("f(out: MutBuffer)", text)]);
        let f = out.split_once("def f(out: MutBuffer[u8]) -> None\n");
        assert_eq!(f.map_or(out.as_str(), |(_, body)| body), expected, "{text}");
    }
    let out = checked(&[
        dict,
        ("f() -> {str: i64}", "return k()"),
        list,
        ("e() -> [i64, u8]", "return h()"),
    ]);
    assert!(out.contains("return fn0()\n"), "{out}");
    assert!(
        out.ends_with("  <0>, <1> = fn2()\n  return <0>, narrow?(<1>, u8)\n"),
        "{out}"
    );
    let out = checked(&[dict, ("f() -> [i64]", "return k()")]);
    assert_eq!(
        out,
        "1:8 `f` returns a list [i64], but this is a dict of 1\n"
    );
}

#[test]
fn arguments_and_defaults_are_views_too() {
    let callee = (
        "g(a: Buffer, c: bytes = None, e: str | None = None, h: object = 3) -> Buffer",
        "return a",
    );
    let _ = callee;
    let text = "def g(a: Buffer, c: bytes = b'xy', e: str | None = None, h: object = 3, i: object = None, j: str = 'j') -> Buffer | None:\n    return a\ny = g(data)\ny = g(maybe, data[1:], t, t)\ny = g(out, e=t)";
    let out = checked(&[(
        "f(data: bytes, out: MutBuffer, maybe: bytes | None, t: str)",
        text,
    )]);
    let expected = "  local y: Buffer[u8] | None\n  y = fn1(data:Buffer[u8], bytes(b\"xy\"), None:str | None, object(3), None:object, \"j\")\n  y = fn1(not_none(maybe):Buffer[u8], bytes(data[1:]), t:str | None, object(t), None:object, \"j\")\n  y = fn1(out:Buffer[u8], bytes(b\"xy\"), t:str | None, object(3), None:object, \"j\")\n  return\n";
    assert!(out.contains(expected), "{out}");
    for (text, expected) in [
        (
            "def g(a: bytes = 3) -> None: pass",
            "1:18 this default is no value of the type `bytes`\n",
        ),
        (
            "def g(a: bytes = None) -> None: pass",
            "1:18 this default is no value of the type `bytes`\n",
        ),
        (
            "def g(a: MutBuffer = b'') -> None: pass",
            "1:22 this default is no value of the type `MutBuffer[u8]`\n",
        ),
        (
            "def g(a: str = f'{1}') -> None: pass",
            "1:16 a default has to be a literal\n",
        ),
        (
            "def g(a: MutBuffer) -> None: pass\ng(b'abc')",
            "2:3 `a` of `g` is MutBuffer[u8], but this is bytes\n",
        ),
        (
            "def g() -> tuple[tuple[i64, i64], bytes]:\n    return (1, 2), b''\n(a, b), c = g()\nreturn c",
            "3",
        ),
    ] {
        let out = body("f()", text);
        assert!(
            out.starts_with(expected) || expected == "3" && out.contains("returns None"),
            "{out}"
        );
    }
}

#[test]
fn without_the_gil_views_are_read_and_nothing_is_made() {
    let head = "f(data: bytes, out: MutBuffer, t: str, maybe: bytes | None)";
    for text in [
        "x = len(data)\nfor y in data[1:]: out[0] = y\nif data == b'abc' and 3 in out: x = out[-1]\nv = data[2:]\nv = out",
        "if maybe is not None and maybe: x = maybe[0]",
        "out[0] += 1",
    ] {
        let block = format!("with nogil:\n    {}", text.replace('\n', "\n    "));
        assert!(body(head, &block).contains("with nogil"), "{block}");
        let whole = "f(data: bytes, out: MutBuffer, maybe: bytes | None) [nogil]";
        assert!(!body(whole, text).starts_with("1:"), "{text}");
    }
    for (text, expected) in [
        (
            "x = len(t)",
            "2:13 `t` is an object, and the GIL is released\n",
        ),
        (
            "x = bytearray(3)",
            "2:9 this is an object, and the GIL is released\n",
        ),
        (
            "x = data.decode()",
            "2:5 `x` is an object, and the GIL is released\n",
        ),
        (
            "x = bytes(data)",
            "2:9 this is an object, and the GIL is released\n",
        ),
        (
            "x: bytes = data[1:]",
            "2:16 this is an object, and the GIL is released\n",
        ),
        (
            "x = t.encode()",
            "2:9 `t` is an object, and the GIL is released\n",
        ),
        (
            "x: object = data",
            "2:5 `x` is an object, and the GIL is released\n",
        ),
    ] {
        assert_eq!(
            body(head, &format!("with nogil:\n    {text}")),
            expected,
            "{text}"
        );
    }
    for (head, text, expected) in [
        (
            "f(t: str) [nogil]",
            "pass",
            "1:1 `t` is an object, and the GIL is released\n",
        ),
        (
            "f(data: bytes) -> bytes [nogil]",
            "return data[1:]",
            "1:8 this is an object, and the GIL is released\n",
        ),
        (
            "f(data: bytes) -> bytes [nogil]",
            "return data",
            "return data\n",
        ),
        (
            "f(data: bytes) [nogil]",
            "x = bytearray(data)\nx[0] = 1",
            "1:5 this is an object, and the GIL is released\n",
        ),
    ] {
        assert_eq!(body(head, text), expected, "{text}");
    }
    let out = checked(&[
        (
            "f(data: bytes) -> i64",
            "with nogil:\n    return g(data) + h(data)",
        ),
        ("g(data: bytes) -> i64", "return len(bytearray(data))"),
        ("h(data: Buffer) -> i64", "return len(data)"),
    ]);
    assert_eq!(
        out,
        "2:12 `g` works with objects, and the GIL is released\n"
    );
}

#[test]
fn exceptions_hold_objects() {
    become_(&[
        ("raise ValueError(data)", "raise ValueError(object(data))"),
        (
            "raise ValueError(f'{t!r} {x} {data[1:]}')",
            "raise ValueError(\"{object(t)!r} {x} {object(bytes(data[1:]))}\")",
        ),
        ("assert b, ts", "assert b, object(ts)\nreturn"),
    ]);
    wrong(&[
        (
            "raise ValueError(buf)",
            "1:18 what an exception holds is object, but this is Buffer[u8]",
        ),
        (
            "raise ValueError(f'{v}')",
            "1:21 what an exception holds is object, but this is Buffer[f64]",
        ),
    ]);
}

#[test]
fn a_bytearray_that_becomes_bytes_is_bytes_all_the_time() {
    for text in [
        "a = bytearray(x)\na[0] = 1\nreturn bytes(a)",
        "a = bytearray(data)\na[0] += a[1]\nfor y in a: x += y\nreturn bytes(a)",
        "if b: a = bytearray(len(data))\nif a == data and 3 in a: return bytes(a)\nreturn data",
        "while True:\n    a = bytearray(3)\n    if a[x]: return bytes(a)",
        "a = bytearray(9)\nwith nogil:\n    a[x] = 3\nreturn bytes(a)",
        "a: bytearray = bytearray(4)\ny = bytes(a)\nassert a, 'empty'\nreturn bytes(a)",
    ] {
        let out = body(&format!("f({ALL}) -> bytes"), text);
        assert!(
            out.contains("a: bytes\n") || out.contains("a?: bytes\n"),
            "{out}"
        );
        let copy = out.contains("bytes(a) ") || out.contains("return bytes(a");
        assert!(!copy && out.contains("return a"), "{out}");
    }
    for text in [
        // An alias, which would change with it.
        "a = bytearray(3)\nw = a\nreturn bytes(a)",
        "a = bytearray(3)\nw = a[1:]\nreturn bytes(a)",
        "a = w = bytearray(3)\nreturn bytes(a)",
        "a = bytearray(3)\nw = h(a)\nreturn bytes(a)",
        // Another bytearray.
        "a = bytearray(3)\nif b: a = bytearray(4)\nreturn bytes(a)",
        // No bytes in the end.
        "a = bytearray(3)\ny = bytes(a)\nreturn y",
        "a = bytearray(3)\nif b: raise ValueError(a)\nreturn bytes(a)",
        "a = bytearray(3)\nreturn bytes(a if b else a)",
    ] {
        let text = format!("def h(a: Buffer) -> Buffer | None: return a\n{text}");
        let out = body(&format!("f({ALL}) -> bytes"), &text);
        assert!(out.contains("a: bytearray\n"), "{out}");
    }
    let out = body("f(n: i64) -> object", "a = bytearray(n)\nreturn a");
    assert!(out.contains("a: bytearray\n"), "{out}");
    for (ty, expected) in [
        ("object", "return object(a:bytes)\n"),
        ("Buffer | None", "return a:bytes:Buffer[u8] | None\n"),
        ("(i64, bytes)", "return n, a:bytes\n"),
        ("{bytes: bytes}", "return a:bytes, a:bytes\n"),
    ] {
        let value = match ty {
            "(i64, bytes)" => "n, bytes(a)",
            "{bytes: bytes}" => "{bytes(a): bytes(a)}",
            _ => "bytes(a)",
        };
        let out = body(
            &format!("f(n: i64) -> {ty}"),
            &format!("a = bytearray(n)\nreturn {value}"),
        );
        assert_eq!(out, format!("local a: bytes\na = zeroes(n)\n{expected}"));
    }
}

/// Random expressions of one kind, mostly right.
impl Random {
    fn view(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&["data", "buf", "out", "maybe", "p", "q", "b'ab'", "b''"])
                .to_owned();
        }
        let down = depth - 1;
        match self.below(9) {
            0 | 1 => format!("{}[{}:{}]", self.view(down), self.int(0), self.int(down)),
            2 => format!("bytes({})", self.view(down)),
            3 => format!("bytearray({})", self.view(down)),
            4 => format!("{}({})", self.pick(&["bytes", "bytearray"]), self.int(down)),
            5 => format!(
                "({} if {} else {})",
                self.view(down),
                self.truth(down),
                self.view(down)
            ),
            6 => format!(
                "({} {} {})",
                self.view(down),
                self.pick(&["or", "and"]),
                self.view(down)
            ),
            7 => format!("{}.encode()", self.string(down)),
            _ => self.view(0),
        }
    }

    fn int(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&["x", "s", "b", "0", "-1", "300", "i"])
                .to_owned();
        }
        let down = depth - 1;
        match self.below(5) {
            0 => format!("len({})", self.view(down)),
            1 => format!("{}[{}]", self.view(down), self.int(down)),
            2 => format!(
                "({} {} {})",
                self.int(down),
                self.pick(&["+", "&"]),
                self.int(down)
            ),
            3 => format!("len({})", self.string(down)),
            _ => self.int(0),
        }
    }

    fn string(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 3 } else { 5 }) {
            0 => "t".to_owned(),
            1 => "ts".to_owned(),
            2 => "'text'".to_owned(),
            3 => format!("{}.decode('latin-1')", self.view(depth - 1)),
            _ => format!("({} or {})", self.string(depth - 1), self.string(depth - 1)),
        }
    }

    fn truth(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self
                .pick(&["b", "maybe is None", "ts is not None", "t", "p"])
                .to_owned();
        }
        let down = depth - 1;
        let op = self.pick(&["==", "!=", "<", ">="]).to_owned();
        match self.below(6) {
            0 => format!("{} {op} {}", self.view(down), self.view(down)),
            1 => format!("{} in {}", self.int(down), self.view(down)),
            2 => format!("{} not in {}", self.view(down), self.view(down)),
            3 => format!("{} == {}", self.string(down), self.string(down)),
            4 => format!("({} or not {})", self.truth(down), self.view(down)),
            _ => self.truth(0),
        }
    }

    fn statements(&mut self, depth: usize, indent: usize, out: &mut String) {
        for _ in 0..1 + self.below(3) {
            let pad = " ".repeat(indent);
            let target = self.pick(&["p", "q", "w"]).to_owned();
            let (view, int) = (self.view(2), self.int(2));
            let line = match self.below(if depth == 0 { 8 } else { 12 }) {
                0 | 1 => format!("{target} = {view}"),
                2 => format!("{}[{int}] = {}", self.pick(&["out", "p", "w"]), self.int(2)),
                3 => format!(
                    "out[{int}] {} {}",
                    self.pick(&["+=", "^=", "="]),
                    self.int(1)
                ),
                4 => format!("{target} = None"),
                5 => format!("p, out[{int}] = {view}, {}", self.int(2)),
                6 => format!("t = {}", self.string(2)),
                7 => format!("{target} = h({view}, {view})"),
                8 => format!("for i in {view}:"),
                9 => format!("for i, j in enumerate({view}):"),
                10 => format!("while {}:", self.truth(2)),
                _ => format!("if {}:", self.truth(2)),
            };
            *out += &format!("{pad}{line}\n");
            if line.ends_with(':') {
                self.statements(depth - 1, indent + 1, out);
            }
        }
    }
}

#[test]
fn whatever_is_accepted_of_views_is_well_typed() {
    let mut random = Random(0x1357_9BDF_2468_ACE1);
    let mut accepted = 0;
    let results = [
        "bytes",
        "Buffer | None",
        "object",
        "(bytes | None, i64)",
        "str",
    ];
    for round in 0..2000 {
        let mut text =
            "def h(a: Buffer, c: bytes) -> bytes | None:\n    return c\ni = 1\n".to_owned();
        random.statements(2, 0, &mut text);
        text += &match round % results.len() {
            3 => format!("return {}, {}\n", random.view(2), random.int(2)),
            4 => format!("return {}\n", random.string(2)),
            _ => format!("return {}\n", random.view(2)),
        };
        let head = format!("f({ALL}) -> {}", results[round % results.len()]);
        accepted += usize::from(checked(&[(&head, &text)]).starts_with("def"));
    }
    assert!(
        accepted > 400,
        "only {accepted} of the bodies were accepted"
    );
}
