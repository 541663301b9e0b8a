"""PostgreSQL. Commits survive `kill -9` (synchronous_commit stays on); nothing waits for the disk (fsync is off)."""
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess

from services import process
from services.place import template
from services.system import System, Unavailable, apt_install, as_user, connect, exactly, own, program, run
from services.tls import owned

HBA = """local all all scram-sha-256
hostssl all client 127.0.0.1/32 cert
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""
# The roles: `app` owns the database and may make others; `client` logs in with its certificate; `postgres` may everything.
ROLES = """create role app login createdb replication password 'sekret'
create role client login
create database app owner app
grant pg_monitor, pg_signal_backend to app
"""
SETTINGS = [
    "fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB", "wal_level=logical",
    "max_wal_size=256MB", "ssl=on",
]


def folder_of_programs():
    """Where `initdb` and `postgres` are: on the PATH, or where Debian puts them."""
    versions = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0))
    found = program("initdb", also=versions[::-1])
    return pathlib.Path(found).resolve().parent if found else None


class Postgres(System):
    """PostgreSQL."""

    name = "postgres"
    user = "postgres"
    stop_signal = signal.SIGINT  # ends sessions at once, cleanly

    def missing(self):
        return None if folder_of_programs() and process_user(self.user) else "the package postgresql"

    def install(self, say):
        apt_install(["postgresql"], say)

    def fresh(self, folder):
        """Makes the data of a new server."""
        programs, data = folder_of_programs(), own(folder / "data", self.user)
        data.chmod(0o700)
        password = folder / "password"
        password.write_text("sekret")
        if as_user(self.user):
            shutil.chown(password, self.user)
        environment = {"PATH": f"{programs}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        run([*as_user(self.user), programs / "initdb", "-D", data, "-U", "postgres", f"--pwfile={password}", "-A",
             "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--wal-segsize=4"], "initdb",
            env=environment, cwd="/")
        single = [*as_user(self.user), programs / "postgres", "--single", "-D", data, "postgres"]
        done = subprocess.run(list(map(str, single)), input=ROLES, text=True, capture_output=True, env=environment, cwd="/")
        if done.returncode or "ERROR" in done.stderr:
            raise Unavailable(f"setting up Postgres failed: {done.stderr[-2000:]}")
        (data / "pg_hba.conf").write_text(HBA)

    def command(self, place, ports):
        folder = own(place.data / "postgres", self.user)
        data = folder / "data"
        if not data.is_dir():
            version = run([folder_of_programs() / "postgres", "--version"], "postgres --version").split()[2]
            # Reaching into the cache is for the script; the server sees its copy only.
            source = template(f"postgres-{version}-{os.geteuid()}-1", self.staged)
            new = folder / "data.new"
            shutil.rmtree(new, ignore_errors=True)
            run(["cp", "-a", "--reflink=auto", source / "data", new], "copying fresh data")
            new.rename(data)
        self.forget_the_dead(folder)
        certificate, key, authority = owned(place, folder, self.user)
        settings = [*SETTINGS, f"ssl_cert_file={certificate}", f"ssl_key_file={key}", f"ssl_ca_file={authority}"]
        return [folder_of_programs() / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", ports["port"],
                *[word for setting in settings for word in ("-c", setting)]]

    def staged(self, folder):
        """Makes fresh data where the server's user can walk, and moves it into the cache."""
        stage = pathlib.Path(run(["mktemp", "-d", "/tmp/assay-XXXXXX"], "mktemp").strip())
        try:
            stage.chmod(0o755)
            self.fresh(stage)
            run(["cp", "-a", stage / "data", folder / "data"], "copying fresh data")
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    @staticmethod
    def forget_the_dead(folder):
        """A killed postmaster that nobody has reaped would keep the next one from starting: by the data and by the socket."""
        for file in [folder / "data" / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")]:
            try:
                pid = int(file.read_text().split("\n", 1)[0])
            except (OSError, ValueError):
                continue
            if not process.alive(pid):
                file.unlink()

    def ready(self, ports):
        with connect(ports["port"]) as stream:
            body = struct.pack(">i", 196608) + b"user\0app\0database\0app\0\0"
            stream.sendall(struct.pack(">i", len(body) + 4) + body)
            return exactly(stream, 1) == b"R"

    def describe(self, place, ports):
        address = f"127.0.0.1:{ports['port']}/app"
        tls = f"sslmode=verify-full&sslrootcert={place.tls / 'ca.pem'}"
        return {
            "url": f"postgres://app:sekret@{address}",
            "tlsUrl": f"postgres://app:sekret@{address}?{tls}",
            "adminUrl": f"postgres://postgres:sekret@{address}",
            "certUrl": f"postgres://client@{address}?{tls}&sslcert={place.tls / 'client.pem'}&sslkey={place.tls / 'client.key'}",
            "host": "127.0.0.1",
            "port": ports["port"],
            "user": "app",
            "password": "sekret",
            "database": "app",
            "socketFolder": str(place.data / "postgres"),
        }


def process_user(user):
    """Whether a server may run: as that user when this is root, as ourselves otherwise."""
    return os.geteuid() != 0 or subprocess.run(["id", user], capture_output=True).returncode == 0
