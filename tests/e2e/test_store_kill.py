"""A store whose writer is killed at random moments, again and again: never corrupt, and nothing lost
that was committed. As a test it is killed 20 times; `test_store_kill.py --kills 200 [--seed N]` is
the long one, and replays a seed that failed."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

BUILD = pathlib.Path(os.environ.get("PM_BUILD", "build"))
WRITER = BUILD / "tests" / "store_writer"
FIRST = 29000040  # a minute with which an hour begins
WINDOW = 1500     # minutes after which a new store is begun
END = FIRST + 2820  # by then no minute has gone yet for its age
KILLS = 20
SEED = None


def check(directory):
    """The minutes that are there without a gap."""
    done = subprocess.run([WRITER, "check", directory, str(FIRST), str(END)], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stdout}{done.stderr}"
    return int(done.stdout.split()[1])


def write_and_kill(directory, first, wait_s):
    """Writes until it is killed; the end of what it said was committed."""
    process = subprocess.Popen([WRITER, "write", directory, str(first), str(END)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))
    reader.start()
    time.sleep(wait_s)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    reader.join(timeout=30)
    said = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.returncode == -signal.SIGKILL, f"it ended by itself: {said}"
    committed = [line.split()[1] for line in lines if line.endswith("\n")]
    return int(committed[-1]) if committed else first


class Killed(unittest.TestCase):
    def test_nothing_committed_is_lost(self):
        seed = SEED if SEED is not None else random.randrange(1 << 32)
        dice = random.Random(seed)
        written = stores = 0
        with self.subTest(seed=seed), tempfile.TemporaryDirectory() as parent:
            directory, at = None, FIRST
            for kill in range(KILLS):
                if directory is None or at - FIRST > WINDOW:
                    directory = pathlib.Path(parent) / str(stores)
                    directory.mkdir()
                    stores, at = stores + 1, FIRST
                # Some before the file is there, some in the middle of its first tables.
                committed = write_and_kill(directory, at, dice.choice([0.05, 0.3, 0.8])
                                           * dice.random())
                minutes = check(directory)
                end = FIRST + minutes
                self.assertGreaterEqual(end, committed, f"kill {kill}: committed minutes are gone")
                written += end - at
                at = end
            self.assertGreater(written, 0)
        print(f"{KILLS} kills (seed {seed}), {stores} stores, {written} minutes", file=sys.stderr)


if __name__ == "__main__":
    if "--kills" in sys.argv:
        place = sys.argv.index("--kills")
        KILLS = int(sys.argv[place + 1])
        del sys.argv[place:place + 2]
    if "--seed" in sys.argv:
        place = sys.argv.index("--seed")
        SEED = int(sys.argv[place + 1])
        del sys.argv[place:place + 2]
    unittest.main()
