"""The command line of scripts/services."""
import argparse
import concurrent.futures
import os
import pathlib
import shlex
import sys
import tempfile
import threading
import time

from services import containers, tls
from services.aws import Aws
from services.dynamodb import DynamoDb
from services.kafka import Kafka
from services.loki import Loki
from services.mariadb import MariaDb
from services.place import Place, default_folder
from services.postgres import Postgres
from services.prometheus import Prometheus
from services.redis import Redis
from services.server import Server
from services.system import Unavailable

SYSTEMS = {system.name: system for system in (Postgres(), MariaDb(), Redis(), Kafka(), Loki(), Prometheus(), Aws(), DynamoDb())}
# The folders of sets that belong to a process: `start` removes those whose process is gone.
OWNED = "assay-own-*"
PRINTING = threading.Lock()

HELP = """The real systems that tests talk to, on loopback only.

start     brings what is missing, starts what does not run, waits until it is ready
stop      ends them; their data stays (--remove: goes, with the folder)
status    says what runs; the exit code is 0 when all named do
env       prints KEY=VALUE lines of services.json, for a shell
install   brings what is missing, and starts nothing
kill      ends a system as a crash would (kill -9)
restart   starts a system again on the same ports and data
pause     freezes a system; resume lets it go on

The set lives in --dir, or in $ASSAY_SERVICES, or in .services of this checkout. docs/services.md says more."""


def say(name, text, where=sys.stdout):
    with PRINTING:
        print(f"{name:<11} {text}", file=where, flush=True)


def for_all(names, act):
    """Does it for all at once; gives the exit code. What goes wrong with one does not keep the others."""

    def one(name):
        try:
            act(name)
            return True
        except Unavailable as error:
            say(name, f"could not be had: {error}", sys.stderr)
        except (OSError, ValueError) as error:
            say(name, f"failed: {error}", sys.stderr)
        return False

    with concurrent.futures.ThreadPoolExecutor(max_workers=len(SYSTEMS)) as pool:
        return 0 if all(list(pool.map(one, names))) else 1


def bring(name):
    """Brings a system; what cannot be had natively comes as a container when Docker is here."""
    system = SYSTEMS[name]
    if system.missing() is None:
        return False
    try:
        system.install(lambda text: say(name, text))
    except Unavailable as error:
        if not containers.available():
            raise
        say(name, f"comes as a container ({error})")
    if system.missing() and not containers.available():
        raise Unavailable(f"still missing: {system.missing()}")
    return True


def install(names):
    """Brings what is missing."""

    def one(name):
        begin = time.monotonic()
        say(name, f"installed in {time.monotonic() - begin:.1f} s" if bring(name) else "is here")

    return for_all(names, one)


def start(place, names, owner):
    """Starts what does not run."""
    sweep()
    place.prepare()
    with place.lock("set"):
        place.claim(owner)
    place.describe("tls", tls.bring(place))

    def one(name):
        bring(name)
        seconds = Server(place, SYSTEMS[name]).start()
        ports = " ".join(f"{port}={number}" if port != "port" else str(number) for port, number in place.ports(name).items())
        say(name, f"{'runs already' if seconds is None else f'ready in {seconds:.2f} s'}, 127.0.0.1: {ports}")

    return for_all(names, one)


def sweep():
    """Removes the sets of processes that are gone: a killed test does not clean up."""
    for owners in pathlib.Path(tempfile.gettempdir()).glob(f"{OWNED}/run/owners"):
        place = Place(owners.parents[1])
        if owners.stat().st_uid == os.geteuid() and not place.wanted():
            stop(place, list(SYSTEMS), True, quiet=True)


def release(place, owner):
    """Ends what runs unless somebody else wants it."""
    if not (place.folder / "run").is_dir():
        return 0
    with place.lock("set"):
        place.disown(owner)
        if place.wanted():
            print("others use the systems: they stay")
            return 0
        return stop(place, list(SYSTEMS), False)


def stop(place, names, remove, quiet=False):
    """Ends what runs."""
    if not (place.folder / "run").is_dir():
        if not quiet:
            print("nothing runs")
        return 0
    if names == list(SYSTEMS):
        place.disown(None)

    def one(name):
        ran = Server(place, SYSTEMS[name]).stop(remove)
        if not quiet:
            say(name, "stopped" if ran else "did not run")

    code = for_all(names, one)
    if remove and code == 0:
        place.remove()
    return code


def status(place, names):
    """Says what runs."""
    code = 0
    for name in names:
        server = Server(place, SYSTEMS[name])
        if server.runs():
            ready = "ready" if server.is_ready(place.ports(name)) else "not ready"
            say(name, f"{ready}, pid {server.pid() or 'in a container'}, ports {place.ports(name)}")
        else:
            say(name, "does not run")
            code = 1
    return code


def environment(place):
    """Prints what services.json says, flat."""

    def flat(prefix, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                words = "".join(f"_{letter}" if letter.isupper() else letter for letter in key).upper()
                flat(f"{prefix}_{words}", inner)
        else:
            text = str(value).lower() if isinstance(value, bool) else " ".join(value) if isinstance(value, list) else str(value)
            print(f"{prefix}={shlex.quote(text)}")

    for name, value in place.described().items():
        flat(f"ASSAY_{name.upper()}", value)
    return 0


def change(place, names, what):
    """Kills, restarts, pauses or resumes."""
    words = {"kill": "killed", "pause": "paused", "resume": "resumed"}

    def one(name):
        server = Server(place, SYSTEMS[name])
        outcome = getattr(server, what)()
        if what == "restart":
            say(name, f"ready again in {outcome:.2f} s")
        elif not outcome:
            raise Unavailable("it does not run")
        else:
            say(name, words[what])

    return for_all(names, one)


def main():
    """Runs a command; gives the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/services", description=HELP,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["start", "stop", "status", "env", "install", "kill", "restart", "pause", "resume"])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {' '.join(SYSTEMS)} (all, unless given)")
    parser.add_argument("--dir", default=default_folder(), help="the folder of the set")
    parser.add_argument("--remove", action="store_true", help="stop: delete the set too, with its data")
    parser.add_argument("--owner", type=int, metavar="PID", help="start: for this process only, not for good; "
                        "stop: this process needs it no more, so end it unless somebody else does")
    asked = parser.parse_intermixed_args()
    if unknown := [name for name in asked.names if name not in SYSTEMS]:
        parser.error(f"there is no system {unknown[0]}: {' '.join(SYSTEMS)}")
    place, names = Place(asked.dir), asked.names or list(SYSTEMS)
    if asked.command in ("kill", "restart", "pause", "resume"):
        if not asked.names:
            parser.error(f"{asked.command} which?")
        place.prepare()
        return change(place, names, asked.command)
    if asked.command == "stop":
        if asked.remove and asked.names:
            parser.error("--remove deletes the whole set: name no system")
        if asked.owner and asked.names:
            parser.error("--owner speaks of the whole set: name no system")
        return release(place, asked.owner) if asked.owner else stop(place, names, asked.remove)
    commands = {"start": lambda: start(place, names, asked.owner), "status": lambda: status(place, names),
                "env": lambda: environment(place), "install": lambda: install(names)}
    return commands[asked.command]()
