# What must not crash an interpreter: hazards.py FILE
#
# FILE is the module of `hazards.toml`. User code that runs while arguments are converted changes, frees or reads what other arguments are
# made of; sequences make their items anew; buffers are longer than memory; threads change what others read. Each function here is
# one such scene, and asserts what must come out where that is known. No twin: CPython's own parser reads freed memory in some of them.
# Prints the name of each scene before it, then "done".

import gc
import importlib.machinery
import importlib.util
import mmap
import sys
import threading
import warnings


def load(file):
    loader = importlib.machinery.ExtensionFileLoader("hazards", file)
    spec = importlib.util.spec_from_file_location("hazards", file, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Index:
    """A number whose making does something."""

    def __init__(self, act, value=7):
        self.act, self.value = act, value

    def __index__(self):
        self.act()
        churn()
        return self.value


def churn():
    """What has just been freed is used again, for something else."""
    return [("%04d" % at * 30, b"%04d" % at * 30, [at]) for at in range(50)]


def text(at):
    return "text %d " % at * 10


class Fly:
    """A sequence that makes its items when it is asked, and keeps none."""

    def __init__(self, *makers):
        self.makers = makers

    def __len__(self):
        return len(self.makers)

    def __getitem__(self, at):
        churn()
        return self.makers[at]()


def refuses(exception, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except exception:
        return True
    raise AssertionError("nothing was raised")


def items_made_on_the_fly(module):
    for at in range(60):
        made = module.pair(Fly(lambda: text(at), lambda: text(at + 1)), at)
        assert made == (text(at).encode(), text(at + 1), at), made
        made = module.nested(Fly(lambda: text(at).encode(), lambda: Fly(lambda: [at], lambda: text(at))), at)
        assert made == (text(at).encode(), [at], text(at).encode(), at), made


def items_that_go(module):
    for at in range(60):
        items = [text(at), text(at + 1)]
        made = module.pair(items, Index(items.clear))
        assert made == (text(at).encode(), text(at + 1), 7), made
        inner = [[at], text(at)]
        outer = [text(at).encode(), inner]

        def clear():
            outer.clear()
            inner.clear()

        made = module.nested(outer, Index(clear))
        assert made == (text(at).encode(), [at], text(at).encode(), 7), made


def sequences_that_change_while_they_are_read(module):
    class Growing(list):
        def __getitem__(self, at):
            self.append(text(at))
            return list.__getitem__(self, at)

    class Lying(Fly):
        def __len__(self):
            return 2

    for at in range(50):
        module.pair(Growing([text(at), text(at)]), at)
        refuses(TypeError, module.pair, Lying(lambda: text(at)), at)
        refuses(TypeError, module.pair, Fly(lambda: text(at)), at)
        refuses(TypeError, module.pair, Fly(lambda: text(at), lambda: 1), at)
        refuses((TypeError, KeyError), module.pair, Fly(lambda: text(at), lambda: {}[1]), at)


def encoded_texts_in_tuples(module):
    def call(a=text(1), b=b"b\0" * 50, d=text(4), n=4, more=()):
        try:
            return module.encoded((a, (b, [3])), (d,) + more, n)
        except (TypeError, ValueError) as error:
            return type(error)

    def calls():
        for at in range(20):
            made = call(n=Index(gc.collect))
            assert made == (text(1).encode(), b"b\0" * 50, [3], text(4).encode(), 7), made
            made = [call(a="\0"), call(a="\ud800"), call(b=3), call(b="\ud800"), call(d=b"d"), call(d="\ud800"), call(n="4"), call(more=(0,))]
            assert made == [TypeError, UnicodeEncodeError] * 3 + [TypeError] * 2, made

    calls()
    before = sys.getallocatedblocks()
    for _ in range(10):
        calls()
    grown = sys.getallocatedblocks() - before
    assert grown < 100, grown


def buffers_that_would_move(module):
    for at in range(40):
        data = bytearray(b"abc")
        refuses(BufferError, module.read, data, Index(lambda: data.extend(bytes(10000))))
        refuses(BufferError, module.two, "text", data, Index(data.clear))
        refuses(BufferError, module.items, memoryview(bytearray(8)).cast("i"), Index(data_of(data)))
        data.extend(b"def")             # nobody holds it any more
        assert module.read(data, Index(lambda: data.__setitem__(0, 65))) == (b"Abcdef", 7)


def data_of(data):
    """Resizes what a view is of, which it refuses."""
    def act():
        view = memoryview(data)
        try:
            data.clear()
        finally:
            view.release()
    return act


def views_released_while_they_are_read(module):
    for at in range(40):
        view = memoryview(bytearray(b"abc" * 100))
        refuses(BufferError, module.read, view, Index(view.release))
        view.release()
        view = memoryview(bytearray(400)).cast("i")
        refuses(BufferError, module.items, view, Index(view.release))
        refuses(ValueError, module.items, view[:0] if view.release() else view, 1)


def objects_that_only_the_call_holds(module):
    for at in range(40):
        made = module.texts(text(at), text(at).encode(), text(at), text(at), bytes(text(at), "ascii"), Index(gc.collect))
        assert made == (text(at).encode(),) * 3 + (text(at), text(at).encode(), 7), made
        named = {"a": text(at), "c": text(at), "d": text(at), "e": text(at).encode(), "n": Index(lambda: named.clear()), "b": None}
        assert module.texts(**named) == (text(at).encode(), None, text(at).encode(), text(at), text(at).encode(), 7)
        assert module.read(bytearray(text(at), "ascii"), Index(gc.collect)) == (text(at).encode(), 7)


def calls_within_calls(module):
    def deeper(depth):
        return lambda: depth and module.read(bytearray(b"x" * depth), Index(deeper(depth - 1)))

    assert module.read(b"abc", Index(deeper(20))) == (b"abc", 7)

    def endless():
        module.pair([text(1), text(2)], Index(endless))

    refuses(RecursionError, endless)


def modules_that_go(module):
    def act():
        vars(copy).clear()
        gc.collect()

    for _ in range(5):
        copy = load(module.__file__)
        function = copy.pair
        assert function([text(1), text(2)], Index(act)) == (text(1).encode(), text(2), 7)
        function = None


def buffers_longer_than_memory(module):
    size = (1 << 33) + 5
    try:
        data = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_NORESERVE) if hasattr(mmap, "MAP_NORESERVE") else mmap.mmap(-1, size)
    except (OSError, ValueError):
        return                          # the machine has less room than that
    assert module.length(data) == size
    data.close()


def buffers_made_by_python(module):
    if sys.version_info < (3, 12):
        return

    class Made:
        def __init__(self, act=lambda: None, error=None):
            self.act, self.error, self.released = act, error, 0

        def __buffer__(self, flags):
            churn()
            self.act()
            return memoryview(bytearray(text(1), "ascii"))

        def __release_buffer__(self, view):
            self.released += 1
            if self.error:
                raise self.error

    for _ in range(50):
        made = Made()
        assert module.read(made, 1) == (text(1).encode(), 1) and made.released == 1
        refuses(TypeError, module.read, made, "1")
        assert made.released == 2
        assert module.read(Made(lambda: module.read(made, Index(gc.collect))), 1)[1] == 1
        refuses(KeyError, module.read, Made(lambda: {}[1]), 1)
        assert module.two(made, made, Index(lambda: module.fill(made, 1))) == (text(1).encode(),) * 2 + (7,)
        hook, sys.unraisablehook = sys.unraisablehook, lambda error: None
        assert module.read(Made(error=KeyError("told to")), 1) == (text(1).encode(), 1)
        sys.unraisablehook = hook

    class Lent:
        """Nothing keeps its memory but who asked for it."""

        def __buffer__(self, flags):
            return memoryview(bytearray(text(2), "ascii"))

    class Bytes(bytes, Lent):
        __buffer__ = Lent.__buffer__

    class Zero(Lent):
        def __buffer__(self, flags):
            return memoryview(bytearray(b"a\0b"))

    for lent in [Lent(), Bytes(b"own")]:
        for _ in range(50):
            made = module.nested((lent, ([1], None)), Index(churn))
            assert made == (text(2).encode(), [1], None, 7), made
            made = module.texts(text(1), lent, text(1), text(1), b"", Index(churn))
            assert made[1] == text(2).encode(), made
            assert module.lent(lent, Index(churn)) == (text(2).encode(), 7)
    assert refuses(ValueError, module.lent, Zero(), 1)


def threads_that_change_what_others_read(module):
    data, stop = bytearray(100), []

    def change():
        while not stop:
            try:
                data.extend(bytes(5000))
                del data[100:]
            except BufferError:
                pass

    def fill():
        for at in range(150):
            module.fill(data, at)
            assert module.read(data, at)[1] == at
            assert module.length(data) >= 100

    threads = [threading.Thread(target=fill) for _ in range(3)]
    changing = threading.Thread(target=change)
    for thread in threads + [changing]:
        thread.start()
    for thread in threads:
        thread.join()
    stop.append(1)
    changing.join()


def texts_with_methods_of_their_own(module):
    class Loud(str):
        def __eq__(self, other):
            raise AssertionError("asked")

        __lt__ = __gt__ = __ne__ = __eq__
        __hash__ = None

    for at in range(30):
        loud = Loud(text(at))
        for a, b in (loud, loud), (loud, text(at)), (text(at), loud), (loud, None):
            refuses(AssertionError, module.order, a, b)
        assert module.order(text(1), text(at)) == (at == 1, text(1) < text(at), 70)
        assert module.order(text(at), None) == (False, False, len(text(at)))


def messages_that_change_what_is_held(module):
    class Loud:
        def __init__(self, *acts):
            self.acts = acts

        def __format__(self, spec):
            churn()
            for act in self.acts:
                refuses(BufferError, act)
            return "loud"

        def __repr__(self):
            raise KeyError("told to")

    for _ in range(30):
        data, items = bytearray(b"abcdefgh"), bytearray(range(10))
        view = memoryview(items).cast("H")
        refuses(KeyError, module.shout, data, view, Loud(data.clear, items.clear, view.release))
        assert data == bytearray((97, 0, 2, 4)) + b"efgh"
        data.clear()
        view.release()
        items.clear()


def buffers_that_overlap(module):
    for shift in range(6):
        ours, theirs = memoryview(bytearray(range(80))).cast("I"), memoryview(bytearray(range(80))).cast("I")
        same = module.overlap(ours[shift:], ours[:10])
        for at in range(10):
            theirs[shift + at] = theirs[at] + 1
        assert ours == theirs and same == (bytes(theirs[shift:shift + 10]) == bytes(theirs[:10]))
        refuses(IndexError, module.overlap, ours[19:], ours[:3])


SCENES = [
    items_made_on_the_fly, items_that_go, sequences_that_change_while_they_are_read, buffers_that_would_move,
    views_released_while_they_are_read, objects_that_only_the_call_holds, calls_within_calls, modules_that_go, buffers_longer_than_memory,
    buffers_made_by_python, encoded_texts_in_tuples, threads_that_change_what_others_read,
    texts_with_methods_of_their_own, messages_that_change_what_is_held, buffers_that_overlap,
]


def main():
    warnings.simplefilter("ignore")     # 3.14 wants tuples where units borrow
    module = load(sys.argv[1])
    for scene in SCENES:
        print(scene.__name__, flush=True)
        scene(module)
    print("done", flush=True)


main()
