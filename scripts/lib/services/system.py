"""What the systems have in common."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import urllib.error
import urllib.request

from services.place import locked, CACHE


class Unavailable(Exception):
    """A system cannot be had here; the text says why, and what to do."""


class System:
    """One system: what it needs, how it starts, how one sees that it is ready, and what tests must know of it."""

    name = ""
    ports = ("port",)
    user = None  # the user it runs as when the script is root
    stop_signal = signal.SIGTERM
    seconds = 60  # within which it must be ready
    cwd = None
    environment = None

    def missing(self):
        """What is not here yet, or None."""
        raise NotImplementedError

    def install(self, say):
        """Brings what is missing; says what takes long; raises Unavailable."""
        raise NotImplementedError

    def command(self, place, ports):
        """Lays out data and settings, and gives the command. Nothing of the system runs now."""
        raise NotImplementedError

    def ready(self, ports):
        """Whether it answers as it should. May raise OSError: not yet."""
        raise NotImplementedError

    def describe(self, place, ports):
        """What services.json says of it."""
        raise NotImplementedError


def own(folder, user):
    """Makes a folder that the system's user owns."""
    folder.mkdir(exist_ok=True)
    if user and os.geteuid() == 0:
        shutil.chown(folder, user, user)
    return folder


def as_user(user):
    """What a command begins with to run as that user."""
    if user and os.geteuid() == 0:
        return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return []


def run(command, what, **options):
    """Runs a command to its end; its output is in the error when it fails."""
    done = subprocess.run(command, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise Unavailable(f"{what} failed ({done.returncode}): {done.stdout.strip()[-2000:]}")
    return done.stdout


def apt_install(packages, say):
    """Installs packages without leaving a daemon running."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise Unavailable(f"as root: apt-get install --no-install-recommends {' '.join(packages)}")
    with locked(CACHE / "apt.lock", lambda: say("waiting for another installation")):
        say(f"installing {' '.join(packages)}")
        # Debian's packages start their daemons unless this file says no. One of ours may be left from a killed installation.
        policy, text = pathlib.Path("/usr/sbin/policy-rc.d"), "#!/bin/sh\n# made by scripts/services, for a moment\nexit 101\n"
        ours = not policy.exists() or policy.read_text() == text
        if ours:
            policy.write_text(text)
            policy.chmod(0o755)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
        try:
            if subprocess.run(install, env=environment, stdin=subprocess.DEVNULL, capture_output=True).returncode:
                run(["apt-get", "update", "-qq"], "apt-get update", env=environment)
                run(install, "apt-get install", env=environment)
        finally:
            if ours:
                policy.unlink()


def program(*names, also=()):
    """Where a program is, by PATH or in the folders where distributions hide servers."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", *map(str, also)])
    return next((found for name in names if (found := shutil.which(name, path=path))), None)


def connect(port):
    """A connection to a server of ours that gives up soon."""
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def exactly(stream, count):
    """So many bytes of a connection."""
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def sized(stream, width=4):
    """A message behind its big-endian length."""
    (length,) = struct.unpack(">i", exactly(stream, width))
    return exactly(stream, length)


def http_ok(url):
    """Whether a page answers 200."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return answer.status == 200
    except urllib.error.URLError as error:
        raise OSError(str(error)) from error
