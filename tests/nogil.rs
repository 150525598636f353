//! Threads: modules with `with nogil:` and `signals = true` in every interpreter found.
//!
//! Whether the GIL is released is seen from another thread, which gets on while a body runs; that it is held again, by CPython itself,
//! which ends the process where it is not. Signals come from a timer and from a thread.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests write files and run tools"
)]

#[path = "common/python.rs"]
mod python;

use std::process::Command;

use python::{all, said};

/// Builds a spec and runs a script with its module in every interpreter; each must say `done`.
fn everywhere(name: &str, spec: &str, script: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("{name}.toml"));
    std::fs::write(&path, spec).expect("writable");
    let output = Command::new(env!("CARGO_BIN_EXE_pyasmgen"))
        .arg("build")
        .arg(&path)
        .arg("-o")
        .arg(folder.path())
        .output()
        .expect("pyasmgen runs");
    assert!(output.status.success(), "{}", said(&output));
    let mut wrong = Vec::new();
    for python in all() {
        let output = python
            .command()
            .current_dir(folder.path())
            .args(["-c", script])
            .env("PYTHONPATH", folder.path())
            .output()
            .expect("interpreters run");
        if !output.status.success() || output.stdout != b"done\n" {
            wrong.push(format!("{}: {}", python.name(), said(&output)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const BLOCKS: &str = r#"
[module]
name = "blocks"

[[exceptions]]
name = "Low"

[[methods]]
name = "total"
params = ["n: i64"]
returns = "L"
body = '''
s = 0
with nogil:
    for i in range(n):
        s += i
return s
'''

[[methods]]
name = "early"
params = ["n: i64"]
returns = "d"
body = '''
with nogil:
    if n > 0:
        return n / 2
    x = 1.5
return x
'''

[[methods]]
name = "loops"
params = ["n: i64"]
returns = "(LL)"
body = '''
a = b = 0
for i in range(n):
    with nogil:
        a += i
        if i % 3 == 0:
            continue
        for j in range(10):
            if j == 5:
                break
            b += 1
        if i == 20:
            break
    b += 100
else:
    b = -b
while True:
    with nogil:
        a += 1
        if a % 7 == 0:
            break
return a, b
'''

[[methods]]
name = "wrong"
params = ["n: i64", "d: i64"]
returns = "L"
body = '''
def check(n: i64) -> i64:
    for i in range(3):
        if n == i - 10:
            raise Low(f"{n} is low")
    return n * n
x = n // d
with nogil:
    x += n // d
    if n < 0:
        y = check(n)
    x += n % d
with nogil:
    y = n * n
    x += n // d + check(n)
    assert x != 4, f"x is {x}"
    x += int(1e300 * n)
return x + y
'''

[[methods]]
name = "around"
params = ["n: i64", "o: object"]
returns = "O"
body = '''
if o is not None:
    with nogil:
        n = total(n) + wrong(n, 1)
        if n < 0: raise Low
    return o
return None
'''

[[methods]]
name = "small"
params = ["n: i64"]
returns = "L"
body = '''
with nogil:
    return n + 1
'''
[[methods]]
name = "three"
params = ["n: i64"]
returns = "(LLL)"
body = '''
s = 0
for i in range(n):
    s += i * i
if s < 0: raise ValueError(f"{s}")
return n, s, n + s
'''
[[methods]]
name = "rec"
params = ["n: i64"]
returns = "L"
signals = true
body = '''
x = small(n)
with nogil:
    a, b, c = three(n)
    x += a + b + c + small(n)
if n <= 0: return x
return x + rec(n - 1)
'''
[[methods]]
name = "flag"
params = ["n: i64"]
returns = "L"
body = '''
for i in range(3):
    if i == n:
        with nogil:
            y = i // (n - 1)
    elif n == 7:
        with nogil: raise KeyError(n)
with nogil:
    return y
'''

[[methods]]
name = "inside"
params = ["n: i64"]
returns = "L"
nogil = true
body = '''
s = 0
for i in range(n):
    s += total(i)
return s
'''

[[methods]]
name = "wait"
params = ["n: u64"]
returns = "K"
overflow = "wrap"
body = '''
x = n
with nogil:
    for i in range(n):
        x = x * 6364136223846793005 + 1442695040888963407
return x
'''
"#;

const BLOCKS_SCRIPT: &str = r#"
import faulthandler, threading, time
faulthandler.dump_traceback_later(120, exit=True)
from blocks import *
from blocks import Low

def raises(kind, text, f, *args):
    try:
        f(*args)
    except kind as e:
        assert type(e) is kind and (text is None or str(e) == text), repr(e)
    else:
        assert False, (kind, args)

def loops_model(n):
    a = b = 0
    for i in range(n):
        a += i
        if i % 3 == 0:
            continue
        for j in range(10):
            if j == 5:
                break
            b += 1
        if i == 20:
            break
        b += 100
    else:
        b = -b
    while True:
        a += 1
        if a % 7 == 0:
            break
    return a, b

def some():
    for n in range(40):
        assert total(n) == sum(range(n))
        assert early(n) == (n / 2 if n else 1.5)
        assert loops(n) == loops_model(n), n
        assert inside(n) == sum(sum(range(i)) for i in range(n))
    raises(ZeroDivisionError, None, wrong, 1, 0)
    raises(Low, "-9 is low", wrong, -9, 1)
    raises(AssertionError, "x is 4", wrong, 1, 1)
    raises(OverflowError, None, wrong, 2**40, 3)
    raises(OverflowError, None, wrong, 10**9, 1)
    assert wrong(0, 5) == 0
    token = []
    assert around(0, token) is token
    assert around(1, None) is None
    raises(Low, "-8 is low", around, -8, token)

def ends():
    def rec_model(n):
        s = sum(i * i for i in range(n))
        x = 2 * (n + 1) + 2 * (n + s)
        return x if n <= 0 else x + rec_model(n - 1)
    for n in range(20):
        assert rec(n) == rec_model(n)
    assert flag(0) == flag(2) - 2 == 0
    raises(ZeroDivisionError, None, flag, 1)
    raises(KeyError, "7", flag, 7)
    raises(UnboundLocalError, None, flag, 3)

some()
ends()
threads = [threading.Thread(target=lambda: [some() for _ in range(20)]) for _ in range(4)]
failed = []
threading.excepthook = lambda args: failed.append(args)
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not failed, failed

# How many rounds take a second or so; then this thread must get on while another is in the block.
rounds = 1 << 20
while True:
    start = time.perf_counter()
    wait(rounds)
    took = time.perf_counter() - start
    if took > 0.3: break
    rounds *= 2
thread = threading.Thread(target=wait, args=(rounds,))
thread.start()
turns = 0
while thread.is_alive():
    turns += 1
    time.sleep(0.001)
# With the GIL held it would be one turn or two.
assert turns > 10, turns
print("done")
"#;

#[test]
fn with_nogil_lets_other_threads_run() {
    everywhere("blocks", BLOCKS, BLOCKS_SCRIPT);
}

const SIGNALS: &str = r#"
[module]
name = "long"

[[methods]]
name = "rotated"
params = ["n: u64"]
returns = "K"
overflow = "wrap"
signals = true
body = '''
x = n
while x | 1:
    x += 2
return x
'''

[[methods]]
name = "plain"
params = ["n: u64"]
returns = "K"
overflow = "wrap"
signals = true
body = '''
x = n
while (x + 1) * (x + 2) * (x + 3) * (x + 4) * (x + 5) * (x + 6) + 1 > 0:
    if x & 1:
        continue
    x += 2
return x
'''

[[methods]]
name = "counted"
params = ["n: u64"]
returns = "K"
signals = true
nogil = true
body = '''
def inner(n: u64) -> u64:
    x: u64 = 0
    for i in range(n):
        x ^= i
    return x
return inner(n)
'''

[[methods]]
name = "block"
params = ["n: u64"]
returns = "K"
signals = true
body = '''
x: u64 = 0
for i in range(n):
    with nogil:
        for j in range(n):
            x ^= i * j % 7
return x
'''
"#;

const SIGNALS_SCRIPT: &str = r#"
import faulthandler, os, signal, threading, time
faulthandler.dump_traceback_later(120, exit=True)
import long

def work(n):
    x = 0
    for i in range(n): x ^= i
    return x

# With results as without signals.
for n in (0, 1, 65535, 65536, 65537, 200001):
    assert long.counted(n) == work(n)
assert long.block(300) == __import__("functools").reduce(
    int.__xor__, (i * j % 7 for i in range(300) for j in range(300)))

# What SIGINT does, at a time of the timer's: no other thread is needed, which could not run while the GIL is held.
signal.signal(signal.SIGALRM, signal.default_int_handler)
for f in long.rotated, long.plain, long.counted, long.block:
    for _ in range(3):
        start = time.monotonic()
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            f(2**31)
        except KeyboardInterrupt:
            pass
        else:
            assert False, f
        took = time.monotonic() - start
        assert took < 2, (f, took)

# SIGINT itself, from another thread, which gets on where the GIL is released.
# Whoever runs the tests may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
inside = threading.Event()
def kill():
    inside.wait()
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
thread = threading.Thread(target=kill)
thread.start()
try:
    inside.set()
    long.counted(2**63)
except KeyboardInterrupt:
    thread.join()
else:
    assert False

# A handler that raises nothing lets the loop go on; what it raises comes out.
hits = []
def handler(*_):
    hits.append(1)
    if len(hits) == 5:
        signal.setitimer(signal.ITIMER_REAL, 0)
        1 / 0
signal.signal(signal.SIGALRM, handler)
for f in long.rotated, long.block:
    hits.clear()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        f(2**31)
    except ZeroDivisionError:
        assert len(hits) == 5
    else:
        assert False
print("done")
"#;

#[test]
fn signals_end_long_loops() {
    everywhere("long", SIGNALS, SIGNALS_SCRIPT);
}
