"""Debian roots to build images from and to boot, and programs that the tests need and find.

Roots are archives in the build directory, made once by mmdebstrap. Whatever cannot be had here is a
skipped test with its reason, never a silent success.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(SOURCE / "tests" / "e2e"))
os.environ.setdefault("PM_SOURCE", str(SOURCE))
os.environ.setdefault("PM_BUILD", str(SOURCE / "build" / "package"))

WORK = SOURCE / "build" / "deploy"
ARCHIVE_S = 900  # mmdebstrap, on a slow line
# The machine's clock may be later than a mirror's lists are valid.
APT_OPTIONS = ['Acquire::Check-Valid-Until "false"', 'Acquire::Check-Date "false"']


def run(*arguments, seconds=120, check=True, **more):
    """Both outputs as text; AssertionError with them if it failed or took too long."""
    arguments = [str(argument) for argument in arguments]
    try:
        done = subprocess.run(arguments, timeout=seconds, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, **more)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"not within {seconds} s: {' '.join(arguments)}") from None
    if check and done.returncode != 0:
        raise AssertionError(f"status {done.returncode}: {' '.join(arguments)}\n"
                             f"{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return done


def need(*programs):
    """The calling test or module is skipped without these."""
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise unittest.SkipTest(f"needs {', '.join(missing)}: ./dev integrations installs them")
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


def release():
    """This system's name of its release: what is built here runs there."""
    lines = pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return next(line.split("=")[1].strip('"') for line in lines
                if line.startswith("VERSION_CODENAME="))


def archive(name, suite, packages, hooks=()):
    """A minimal root with these packages as a tar file, kept for the next run. hooks: what is done to
    it, as mmdebstrap takes it."""
    need("mmdebstrap")
    WORK.mkdir(parents=True, exist_ok=True)
    mark = hashlib.sha256(" ".join([*packages, *hooks]).encode()).hexdigest()[:8]
    file = WORK / f"{name}-{suite}-{mark}.tar"
    if not file.exists():
        unfinished = file.with_suffix(".unfinished.tar")
        options = [f"--aptopt={option}" for option in APT_OPTIONS]
        options += [f"--customize-hook={hook}" for hook in hooks]
        run("mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}", *options, suite,
            unfinished, seconds=ARCHIVE_S)
        unfinished.rename(file)
    return file


def unpack(file, directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    run("tar", "--extract", "--file", file, "--directory", directory, "--exclude=./dev/*")
    return directory
