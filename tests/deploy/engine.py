"""A Docker engine of the tests' own: its data and its socket are in the build directory. It changes
no firewall rule, so containers reach each other and the host, and no one else; what a build fetches
goes through the host's network."""

import os
import pathlib
import shutil
import subprocess

import roots
import harness

ENGINE_START_S = 60


class Engine:
    def __init__(self):
        roots.need("dockerd", "docker")
        self.directory = roots.WORK / "engine"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.socket = f"unix://{self.directory}/socket"
        # Debian's client builds with the engine itself; a newer one would want a plug-in for it.
        self.environment = {**os.environ, "DOCKER_HOST": self.socket, "DOCKER_BUILDKIT": "0",
                            "COMPOSE_DOCKER_CLI_BUILD": "0"}
        self.daemon = None
        for driver in ("overlay2", "vfs"):  # not every file system can be laid over
            self._start(driver)
            if self._answers():
                return
            self.close()
        raise AssertionError(f"dockerd does not start: see {self.directory}/log")

    def _start(self, driver):
        with open(self.directory / "log", "ab") as log:
            self.daemon = subprocess.Popen(
                ["dockerd", "--iptables=false", "--bridge=none", f"--storage-driver={driver}",
                 f"--data-root={self.directory}/data", f"--exec-root={self.directory}/exec",
                 f"--pidfile={self.directory}/pid", f"--host={self.socket}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _answers(self):
        def state():
            if self.daemon.poll() is not None:
                return "ended"
            done = roots.run("docker", "version", check=False, env=self.environment)
            return "answers" if done.returncode == 0 else None
        return harness.wait_until("dockerd answers", state, ENGINE_START_S, 0.3) == "answers"

    def docker(self, *arguments, seconds=120, check=True):
        return roots.run("docker", *arguments, seconds=seconds, check=check, env=self.environment)

    def compose(self, *arguments, seconds=300):
        """Compose is a plug-in of newer clients, and a program of its own for Debian's."""
        plugin = self.docker("compose", "version", check=False).returncode == 0
        words = ["docker", "compose"] if plugin else ["docker-compose"]
        return roots.run(*words, *arguments, seconds=seconds, env=self.environment)

    def base_image(self):
        """What the registry calls debian:12-slim, which cannot be reached from everywhere. It trusts
        whom this machine trusts, for a build fetches through the same network."""
        trusted = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
        file = roots.archive("base", "bookworm", ["ca-certificates"],
                             [f"copy-in {trusted} {trusted.parent}"] if trusted.exists() else [])
        self.docker("import", "--change", f"ENV NODE_EXTRA_CA_CERTS={trusted}", file,
                    "debian:12-slim")

    def image(self):
        """pingmesh from the Dockerfile, out of what a fresh clone has: nothing was built before."""
        self.base_image()
        context = roots.WORK / "context"
        shutil.rmtree(context, ignore_errors=True)
        files = roots.run("git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard",
                          cwd=roots.SOURCE).stdout
        for name in filter(None, files.split("\n")):
            if (roots.SOURCE / name).is_file():
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(roots.SOURCE / name, context / name)
        self.docker("build", "--network", "host", "--tag", "pingmesh", context, seconds=1500)

    def close(self):
        """Its images stay in the build directory: the next run builds what has changed."""
        self.daemon.terminate()
        try:
            self.daemon.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.daemon.kill()
            self.daemon.wait()
        for mounted in (self.directory / "exec" / "netns").glob("*"):
            roots.run("umount", mounted, check=False)  # or ./dev clean could not remove it
