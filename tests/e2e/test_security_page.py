"""What SECURITY.md says is shown by a test is: every file and every name that it gives exists, and
every flag that it names.
"""

import re
import subprocess
import unittest

import harness

PAGE = (harness.SOURCE / "SECURITY.md").read_text(encoding="utf-8")
FILE = re.compile(r"(e2e|unit/\w+|fuzz/\w+)/[\w*]+\.(py|c)")


class SecurityPage(unittest.TestCase):
    def test_its_tests_exist(self):
        text, found = "", 0
        for span in re.findall(r"`([^`]+)`", PAGE):
            if FILE.fullmatch(span):
                files = list((harness.SOURCE / "tests").glob(span))
                self.assertTrue(files, span)
                text = "".join(file.read_text(encoding="utf-8") for file in files)
            elif re.fullmatch(r"(?!pingmesh_)[a-z]+(_\w+){2,}", span):
                self.assertTrue(re.search(rf"\b{span}\b", text),
                                f"{span} is not in the file named before it")
                found += 1
        self.assertGreater(found, 40)

    def test_its_flags_exist(self):
        usage = subprocess.run([harness.PINGMESH, "--help"], capture_output=True, text=True,
                               check=True).stdout
        for flag in set(re.findall(r"`(--[\w-]+)", PAGE)):
            self.assertIn(flag.lstrip("-"), usage)

    def test_its_figures_are_those_of_the_code(self):
        server = (harness.SOURCE / "src" / "api" / "server.h").read_text(encoding="utf-8")
        for name, shown in (("PM_SERVER_CONNECTIONS_DEFAULT", "`--max-connections`, 512"),
                            ("PM_SERVER_CLIENT_RATE_DEFAULT", "`--client-rate`, 500 a second")):
            value = re.search(rf"{name} = (\d+)", server).group(1)
            self.assertIn(value, shown)
            self.assertIn(shown, PAGE)


if __name__ == "__main__":
    unittest.main()
