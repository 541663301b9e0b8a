"""Where a set of services lives: its folder, its data, its ports, what tests read of it."""
import contextlib
import fcntl
import hashlib
import json
import os
import pathlib
import random
import shutil
import socket
import stat
import tempfile

from services import environment, process

ROOT = pathlib.Path(__file__).resolve().parents[3]
CACHE = pathlib.Path(os.environ.get("ASSAY_CACHE") or pathlib.Path.home() / ".cache" / "assay") / "services"
# A unix socket's path has at most 107 bytes, of which the names below the data folder need some.
LONGEST_DATA_PATH = 70


def default_folder():
    """The set that everybody shares."""
    return pathlib.Path(os.environ.get("ASSAY_SERVICES") or ROOT / ".services")


@contextlib.contextmanager
def locked(file, on_wait=None):
    """Holds a lock, and gives its descriptor. The lock ends with the process, however it ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait:
                on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def write(file, text, mode=0o644):
    """Writes a file whole or not at all."""
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    new.write_text(text)
    new.chmod(mode)
    new.replace(file)


def reachable(path):
    """Whether every user may walk into a folder."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in [path, *path.parents])


def free_port(taken):
    """A free port below those that outgoing connections get: a client that retries against a dead server cannot take it."""
    low = 32768
    with contextlib.suppress(OSError, ValueError):
        low = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, last = (10240, low - 1) if low > 12000 else (61001, 65535)
    while True:
        port = random.randint(first, last)
        if port not in taken and port_is_free(port):
            return port


def port_is_free(port):
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
            return True
        except OSError:
            return False


class Place:
    """The folder of one set."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder).absolute()
        self.tls = self.folder / "tls"

    def prepare(self):
        """Makes the folders."""
        for name in ("run", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "run" / "data.lock"):
            self.prepare_data()

    def prepare_data(self):
        data = self.folder / "data"
        if data.is_dir():
            return
        if data.is_symlink():  # what is under /tmp does not outlive everything
            data.unlink()
        # Servers that run as users of their own must reach their data, and sockets have short paths.
        others = os.geteuid() == 0
        if len(str(data)) > LONGEST_DATA_PATH or (others and not reachable(self.folder)):
            short = tempfile.mkdtemp(prefix="assay-", dir="/tmp")
            os.chmod(short, 0o755)
            data.symlink_to(short)
        else:
            data.mkdir(mode=0o755)

    def claim(self, owner):
        """Says for whom the set runs: for a process, or (None) until it is stopped by hand."""
        owners = self.folder / "run" / "owners"
        owners.mkdir(exist_ok=True)
        if owner:
            write(owners / str(owner), pathlib.Path(f"/proc/{owner}/stat").read_text())
        else:
            (owners / "kept").touch()

    def disown(self, owner):
        """The set no longer runs for a process (None: for anybody)."""
        for file in (self.folder / "run" / "owners").glob(str(owner) if owner else "*"):
            file.unlink(missing_ok=True)

    def wanted(self):
        """Whether somebody still wants the set. A process that has died wants nothing."""
        files = (self.folder / "run" / "owners").glob("*")
        return any(file.name == "kept" or process.recorded(file) for file in files)

    @property
    def data(self):
        """The data folder itself, with its short path."""
        return (self.folder / "data").resolve()

    def lock(self, name):
        """Holds the lock of one system of this set."""
        return locked(self.folder / "run" / f"{name}.lock")

    def pid_file(self, name):
        """Where the pid of a system stands."""
        return self.folder / "run" / f"{name}.pid"

    def log(self, name):
        """What a system prints."""
        return self.folder / "log" / f"{name}.log"

    def project(self):
        """The name of this set among containers."""
        return "assay-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]

    def ports(self, name):
        """The ports that a system had last, by their names."""
        try:
            return json.loads((self.folder / "run" / f"{name}.ports").read_text())
        except (OSError, ValueError):
            return {}

    def choose_ports(self, name, wanted):
        """New ports for a system, kept for its restarts."""
        ports = {}
        for port in wanted:
            ports[port] = free_port(ports.values())
        write(self.folder / "run" / f"{name}.ports", json.dumps(ports))
        return ports

    def described(self):
        """What services.json says."""
        try:
            return json.loads((self.folder / "services.json").read_text())
        except (OSError, ValueError):
            return {}

    def describe(self, name, value):
        """Says in services.json what tests need of a system; None takes it out."""
        with locked(self.folder / "run" / "json.lock"):
            before = self.described()
            after = {key: kept for key, kept in before.items() if key != name}
            if value is not None:
                after[name] = value
            if after != before:
                write(self.folder / "services.json", json.dumps(dict(sorted(after.items())), indent=2) + "\n")
                environment.lay_out(self.folder, after)

    def remove(self):
        """Deletes what belongs to the set. What else lies in the folder stays."""
        data = self.folder / "data"
        if data.is_symlink():
            shutil.rmtree(data.resolve(), ignore_errors=True)
            data.unlink()
        for name in ("data", "run", "log", "tls"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in (*environment.FILES, "services.json"):
            (self.folder / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()


def template(name, build, on_wait=None):
    """A folder in the cache, built once, whole or not at all, by one at a time: the fresh data of a system, or its program."""
    folder = CACHE / name
    if not folder.is_dir():
        with locked(CACHE / f"{name}.lock", on_wait):
            if not folder.is_dir():
                new = CACHE / f"{name}.new"
                shutil.rmtree(new, ignore_errors=True)
                new.mkdir(mode=0o755)
                build(new)
                new.rename(folder)
    return folder
