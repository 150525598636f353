#!/usr/bin/env python3
"""Imports a Mach-O bundle or PE module for x86-64 or arm64 into a *Linux* CPython of that machine, in process.

The machine code of a module only ever calls CPython's C API, so it runs wherever that is.  This
script maps the linked file, applies its relocations, binds its imports to the running interpreter's
own symbols (on PE, and where arm64 has variadic calls, through small thunks between calling
conventions), calls PyInit_NAME (or
PyModExport_NAME on 3.15 and later) and does the rest of multi-phase initialisation.

    import foreign_import; module = foreign_import.load(path, "name")
    PYTHON foreign_import.py [-m NAME] FILE -c CODE                   CODE, with the module importable

What is real:    layout, protection of segments, rebases and binds (dyld opcodes and chained fixups),
                 base relocations, export trie and table, the machine code.
What is emulated: dyld and the Windows loader; on PE every call from and to the module.
Not covered:     code signing, dependency checks, unwinding, control-flow guard; on PE anything of the
                 C API that takes or returns a C `long` beyond LONG_ARGS, or pointers to functions of
                 the module beyond TABLE_ARG.
"""
import ctypes, gc, importlib.machinery, mmap, os, platform, struct, sys

PAGE = mmap.PAGESIZE

# name -> (number of named arguments, name of the va_list variant or None when all variadic
# arguments are integers or pointers)
VARIADIC = {
    "_PyArg_ParseTuple_SizeT": (2, "_PyArg_VaParse_SizeT"),
    "_PyArg_ParseTupleAndKeywords_SizeT": (4, "_PyArg_VaParseTupleAndKeywords_SizeT"),
    "PyObject_CallFunctionObjArgs": (1, None),
}
# arm64 only: more of them, which x86-64 calls as they are
VARIADIC_ARM64 = {
    "PyErr_Format": (2, "PyErr_FormatV"),
    "PyErr_WarnFormat": (3, None),
    "PyObject_CallMethodObjArgs": (2, None),
    "PyUnicode_FromFormat": (1, "PyUnicode_FromFormatV"),
    "_PyArg_Parse_SizeT": (2, None),
    **VARIADIC,
}
# Windows only: how far before their variadic arguments these have the format that describes them
FORMATS = {"_PyArg_ParseTuple_SizeT": "format_1", "_PyArg_ParseTupleAndKeywords_SizeT": "format_2"}
# Windows only: 32-bit C long arguments that must be widened (index, signed)
LONG_ARGS = {"PyBool_FromLong": [(0, True)]}
# Windows x86-64 only: argument that points to a table of function pointers, wrapped before the call
TABLE_ARG = {"PyModuleDef_Init": (0, "def"), "PyModule_AddFunctions": (1, "methods")}
FREE_THREADED = "t" in getattr(sys, "abiflags", "")


class ForeignError(ImportError):
    pass


# ---------------------------------------------------------------- small helpers
def u32(b, o): return struct.unpack_from("<I", b, o)[0]
def u64(b, o): return struct.unpack_from("<Q", b, o)[0]
def cstr(b, o): return bytes(b[o:b.index(b"\0", o)]).decode("utf-8")
def fixed(b): return bytes(b).split(b"\0", 1)[0].decode("ascii")


def uleb(b, o):
    v = s = 0
    while True:
        c = b[o]; o += 1
        v |= (c & 127) << s; s += 7
        if c < 128:
            return v, o


def sleb(b, o):
    v = s = 0
    while True:
        c = b[o]; o += 1
        v |= (c & 127) << s; s += 7
        if c < 128:
            return (v - (1 << s) if c & 64 else v), o


_libc = ctypes.CDLL(None)
_libc.dlsym.restype = ctypes.c_void_p
_libc.dlsym.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def host_symbol(name):
    return _libc.dlsym(None, name.encode())


class Arena:
    """Anonymous memory; written while RW, then protected page range by page range.  Comes straight
    from mmap(2) and is never unmapped: module objects die late in interpreter shutdown."""
    def __init__(self, size):
        self.size = (size + PAGE - 1) & -PAGE
        self.addr = _libc.mmap(None, self.size, 3, 0x22, -1, 0)     # private anonymous, rw-
        if self.addr in (None, 2**64 - 1):
            raise ForeignError("mmap failed")
        self.buf = (ctypes.c_ubyte * self.size).from_address(self.addr)

    def protect(self, off, size, prot):
        end = (off + size + PAGE - 1) & -PAGE
        off &= -PAGE
        if end > off and _libc.mprotect(self.addr + off, end - off, prot):
            raise ForeignError("mprotect failed")


# ---------------------------------------------------------------- image formats
class Image:
    """What both parsers produce.  All positions are offsets from the image base."""
    def __init__(self):
        self.kind = self.arch = ""
        self.size = 0
        self.pieces = []         # (offset, bytes)
        self.prots = []          # (offset, size, prot)
        self.rebases = []        # (offset, target offset)
        self.binds = []          # (offset, symbol, addend, weak)
        self.exports = {}        # symbol -> offset
        self.libs = []
        self.notes = []


MACHO_CPU = {0x01000007: "x86_64", 0x0100000C: "aarch64"}


def parse_macho(data):
    if u32(data, 0) != 0xFEEDFACF:
        raise ForeignError("not a 64-bit Mach-O file")
    im = Image()
    im.kind = "macho"
    im.arch = MACHO_CPU.get(u32(data, 4), "?")
    if u32(data, 12) not in (6, 8):
        raise ForeignError("Mach-O file type %d is neither a dylib nor a bundle" % u32(data, 12))
    segs, o = [], 32
    dyldinfo = chained = trie = symtab = None
    seen = set()
    for _ in range(u32(data, 16)):
        cmd, size = struct.unpack_from("<II", data, o)
        seen.add(cmd & 0x7FFFFFFF)
        if cmd == 0x19:
            vmaddr, vmsize, fileoff, filesize, _, prot = struct.unpack_from("<QQQQII", data, o + 24)
            segs.append((fixed(data[o + 8:o + 24]), vmaddr, vmsize, fileoff, filesize, prot))
        elif cmd & 0x7FFFFFFF == 0x22:
            dyldinfo = struct.unpack_from("<10I", data, o + 8)
        elif cmd == 0x80000034:
            chained = u32(data, o + 8)
        elif cmd == 0x80000033:
            trie = struct.unpack_from("<II", data, o + 8)
        elif cmd == 2:
            symtab = struct.unpack_from("<4I", data, o + 8)
        elif cmd & 0x7FFFFFFF in (0xC, 0x18, 0x1F, 0x23):
            im.libs.append(cstr(data, o + u32(data, o + 8)))
        o += size
    for code, what in ((0x1B, "LC_UUID"), (0x1D, "LC_CODE_SIGNATURE"), (0x32, "LC_BUILD_VERSION")):
        if code not in seen:
            im.notes.append("no " + what)
    if not im.libs:
        im.notes.append("no LC_LOAD_DYLIB (recent dyld wants at least libSystem)")
    if not segs or segs[0][0] != "__TEXT":
        raise ForeignError("first segment is not __TEXT")
    base = segs[0][1]
    im.size = max(s[1] + s[2] for s in segs) - base
    for name, vmaddr, vmsize, fileoff, filesize, prot in segs:
        im.pieces.append((vmaddr - base, data[fileoff:fileoff + filesize]))
        im.prots.append((vmaddr - base, vmsize, prot & 7))
    ptr = {}                                                  # original pointer-sized contents

    def word(off):
        for po, pd in im.pieces:
            if po <= off and off + 8 <= po + len(pd):
                return u64(pd, off - po)
        return 0

    if dyldinfo:
        roff, rsize, boff, bsize, woff, wsize, loff, lsize, eoff, esize = dyldinfo
        _rebase_ops(data[roff:roff + rsize], segs, base, im, word)
        for off, size in ((boff, bsize), (woff, wsize), (loff, lsize)):
            _bind_ops(data[off:off + size], segs, base, im)
        if esize:
            trie = (eoff, esize)
    if chained is not None:
        _chained(data, chained, segs, base, im, word)
    if trie and trie[1]:
        _walk_trie(data[trie[0]:trie[0] + trie[1]], im)
    elif symtab:
        symoff, nsyms, stroff, _ = symtab
        for i in range(nsyms):
            strx, typ, sect, desc, value = struct.unpack_from("<IBBHQ", data, symoff + 16 * i)
            if typ & 0xE0 == 0 and typ & 1 and typ & 0xE == 0xE:
                im.exports[cstr(data, stroff + strx)] = value - base
        im.notes.append("no export trie, used the symbol table")
    return im


def _rebase_ops(b, segs, base, im, word):
    o, addr = 0, 0

    def go(n, skip=0):
        nonlocal addr
        for _ in range(n):
            im.rebases.append((addr, word(addr) - base))
            addr += 8 + skip
    while o < len(b):
        op, imm = b[o] & 0xF0, b[o] & 15
        o += 1
        if op == 0x00:
            break
        elif op == 0x10:
            pass
        elif op == 0x20:
            v, o = uleb(b, o); addr = segs[imm][1] - base + v
        elif op == 0x30:
            v, o = uleb(b, o); addr = (addr + v) & (2**64 - 1)
        elif op == 0x40:
            addr += imm * 8
        elif op == 0x50:
            go(imm)
        elif op == 0x60:
            v, o = uleb(b, o); go(v)
        elif op == 0x70:
            v, o = uleb(b, o); go(1, v)
        elif op == 0x80:
            v, o = uleb(b, o); s, o = uleb(b, o); go(v, s)
        else:
            raise ForeignError("bad rebase opcode %#x" % op)


def _bind_ops(b, segs, base, im):
    o = addr = addend = flags = 0
    sym = None

    def go(n=1, skip=0):
        nonlocal addr
        for _ in range(n):
            im.binds.append((addr & (2**64 - 1), sym, addend, bool(flags & 1)))
            addr += 8 + skip
    while o < len(b):
        op, imm = b[o] & 0xF0, b[o] & 15
        o += 1
        if op == 0x00:
            continue                       # lazy streams hold one DONE per symbol
        elif op in (0x10, 0x30, 0x50):
            pass
        elif op == 0x20:
            _, o = uleb(b, o)
        elif op == 0x40:
            flags, sym = imm, cstr(b, o); o += len(sym) + 1
        elif op == 0x60:
            addend, o = sleb(b, o)
        elif op == 0x70:
            v, o = uleb(b, o); addr = segs[imm][1] - base + v
        elif op == 0x80:
            v, o = uleb(b, o); addr += v
        elif op == 0x90:
            go()
        elif op == 0xA0:
            v, o = uleb(b, o); go(1, v)
        elif op == 0xB0:
            go(1, imm * 8)
        elif op == 0xC0:
            v, o = uleb(b, o); s, o = uleb(b, o); go(v, s)
        else:
            raise ForeignError("bad bind opcode %#x" % op)


def _chained(data, o, segs, base, im, word):
    ver, starts, imports, symbols, count, fmt, symfmt = struct.unpack_from("<7I", data, o)
    if symfmt:
        raise ForeignError("compressed chained-fixup symbols")
    syms = []
    for i in range(count):
        if fmt == 1:
            v = u32(data, o + imports + 4 * i); name, weak, add = v >> 9, v >> 8 & 1, 0
        elif fmt == 2:
            v = u32(data, o + imports + 8 * i); name, weak = v >> 9, v >> 8 & 1
            add = struct.unpack_from("<i", data, o + imports + 8 * i + 4)[0]
        elif fmt == 3:
            v = u64(data, o + imports + 16 * i); name, weak = v >> 32, v >> 16 & 1
            add = struct.unpack_from("<q", data, o + imports + 16 * i + 8)[0]
        else:
            raise ForeignError("chained import format %d" % fmt)
        syms.append((cstr(data, o + symbols + name), bool(weak), add))
    so = o + starts
    for i in range(u32(data, so)):
        info = u32(data, so + 4 + 4 * i)
        if not info:
            continue
        p = so + info
        _, psize, pfmt, segoff, _, npages = struct.unpack_from("<IHHQIH", data, p)
        if pfmt not in (2, 6):
            raise ForeignError("chained pointer format %d" % pfmt)
        for page in range(npages):
            start = struct.unpack_from("<H", data, p + 22 + 2 * page)[0]
            if start == 0xFFFF:
                continue
            if start & 0x8000:
                raise ForeignError("multi-start chained page")
            at = segoff + page * psize + start
            while True:
                v = word(at)
                if v >> 63:
                    name, weak, add = syms[v & 0xFFFFFF]
                    im.binds.append((at, name, add + (v >> 24 & 0xFF), weak))
                else:
                    t = v & 0xFFFFFFFFF
                    if pfmt == 2:
                        t -= base
                    im.rebases.append((at, t | (v >> 36 & 0xFF) << 56))
                nxt = v >> 51 & 0xFFF
                if not nxt:
                    break
                at += nxt * 4


def _walk_trie(b, im):
    stack = [(0, b"")]
    while stack:
        o, prefix = stack.pop()
        size, o = uleb(b, o)
        if size:
            flags, p = uleb(b, o)
            if not flags & 8:
                im.exports[prefix.decode()], _ = uleb(b, p)
        o += size
        n = b[o]; o += 1
        for _ in range(n):
            e = b.index(b"\0", o)
            child, nxt = uleb(b, e + 1)
            stack.append((child, prefix + bytes(b[o:e])))
            o = nxt


def parse_pe(data):
    pe = u32(data, 0x3C)
    if data[:2] != b"MZ" or data[pe:pe + 4] != b"PE\0\0":
        raise ForeignError("not a PE file")
    mach, nsec = struct.unpack_from("<HH", data, pe + 4)
    osize = struct.unpack_from("<H", data, pe + 20)[0]
    opt = pe + 24
    if struct.unpack_from("<H", data, opt)[0] != 0x20B:
        raise ForeignError("not PE32+")
    im = Image()
    im.kind = "pe"
    im.arch = {0x8664: "x86_64", 0xAA64: "aarch64"}.get(mach, "?")
    base, im.size, hdr = u64(data, opt + 24), u32(data, opt + 56), u32(data, opt + 60)
    if u32(data, opt + 16):
        im.notes.append("has an entry point (DllMain), which is not called")
    mem = bytearray(im.size)
    mem[:hdr] = data[:hdr]
    im.prots.append((0, hdr, 1))
    so = opt + osize
    for i in range(nsec):
        s = so + 40 * i
        vsize, va, rsize, roff = struct.unpack_from("<4I", data, s + 8)
        ch = u32(data, s + 36)
        n = min(vsize, rsize) if vsize else rsize
        mem[va:va + n] = data[roff:roff + n]
        im.prots.append((va, vsize or rsize, ch >> 30 & 1 | (ch >> 31 & 1) << 1 | (ch >> 29 & 1) << 2))
    dirs = [struct.unpack_from("<II", data, opt + 112 + 8 * i) for i in range(u32(data, opt + 108))]
    if len(dirs) > 5 and dirs[5][0]:
        o, end = dirs[5][0], dirs[5][0] + dirs[5][1]
        while o < end:
            page, size = struct.unpack_from("<II", mem, o)
            if not size:
                break
            for k in range((size - 8) // 2):
                e = struct.unpack_from("<H", mem, o + 8 + 2 * k)[0]
                if e >> 12 == 10:
                    at = page + (e & 0xFFF)
                    im.rebases.append((at, u64(mem, at) - base))
                elif e >> 12:
                    raise ForeignError("base relocation type %d" % (e >> 12))
            o += size
    if len(dirs) > 1 and dirs[1][0]:
        o = dirs[1][0]
        while True:
            ilt, _, _, name, iat = struct.unpack_from("<5I", mem, o)
            if not name:
                break
            im.libs.append(cstr(mem, name))
            k, src = 0, ilt or iat
            while True:
                v = u64(mem, src + 8 * k)
                if not v:
                    break
                if v >> 63:
                    raise ForeignError("import by ordinal from " + im.libs[-1])
                im.binds.append((iat + 8 * k, cstr(mem, (v & 0x7FFFFFFF) + 2), 0, False))
                k += 1
            o += 20
    if dirs and dirs[0][0]:
        e = dirs[0][0]
        nfun, nnam, funs, names, ords = struct.unpack_from("<5I", mem, e + 20)
        for i in range(nnam):
            idx = struct.unpack_from("<H", mem, ords + 2 * i)[0]
            im.exports[cstr(mem, u32(mem, names + 4 * i))] = u32(mem, funs + 4 * idx)
    im.pieces.append((0, bytes(mem)))
    return im


def parse(path):
    with open(path, "rb") as f:
        data = f.read()
    return parse_pe(data) if data[:2] == b"MZ" else parse_macho(data)


# ---------------------------------------------------------------- thunks
class Thunks:
    """A pool of executable stubs, one page range, written once then made r-x."""
    def __init__(self, size=1 << 18):
        self.arena, self.used = Arena(size), 0

    def put(self, code):
        code = bytes(code)
        at = self.used = (self.used + 15) & -16
        if at + len(code) > self.arena.size:
            raise ForeignError("thunk pool full")
        collecting = gc.isenabled()
        gc.disable()                                                 # a collection may call what is here
        self.arena.protect(0, self.arena.size, 3)
        self.arena.buf[at:at + len(code)] = code
        self.used += len(code)
        self.arena.protect(0, self.arena.size, 5)
        if collecting:
            gc.enable()
        return self.arena.addr + at


def a64(*words):
    return b"".join(struct.pack("<I", w) for w in words)


def a64_call(ops, target):
    """Instructions, a call of the target by way of x16, more instructions; the address stands behind."""
    before, after = ops
    n = len(before) // 4
    total = n + 2 + len(after) // 4
    lit = (total + 1) & ~1                                   # 8-byte aligned literal
    ldr = 0x58000000 | (lit - n) << 5 | 16                   # LDR X16, literal
    code = before + a64(ldr, 0xD63F0200) + after             # BLR X16
    return code + b"\0" * (lit * 4 - len(code)) + struct.pack("<Q", target)


def apple_arm64_va(named, target):
    """Apple's variadic arguments are slots of 8 bytes on the stack: a va_list of AAPCS64 that has no
    registers left leads there, for the variant of the function that takes one."""
    before = a64(0xD100C3FF,                 # sub sp, sp, #48
                 0xA9027BFD,                 # stp x29, x30, [sp, #32]
                 0x9100C3E9,                 # add x9, sp, #48
                 0xA9007FE9,                 # stp x9, xzr, [sp]
                 0xA9017FFF,                 # stp xzr, xzr, [sp, #16]
                 0x910003E0 | named)         # mov x<named>, sp
    after = a64(0xA9427BFD,                  # ldp x29, x30, [sp, #32]
                0x9100C3FF,                  # add sp, sp, #48
                0xD65F03C0)                  # ret
    return a64_call((before, after), target)


def apple_arm64_ints(named, target, slots=16):
    """The same for functions without such a variant: slots, which hold no floats, go to registers and stack."""
    frame = 16 + 8 * slots
    w = [0xD10003FF | frame << 10,                           # sub sp, sp, #frame
         0xA9007BFD | (slots & 127) << 15,                   # stp x29, x30, [sp, #8*slots]
         0x910003E9 | frame << 10,                           # add x9, sp, #frame
         0x91000000 | (8 * (8 - named)) << 10 | 9 << 5 | 10]  # add x10, x9, #8*(8-named)
    for k in range(0, slots, 2):
        w.append(0xA9400000 | k << 15 | 12 << 10 | 10 << 5 | 11)      # ldp x11, x12, [x10, #8k]
        w.append(0xA9000000 | k << 15 | 12 << 10 | 31 << 5 | 11)      # stp x11, x12, [sp, #8k]
    for r in range(named, 8):
        w.append(0xF9400000 | (r - named) << 10 | 9 << 5 | r)         # ldr x<r>, [x9, #8*(r-named)]
    after = a64(0xA9407BFD | (slots & 127) << 15, 0x910003FF | frame << 10, 0xD65F03C0)
    return a64_call((a64(*w), after), target)


def win_arm64_va(named, target):
    """Windows' variadic floats are in integer registers: those go below the caller's stack arguments,
    so that a va_list finds all of them in a row."""
    spill = 8 * (8 - named)
    pad = spill % 16
    w = [0xD10003FF | (spill + pad) << 10]                            # sub sp, sp, #spill
    for r in range(named, 8):
        w.append(0xF9000000 | (pad // 8 + r - named) << 10 | 31 << 5 | r)   # str x<r>, [sp, ...]
    w += [0xD100C3FF, 0xA9027BFD,
          0x910003E9 | (48 + pad) << 10,                              # add x9, sp, #48+pad
          0xA9007FE9, 0xA9017FFF, 0x910003E0 | named]
    after = a64(0xA9427BFD, 0x910003FF | (48 + spill + pad) << 10, 0xD65F03C0)
    return a64_call((a64(*w), after), target)


def win_arm64_long(args, target):
    """Extends arguments that are a long of 32 bits, and goes on to the function."""
    w = [(0x93407C00 if signed else 0xD3407C00) | r << 5 | r for r, signed in args]   # sxtw / uxtw
    n = len(w)
    lit = (n + 3) & ~1
    code = a64(*w, 0x58000000 | (lit - n) << 5 | 16, 0xD61F0200)      # ldr x16, lit; br x16
    return code + b"\0" * (lit * 4 - len(code)) + struct.pack("<Q", target)


_X_SAVE = b"".join(b"\x44\x0f\x29\x44\x24"[1 if r < 8 else 0:3] + bytes([0x44 | (r & 7) << 3, 0x24, 16 * (r - 6)])
                   if 16 * (r - 6) < 128 else
                   b"\x44\x0f\x29" + bytes([0x84 | (r & 7) << 3, 0x24]) + struct.pack("<I", 16 * (r - 6))
                   for r in range(6, 16))
_X_LOAD = _X_SAVE.replace(b"\x0f\x29", b"\x0f\x28")


def win64_to_sysv(target, slots=12, longs=(), va=None, pre=None):
    """Code called with the Win64 convention that calls a System V function.
    va = number of named arguments: pass a va_list over the Win64 argument slots after them.
    pre = (argument index, address of a System V function called first with that argument, or with where it is for variadic ones)."""
    c = bytearray(b"\x55\x48\x89\xe5\x57\x56")                       # push rbp; mov rbp,rsp; push rdi; push rsi
    c += b"\x48\x89\x4d\x10\x48\x89\x55\x18\x4c\x89\x45\x20\x4c\x89\x4d\x28"  # home rcx rdx r8 r9
    for i, signed in longs:                                          # widen the homed slot
        d = 16 + 8 * i
        c += (b"\x48\x63\x45" if signed else b"\x8b\x45") + bytes([d]) + b"\x48\x89\x45" + bytes([d])
    c += b"\x48\x81\xec" + struct.pack("<I", 160) + _X_SAVE          # sub rsp,160; save xmm6-15
    if pre:
        c += b"\x48\x83\xec\x20\x0f\x29\x04\x24\x0f\x29\x4c\x24\x10"  # sub rsp,32; keep xmm0/1
        c += (b"\x48\x8d\x7d" if va else b"\x48\x8b\x7d") + bytes([16 + 8 * pre[0]])  # lea/mov rdi,[rbp+arg]
        c += b"\x48\xb8" + struct.pack("<Q", pre[1]) + b"\xff\xd0"   # mov rax,imm; call rax
        c += b"\x0f\x28\x04\x24\x0f\x28\x4c\x24\x10\x48\x83\xc4\x20"
    regs = [b"\x48\x8b\x7d", b"\x48\x8b\x75", b"\x48\x8b\x55", b"\x48\x8b\x4d", b"\x4c\x8b\x45", b"\x4c\x8b\x4d"]
    if va is not None:
        c += b"\x48\x83\xec\x20"                                     # sub rsp,32: the va_list
        c += b"\xc7\x04\x24\x30\x00\x00\x00\xc7\x44\x24\x04\x30\x01\x00\x00"   # gp_offset=48, fp_offset=304
        c += b"\x48\x8d\x45" + bytes([16 + 8 * va]) + b"\x48\x89\x44\x24\x08"  # overflow area = slots
        c += b"\x48\xc7\x44\x24\x10\x00\x00\x00\x00"
        for i in range(va):
            c += regs[i] + bytes([16 + 8 * i])
        c += [b"\x48\x89\xe7", b"\x48\x89\xe6", b"\x48\x89\xe2", b"\x48\x89\xe1", b"\x49\x89\xe0"][va]
        extra = 32
    else:
        extra = 8 * slots
        c += b"\x48\x81\xec" + struct.pack("<I", extra)
        for k in range(slots):                                       # arguments 7.. go to the stack
            c += b"\x48\x8b\x85" + struct.pack("<I", 16 + 8 * (6 + k)) + b"\x48\x89\x44\x24" + bytes([8 * k])
        for i in range(6):
            c += regs[i] + bytes([16 + 8 * i])
        c += b"\xb8\x04\x00\x00\x00"                                 # al for variadic callees
    c += b"\x49\xba" + struct.pack("<Q", target) + b"\x41\xff\xd2"   # mov r10,imm; call r10
    c += b"\x48\x81\xc4" + struct.pack("<I", extra)
    c += _X_LOAD + b"\x48\x81\xc4" + struct.pack("<I", 160) + b"\x5e\x5f\x5d\xc3"
    return c


def sysv_to_win64(target):
    """Code called with the System V convention (up to 6 integer arguments) that calls a Win64 one."""
    c = bytearray(b"\x55\x48\x89\xe5\x48\x83\xec\x30")               # frame, 32 shadow + 2 slots
    c += b"\x4c\x89\x44\x24\x20\x4c\x89\x4c\x24\x28"                 # r8, r9 -> slots 5, 6
    c += b"\x49\x89\xc9\x49\x89\xd0\x48\x89\xf2\x48\x89\xf9"         # r9=rcx r8=rdx rdx=rsi rcx=rdi
    c += b"\x48\xb8" + struct.pack("<Q", target) + b"\xff\xd0\xc9\xc3"
    return c


def traverse_to_win64(target, visit):
    """A traverse function of the module, to be called by System V code: what it is given to call is
    `visit`, and as argument where the caller's own pair of function and argument is."""
    c = b"\x55\x48\x89\xe5\x48\x83\xec\x40"                       # frame, 32 shadow + 2 slots
    c += b"\x48\x89\x75\xf0\x48\x89\x55\xf8\x48\x89\xf9"           # keep rsi, rdx; rcx=rdi
    c += b"\x48\xba" + struct.pack("<Q", visit) + b"\x4c\x8d\x45\xf0"  # mov rdx,imm; lea r8,[rbp-16]
    return c + b"\x48\xb8" + struct.pack("<Q", target) + b"\xff\xd0\xc9\xc3"


def visit_from_win64():
    """Win64 code that calls the System V function of such a pair."""
    c = b"\x55\x48\x89\xe5\x57\x56\x48\x81\xec" + struct.pack("<I", 160) + _X_SAVE
    c += b"\x48\x89\xcf\x48\x8b\x72\x08\xff\x12"                  # rdi=rcx; rsi=[rdx+8]; call [rdx]
    return c + _X_LOAD + b"\x48\x81\xc4" + struct.pack("<I", 160) + b"\x5e\x5f\x5d\xc3"


def with_errors_saved(target):
    """System V code that calls a Python-implemented hook with up to 2 arguments while any pending
    exception is put aside (deallocators run with one set)."""
    fetch, restore = host_symbol("PyErr_Fetch"), host_symbol("PyErr_Restore")
    call = lambda fn: b"\x48\xb8" + struct.pack("<Q", fn) + b"\xff\xd0"
    c = b"\x55\x48\x89\xe5\x48\x83\xec\x30\x48\x89\x7d\xf8\x48\x89\x75\xf0"   # keep rdi, rsi
    c += b"\x48\x8d\x7d\xe8\x48\x8d\x75\xe0\x48\x8d\x55\xd8" + call(fetch)
    c += b"\x48\x8b\x7d\xf8\x48\x8b\x75\xf0" + call(target) + b"\x48\x89\x45\xf8"
    c += b"\x48\x8b\x7d\xe8\x48\x8b\x75\xe0\x48\x8b\x55\xd8" + call(restore)
    return c + b"\x48\x8b\x45\xf8\xc9\xc3"


# ---------------------------------------------------------------- loading
class Loader:
    def __init__(self, path):
        self.path, self.im = path, parse(path)
        im = self.im
        if im.arch != platform.machine():
            raise ForeignError("%s is %s, this interpreter is %s" % (path, im.arch, platform.machine()))
        self.win64 = im.kind == "pe" and im.arch == "x86_64"
        self.thunks = Thunks()
        self.cache, self.patched, self.tables = {}, {}, set()
        self.origin, self.hooks, self.visit = {}, {}, None
        if self.win64:
            for kind in sorted(set(k for _, k in TABLE_ARG.values()) | set(FORMATS.values())):
                self.hooks[kind] = self.hook(getattr(self, "patch_" + kind), None, ctypes.c_void_p)
        self.mem = mem = Arena(im.size)
        for off, piece in im.pieces:
            mem.buf[off:off + len(piece)] = piece
        for off, target in im.rebases:
            self.poke(off, (mem.addr + target) & (2**64 - 1))
        for off, sym, addend, weak in im.binds:
            self.poke(off, (self.resolve(sym, weak) + addend) & (2**64 - 1))
        for off, size, prot in im.prots:
            mem.protect(off, size, prot)

    def hook(self, method, res, *args):
        fn = ctypes.PYFUNCTYPE(res, *args)(method)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(fn))             # outlives the interpreter
        return self.thunks.put(with_errors_saved(ctypes.cast(fn, ctypes.c_void_p).value))

    def poke(self, off, value):
        ctypes.c_uint64.from_address(self.mem.addr + off).value = value

    def resolve(self, sym, weak):
        if sym in self.cache:
            return self.cache[sym]
        name = sym
        if self.im.kind == "macho":
            if sym == "dyld_stub_binder":                            # lazy pointers are bound eagerly
                return 0
            if not sym.startswith("_"):
                raise ForeignError("undefined symbol %s has no leading underscore" % sym)
            name = sym[1:]
        addr = host_symbol(name)
        if not addr:
            if weak:
                return 0
            raise ForeignError("undefined symbol: %s (%s)" % (name, self.path))
        self.cache[sym] = addr = self.thunk(name, addr)
        return addr

    def is_function(self, addr):
        """Data symbols must not be thunked: ask the kernel whether the address is executable."""
        with open("/proc/self/maps") as f:
            for line in f:
                span, perm = line.split(None, 2)[:2]
                lo, hi = (int(x, 16) for x in span.split("-"))
                if lo <= addr < hi:
                    return "x" in perm
        return False

    def thunk(self, name, addr):
        va = VARIADIC.get(name)
        if self.im.arch == "aarch64":
            return self.arm64_thunk(name, addr, VARIADIC_ARM64.get(name))
        if self.win64 and self.is_function(addr):
            if va and va[1]:
                pre = (va[0], self.hooks[FORMATS[name]])
                return self.thunks.put(win64_to_sysv(host_symbol(va[1]), va=va[0], pre=pre))
            pre = None
            addr = self.hooks.get(name, addr)
            if name in TABLE_ARG:
                pre = (TABLE_ARG[name][0], self.hooks[TABLE_ARG[name][1]])
            at = self.thunks.put(win64_to_sysv(addr, longs=LONG_ARGS.get(name, ()), pre=pre))
            self.origin[at] = addr
            return at
        return addr

    def arm64_thunk(self, name, addr, va):
        pe = self.im.kind == "pe"
        if va and va[1]:
            return self.thunks.put((win_arm64_va if pe else apple_arm64_va)(va[0], host_symbol(va[1])))
        if va and not pe:
            return self.thunks.put(apple_arm64_ints(va[0], addr))
        if pe and name in LONG_ARGS:
            return self.thunks.put(win_arm64_long(LONG_ARGS[name], addr))
        return addr

    # -- PE x86-64: function pointers handed to CPython in tables
    def wrap_at(self, at, wrapper=sysv_to_win64):
        """Replace the function pointer stored at address `at`: module code gets a System V wrapper,
        the import thunk of an interpreter function turns back into that function."""
        cell = ctypes.c_uint64.from_address(at)
        fn = cell.value
        if fn in self.origin:
            self.patched[fn] = self.origin[fn]
        elif not (self.mem.addr <= fn < self.mem.addr + self.im.size):
            return
        if fn not in self.patched:
            self.patched[fn] = self.thunks.put(wrapper(fn))
        value = self.patched[fn]
        off = (at - self.mem.addr) & -PAGE
        if 0 <= at - self.mem.addr < self.im.size:
            prot = next((p for o, s, p in self.im.prots if o <= at - self.mem.addr < o + s), 3)
            if not prot & 2:
                self.mem.protect(off, PAGE, 3)
                cell.value = value
                self.mem.protect(off, PAGE, prot)
                return
        cell.value = value

    def patch_format_1(self, slots, before=1):
        """The variadic arguments of a parser, one for each character but for marks and `*`: converters
        of `O&` will be called by it."""
        text, at = ctypes.string_at(self.word(slots - 8 * before)).decode(), slots
        while text and text[0] not in ":;":
            if text[0] in "|$()*":
                text = text[1:]
            elif text[:2] == "O&":
                self.wrap_at(at)
                text, at = text[2:], at + 16
            else:
                text, at = text[1:], at + 8

    def patch_format_2(self, slots):
        self.patch_format_1(slots, 2)

    def patch_methods(self, p):
        self.tables.add(p)
        while p and self.word(p):
            self.wrap_at(p + 8)
            p += 32

    def patch_methods_again(self):
        """A module may put other functions into its tables when it is executed."""
        for p in list(self.tables):
            self.patch_methods(p)

    def patch_def(self, p):
        if not p:
            return
        q = p + (56 if FREE_THREADED else 40)                        # after PyModuleDef_Base
        self.patch_methods(self.word(q + 24))
        self.patch_module_slots(self.word(q + 32))
        self.wrap_at(q + 40, self.traverse)
        for k in (48, 56):
            self.wrap_at(q + k)

    def traverse(self, fn):
        if not self.visit:
            self.visit = self.thunks.put(visit_from_win64())
        return traverse_to_win64(fn, self.visit)

    def patch_module_slots(self, s):
        while s and ctypes.c_uint16.from_address(s).value:
            slot, p = ctypes.c_uint16.from_address(s).value, self.word(s + 8)
            if slot == 103:                                          # Py_mod_methods
                self.patch_methods(p)
            elif slot in (92, 94):                                   # Py_slot_subslots, Py_mod_slots
                self.patch_module_slots(p)
            elif slot == 104:                                        # Py_mod_state_traverse
                self.wrap_at(s + 8, self.traverse)
            elif slot in (1, 2, 84, 85, 105, 106):                   # create, exec, clear, free
                self.wrap_at(s + 8)
            s += 16

    @staticmethod
    def word(at):
        return ctypes.c_uint64.from_address(at).value

    def call_init(self, symbol):
        sym = ("_" if self.im.kind == "macho" else "") + symbol
        off = self.im.exports.get(sym)
        if off is None:
            return None
        addr = self.mem.addr + off
        if self.win64:
            addr = self.thunks.put(sysv_to_win64(addr))
        fn = ctypes.PYFUNCTYPE(ctypes.c_void_p)(addr)
        res = fn()
        if not res:
            raise ForeignError("%s returned NULL" % symbol)
        return res


def _api(name, res, *args):
    f = ctypes.PyDLL(None)[name]
    f.restype, f.argtypes = res, args
    return f


def load(path, name=None):
    """Load the module file and return the initialised module object (also put in sys.modules)."""
    name = name or os.path.basename(path).split(".")[0]
    ld = Loader(os.path.abspath(path))
    spec = importlib.machinery.ModuleSpec(name, None, origin=ld.path)
    stem = name.rpartition(".")[2]
    if sys.version_info >= (3, 15):
        slots = ld.call_init("PyModExport_" + stem)
        if slots:
            if ld.win64:
                ld.patch_module_slots(slots)
            mod = _api("PyModule_FromSlotsAndSpec", ctypes.py_object, ctypes.c_void_p, ctypes.py_object)(slots, spec)
            sys.modules[name] = mod
            if _api("PyModule_Exec", ctypes.c_int, ctypes.py_object)(mod):
                raise ForeignError("PyModule_Exec failed")
            ld.patch_methods_again()
            mod.__file__, mod.__spec__ = ld.path, spec
            return mod
    res = ld.call_init("PyInit_" + stem)
    if res is None:
        raise ForeignError("no export PyInit_%s; exports: %s" % (stem, ", ".join(ld.im.exports)))
    head = 24 if FREE_THREADED else 8                                # offset of ob_type
    if ctypes.c_uint64.from_address(res + head).value != host_symbol("PyModuleDef_Type"):
        mod = ctypes.cast(res, ctypes.py_object).value               # single-phase: a module
        sys.modules[name] = mod
        return mod
    mod = _api("PyModule_FromDefAndSpec2", ctypes.py_object, ctypes.c_void_p, ctypes.py_object,
               ctypes.c_int)(res, spec, 1013)
    mod.__file__, mod.__spec__ = ld.path, spec
    sys.modules[name] = mod
    if _api("PyModule_ExecDef", ctypes.c_int, ctypes.py_object, ctypes.c_void_p)(mod, res):
        raise ForeignError("PyModule_ExecDef failed")
    ld.patch_methods_again()
    return mod


def main(argv):
    name = None
    if argv[:1] == ["-m"]:
        name, argv = argv[1], argv[2:]
    if len(argv) < 2:
        sys.exit(__doc__)
    load(argv[0], name)
    if argv[1] == "-c":
        sys.argv = ["-c"] + argv[3:]
        exec(compile(argv[2], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = argv[1:]
        with open(argv[1], "rb") as f:
            exec(compile(f.read(), argv[1], "exec"), {"__name__": "__main__", "__file__": argv[1]})


if __name__ == "__main__":
    main(sys.argv[1:])
