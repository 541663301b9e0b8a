"""Redis, with users, a TLS port, and what was written kept over `kill -9`."""
from services.place import write
from services.system import System, apt_install, connect, own, program

CONF = """bind 127.0.0.1
port {port}
tls-port {tls}
tls-cert-file {certificates}/server.pem
tls-key-file {certificates}/server.key
tls-ca-cert-file {certificates}/ca.pem
tls-auth-clients optional
dir {folder}
save ""
appendonly yes
appendfsync no
daemonize no
unixsocket {folder}/redis.sock
user default on >rootpw ~* &* +@all
user app on >apppw ~app:* &app:* +@all -@dangerous
"""


class Redis(System):
    """Redis."""

    name = "redis"
    ports = ("port", "tls")

    def missing(self):
        return None if program("redis-server") else "the package redis-server"

    def install(self, say):
        apt_install(["redis-server"], say)

    def command(self, place, ports):
        folder = own(place.data / "redis", None)
        write(folder / "redis.conf", CONF.format(**ports, certificates=place.tls, folder=folder), 0o600)
        return [program("redis-server"), folder / "redis.conf"]

    def ready(self, ports):
        with connect(ports["port"]) as stream:
            stream.sendall(b"PING\r\n")
            return stream.recv(64).startswith((b"+PONG", b"-NOAUTH"))

    def describe(self, place, ports):
        return {
            "url": f"redis://app:apppw@127.0.0.1:{ports['port']}",
            "tlsUrl": f"rediss://app:apppw@127.0.0.1:{ports['tls']}",
            "adminUrl": f"redis://default:rootpw@127.0.0.1:{ports['port']}",
            "host": "127.0.0.1",
            "port": ports["port"],
            "tlsPort": ports["tls"],
            "user": "app",
            "password": "apppw",
            "keys": "app:*",
            "defaultPassword": "rootpw",
            "socket": str(place.data / "redis" / "redis.sock"),
        }
