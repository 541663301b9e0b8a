"""Containers, for what cannot be had natively: the same systems from localstack/compose.yaml, on the same ports."""
import os
import shutil
import signal
import subprocess

from services.place import ROOT
from services.system import Unavailable

COMPOSE = ROOT / "localstack" / "compose.yaml"


def available():
    """Whether Docker is here, with Compose, and its daemon answers."""
    if not shutil.which("docker"):
        return False
    asks = (["docker", "info"], ["docker", "compose", "version"])
    return all(subprocess.run(ask, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0 for ask in asks)


def variable(name, port):
    """The variable of compose.yaml that names a port: ASSAY_REDIS_TLS_PORT."""
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in port).upper()
    return f"ASSAY_{name.upper()}_{words}_PORT" if port != "port" else f"ASSAY_{name.upper()}_PORT"


def compose(place, system, ports, *arguments):
    """Runs `docker compose` on one system of a set."""
    environment = {**os.environ, "ASSAY_TLS": str(place.tls)}
    environment.update({variable(system.name, port): str(number) for port, number in ports.items()})
    command = ["docker", "compose", "-p", place.project(), "-f", str(COMPOSE), *arguments]
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"docker compose {arguments[0]} failed: {(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def running(place, system, ports):
    """Whether its container runs."""
    return bool(compose(place, system, ports, "ps", "-q", "--status", "running", system.name).strip())


def start(place, system, ports):
    """Starts it, with the certificates of the set, and without what it depends on in a set made of containers only."""
    compose(place, system, ports, "up", "-d", "--no-deps", system.name)


def end(place, system, ports, remove):
    """Ends it; what it kept goes with `remove`."""
    compose(place, system, ports, *(["rm", "-s", "-f", "-v"] if remove else ["stop"]), system.name)


def send(place, system, ports, number):
    """Kills, freezes or thaws it."""
    words = {signal.SIGKILL: ["kill"], signal.SIGSTOP: ["pause"], signal.SIGCONT: ["unpause"]}
    compose(place, system, ports, *words[number], system.name)
