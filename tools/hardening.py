#!/usr/bin/env python3
"""Whether a program was built so that a fault in memory is hard to use: looks at it with readelf.

    tools/hardening.py PROGRAM…

Prints one line a finding, and exits 1 if there is any. (Whether jumps are checked, -fcf-protection, cannot be
seen in the whole: the mark needs a C library that has it as well.)
"""
import re
import subprocess
import sys

CHECKED_CALLS_MIN = 2  # of the C library's functions that know how long their target is


def readelf(program, *options):
    return subprocess.run(["readelf", "-W", *options, program], capture_output=True, text=True,
                          check=True).stdout


def findings(program):
    head = readelf(program, "-h")
    segments = readelf(program, "-l")
    dynamic = readelf(program, "-d")
    symbols = readelf(program, "--dyn-syms")
    if not re.search(r"Type:\s+DYN", head):
        yield "its place in memory is fixed (no PIE)"
    if "GNU_RELRO" not in segments:
        yield "its tables of addresses stay writable (no RELRO)"
    if not re.search(r"BIND_NOW|FLAGS.*\bNOW\b", dynamic):
        yield "addresses are filled in later (no BIND_NOW)"
    if not re.search(r"GNU_STACK\s.*\sRW\s", segments):
        yield "its stack is executable"
    if re.search(r"LOAD\s.*\sRWE\s", segments):
        yield "a segment is writable and executable"
    if "TEXTREL" in dynamic:
        yield "its code is written to at the start"
    if re.search(r"R(UN)?PATH", dynamic):
        yield "it looks for libraries in a directory of its own"
    if "__stack_chk_fail" not in symbols:
        yield "stacks have no guard"
    if len(set(re.findall(r"\b__\w+_chk\b", symbols))) < CHECKED_CALLS_MIN:
        yield "calls of the C library are not checked (no FORTIFY)"


def main():
    found = [(program, finding) for program in sys.argv[1:] for finding in findings(program)]
    for program, finding in found:
        print(f"{program}: {finding}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
