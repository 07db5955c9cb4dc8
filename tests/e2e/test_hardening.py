"""What the release preset makes of a program, and that tools/hardening.py sees what is missing. A
small program with the same flags stands for the real one, which `./dev hardening` builds and checks.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import harness

PROJECT = """
cmake_minimum_required(VERSION 3.24)
project(small VERSION 1 LANGUAGES C)
include({flags})
add_executable(small small.c)
target_link_libraries(small PRIVATE pm_flags)
"""
SMALL = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv) {
  char text[64];
  size_t bytes = strtoul(argv[argc - 1], NULL, 10);
  memcpy(text, argv[0], bytes);
  snprintf(text + argc, bytes, "%s", argv[0]);
  puts(text);
  return 0;
}
"""


class Hardening(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="pingmesh-hardening-")
        self.addCleanup(self.temporary.cleanup)
        self.directory = pathlib.Path(self.temporary.name)
        (self.directory / "small.c").write_text(SMALL)

    def check(self, program):
        return subprocess.run([sys.executable, "-B", harness.SOURCE / "tools" / "hardening.py",
                               program], capture_output=True, text=True, check=False)

    def test_the_release_preset(self):
        (self.directory / "CMakeLists.txt").write_text(
            PROJECT.format(flags=harness.SOURCE / "cmake" / "Flags.cmake"))
        build = self.directory / "build"
        for command in (["cmake", "-G", "Ninja", "-S", self.directory, "-B", build,
                         "-DCMAKE_BUILD_TYPE=Release"], ["cmake", "--build", build]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = self.check(build / "small")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        # And it does what it is for: a copy that is too long ends the program.
        for count, ended in (("5", False), ("100", True)):
            ran = subprocess.run([build / "small", count], capture_output=True, check=False)
            self.assertEqual(ran.returncode < 0, ended, count)

    def test_what_is_missing_is_seen(self):
        for options, word in ((["-no-pie", "-fno-pie"], "PIE"), (["-Wl,-z,norelro"], "RELRO"),
                              (["-Wl,-z,lazy"], "BIND_NOW"), (["-Wl,-z,execstack"], "stack"),
                              (["-fno-stack-protector"], "guard"),
                              (["-U_FORTIFY_SOURCE"], "FORTIFY"), (["-Wl,-rpath,/x"], "libraries")):
            program = self.directory / "weak"
            built = subprocess.run(
                ["cc", "-O2", "-w", "-fPIE", "-pie", "-fstack-protector-strong", "-D_FORTIFY_SOURCE=2",
                 "-Wl,-z,relro,-z,now", *options, "-o", program, self.directory / "small.c"],
                capture_output=True, text=True, check=False)
            self.assertEqual(built.returncode, 0, built.stderr)
            done = self.check(program)
            self.assertEqual(done.returncode, 1)
            self.assertIn(word, done.stdout)


if __name__ == "__main__":
    unittest.main()
