# Runs in a Windows CPython: virtual_unwind.py JOB
#
# JOB is a JSON file: {"file", "functions": [{"name", "rva", "states": [[offset, sp, [[is_float, register, place]...]]...],
# "jumps": [offset...]}]}. Stack pointer and places count from the canonical frame address. For each state a thread's context and stack are made up, Windows is asked
# for the caller's, and what it says is compared: where it returns to, its stack pointer, the registers that functions preserve.
# The first twenty differences are printed, then how many walks there were.

import ctypes
import json
import struct
import sys

INTS = [3, 5, 6, 7, 12, 13, 14, 15]             # rbx rbp rsi rdi r12-r15
FLOATS = list(range(6, 16))
RSP, RIP, RAX, XMM0, SIZE = 0x98, 0xF8, 0x78, 0x1A0, 1232     # CONTEXT
RETURN = 0x1234567812345678
STACK = 1 << 20

ntdll = ctypes.WinDLL("ntdll")
lookup, unwind = ntdll.RtlLookupFunctionEntry, ntdll.RtlVirtualUnwind
lookup.restype = ctypes.c_void_p
lookup.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]
unwind.restype = ctypes.c_void_p
unwind.argtypes = [ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_void_p] + [ctypes.c_void_p] * 4

memory = ctypes.create_string_buffer(STACK + 64)
context = ctypes.create_string_buffer(SIZE + 64)
at = (ctypes.addressof(context) + 15) & -16
cfa = (ctypes.addressof(memory) + STACK - 4096) & -16


def place(number):
    return RAX + 8 * number


def walk(base, pc, sp, saved):
    """Differences between what Windows says and what is so."""
    wanted = {(False, r): 0x1111111100000000 + r for r in INTS}
    wanted.update({(True, r): 0x2222222200000000 + r for r in FLOATS})
    ctypes.memset(ctypes.addressof(memory), 0xEE, STACK)
    ctypes.memset(at, 0, SIZE)
    ctypes.c_uint64.from_address(cfa - 8).value = RETURN
    stored = {(is_float, number): where for is_float, number, where in saved}
    for reg, value in wanted.items():
        is_float, number = reg
        field = at + (XMM0 + 16 * number if is_float else place(number))
        if reg in stored:               # on the stack; the register is used for something else
            ctypes.c_uint64.from_address(cfa + stored[reg]).value = value
            if is_float:
                ctypes.c_uint64.from_address(cfa + stored[reg] + 8).value = ~value & (1 << 64) - 1
            ctypes.c_uint64.from_address(field).value = 0x7777777777777777
        else:
            ctypes.c_uint64.from_address(field).value = value
            if is_float:
                ctypes.c_uint64.from_address(field + 8).value = ~value & (1 << 64) - 1
    ctypes.c_uint64.from_address(at + RIP).value = pc
    ctypes.c_uint64.from_address(at + RSP).value = cfa + sp
    image, entry = ctypes.c_uint64(), None
    entry = lookup(pc, ctypes.addressof(image), None)
    if entry:
        data, frame = ctypes.c_void_p(), ctypes.c_uint64()
        unwind(0, image.value, pc, entry, at, ctypes.addressof(data), ctypes.addressof(frame), None)
    else:                               # a leaf: the return address is where the stack pointer is
        top = ctypes.c_uint64.from_address(at + RSP).value
        ctypes.c_uint64.from_address(at + RIP).value = ctypes.c_uint64.from_address(top).value
        ctypes.c_uint64.from_address(at + RSP).value = top + 8
    found = []
    if ctypes.c_uint64.from_address(at + RIP).value != RETURN:
        found.append("rip %#x" % ctypes.c_uint64.from_address(at + RIP).value)
    if ctypes.c_uint64.from_address(at + RSP).value != cfa:
        found.append("rsp off by %d" % (ctypes.c_uint64.from_address(at + RSP).value - cfa))
    for (is_float, number), value in wanted.items():
        field = at + (XMM0 + 16 * number if is_float else place(number))
        got = struct.unpack("<QQ", ctypes.string_at(field, 16))
        if got[0] != value or is_float and got[1] != ~value & (1 << 64) - 1:
            found.append("%s%d is %#x" % ("xmm" if is_float else "r", number, got[0]))
    return found


def replace_jumps(base, functions):
    """Jumps out behind an epilogue become returns: Microsoft's stack walk takes either for its end ("x64 prolog and epilog"), Wine's
    only returns."""
    protect = ctypes.WinDLL("kernel32").VirtualProtect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p]
    for function in functions:
        for offset in function["jumps"]:
            pc, old = base + function["rva"] + offset, ctypes.c_uint32()
            assert protect(pc, 1, 0x40, ctypes.addressof(old))      # PAGE_EXECUTE_READWRITE
            ctypes.memmove(pc, b"\xc3", 1)


def main():
    with open(sys.argv[1]) as file:
        job = json.load(file)
    base = ctypes.WinDLL(job["file"])._handle
    replace_jumps(base, job["functions"])
    walks = wrong = 0
    for function in job["functions"]:
        for offset, sp, saved in function["states"]:
            found = walk(base, base + function["rva"] + offset, sp, saved)
            walks += 1
            if found:
                wrong += 1
                if wrong <= 20:
                    print("%s+%#x: %s" % (function["name"], offset, ", ".join(found)))
    print("%d wrong" % wrong if wrong else "%d walks" % walks)


main()
