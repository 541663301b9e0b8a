"""MariaDB. Commits survive `kill -9` (the log is written at each commit) without waiting for the disk."""
import os
import pathlib
import shutil

from services.place import template, write
from services.postgres import process_user
from services.system import System, apt_install, as_user, connect, exactly, own, program, run
from services.tls import owned

# Done at each start, before connections are taken. `client` logs in with its certificate.
USERS = r"""create database if not exists app;
create user if not exists app@'127.0.0.1' identified by 'sekret';
grant all on app.* to app@'127.0.0.1';
grant all on `app\_%`.* to app@'127.0.0.1';
create user if not exists client@'127.0.0.1' require subject '/CN=client';
grant all on app.* to client@'127.0.0.1';
create user if not exists root@'127.0.0.1';
alter user root@'127.0.0.1' identified by 'sekret';
grant all on *.* to root@'127.0.0.1' with grant option;
"""


class MariaDb(System):
    """MariaDB."""

    name = "mariadb"
    user = "mysql"

    def missing(self):
        found = program("mariadbd") and program("mariadb-install-db")
        return None if found and process_user(self.user) else "the packages mariadb-server-core, mariadb-client-core; the user mysql"

    def install(self, say):
        if not (program("mariadbd") and program("mariadb-install-db")):
            apt_install(["mariadb-server-core", "mariadb-client-core"], say)
        if not process_user(self.user):
            run(["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", self.user], "useradd")

    def staged(self, folder):
        """Makes fresh data where the server's user can walk, and moves it into the cache."""
        stage = pathlib.Path(run(["mktemp", "-d", "/tmp/assay-XXXXXX"], "mktemp").strip())
        try:
            stage.chmod(0o755)
            data = own(stage / "data", self.user)
            user = [f"--user={self.user}"] if as_user(self.user) else []
            run([program("mariadb-install-db"), "--no-defaults", *user, f"--datadir={data}", "--skip-test-db",
                 "--auth-root-authentication-method=normal", "--skip-name-resolve", "--innodb-log-file-size=16M"],
                "mariadb-install-db")
            run(["cp", "-a", data, folder / "data"], "copying fresh data")
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def command(self, place, ports):
        folder = own(place.data / "mariadb", self.user)
        data = folder / "data"
        if not data.is_dir():
            version = run([program("mariadbd"), "--version"], "mariadbd --version").split()[2].split("-")[0]
            source = template(f"mariadb-{version}-{os.geteuid()}-1", self.staged)
            new = folder / "data.new"
            shutil.rmtree(new, ignore_errors=True)
            run(["cp", "-a", "--reflink=auto", source / "data", new], "copying fresh data")
            new.rename(data)
        write(folder / "users.sql", USERS)
        certificate, key, authority = owned(place, folder, self.user)
        return [program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={folder}/my.sock",
                f"--pid-file={folder}/my.pid", "--bind-address=127.0.0.1", f"--port={ports['port']}",
                f"--init-file={folder}/users.sql", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M",
                "--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0", "--skip-log-bin", "--skip-name-resolve",
                "--character-set-server=utf8mb4", "--max-connections=200",
                f"--ssl-cert={certificate}", f"--ssl-key={key}", f"--ssl-ca={authority}"]

    def ready(self, ports):
        with connect(ports["port"]) as stream:
            exactly(stream, 4)
            return exactly(stream, 1) == b"\x0a"  # the greeting; an error begins with 0xff

    def describe(self, place, ports):
        address = f"127.0.0.1:{ports['port']}/app"
        tls = f"ssl-mode=VERIFY_IDENTITY&ssl-ca={place.tls / 'ca.pem'}"
        return {
            "url": f"mysql://app:sekret@{address}",
            "tlsUrl": f"mysql://app:sekret@{address}?{tls}",
            "adminUrl": f"mysql://root:sekret@{address}",
            "certUrl": f"mysql://client@{address}?{tls}&ssl-cert={place.tls / 'client.pem'}&ssl-key={place.tls / 'client.key'}",
            "host": "127.0.0.1",
            "port": ports["port"],
            "user": "app",
            "password": "sekret",
            "database": "app",
            "socket": str(place.data / "mariadb" / "my.sock"),
        }
