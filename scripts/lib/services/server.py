"""One system of one set: starts, ends, dies and comes back."""
import json
import signal
import time

from services import containers, process
from services.place import port_is_free
from services.system import Unavailable

# How often new ports are tried when somebody else took those that were free a moment ago.
TRIES = 5


class Server:
    """A system in a place."""

    def __init__(self, place, system):
        self.place, self.system, self.name = place, system, system.name
        self.in_container = (place.folder / "run" / f"{self.name}.container").exists()

    def pid(self):
        """The pid of its process, when it runs natively."""
        return process.recorded(self.place.pid_file(self.name))

    def runs(self):
        """Whether it runs, ready or not."""
        if self.in_container:
            return containers.running(self.place, self.system, self.place.ports(self.name))
        return self.pid() is not None

    def start(self, keep_ports=False):
        """Starts it unless it runs, waits until it is ready; gives the seconds, or None when it ran already."""
        with self.place.lock(self.name) as lock:
            return self.start_locked(lock, keep_ports)

    def start_locked(self, lock, keep_ports):
        begin = time.monotonic()
        self.in_container = self.system.missing() is not None
        marker = self.place.folder / "run" / f"{self.name}.container"
        marker.touch() if self.in_container else marker.unlink(missing_ok=True)
        if self.runs():
            ports = self.place.ports(self.name)
            self.await_ready(ports, None, begin)
            self.describe(ports)
            return None
        ports = self.ports(keep_ports)
        for _ in range(TRIES):
            offset = self.log_size()
            child = self.launch(ports, lock)
            try:
                self.await_ready(ports, child, begin)
            except Unavailable as error:
                self.take_down(ports)
                if keep_ports or self.in_container or all(map(port_is_free, ports.values())):
                    raise Unavailable(f"{error}\n{self.last_lines(offset)}") from None
                ports = self.place.choose_ports(self.name, self.system.ports)
                continue
            self.describe(ports)
            return time.monotonic() - begin
        raise Unavailable(f"somebody took its ports {TRIES} times")

    def ports(self, keep):
        """The ports it had; new ones at first, and when somebody else has taken one."""
        ports = self.place.ports(self.name)
        if set(ports) != set(self.system.ports):
            return self.place.choose_ports(self.name, self.system.ports)
        end = time.monotonic() + (5 if keep else 0)
        while not all(map(port_is_free, ports.values())):
            if time.monotonic() >= end:
                if keep:
                    raise Unavailable(f"somebody has taken one of its ports: {json.dumps(ports)}")
                return self.place.choose_ports(self.name, self.system.ports)
            time.sleep(0.02)
        return ports

    def launch(self, ports, lock):
        if self.in_container:
            containers.start(self.place, self.system, ports)
            return None
        command = self.system.command(self.place, ports)
        self.place.pid_file(self.name).unlink(missing_ok=True)
        return process.launch(command, self.place.pid_file(self.name), self.place.log(self.name), lock, self.system.user)

    def await_ready(self, ports, child, begin):
        """Waits until the very process that was started answers; gives up when it ended or the time is over."""
        pause = 0.005
        while True:
            if child and child.poll() is not None:
                raise Unavailable(f"it ended at once ({child.returncode})")
            if self.is_ready(ports):
                return
            if not child and not self.runs():
                raise Unavailable("it ended")
            if time.monotonic() - begin > self.system.seconds:
                raise Unavailable(f"it is not ready after {self.system.seconds} s")
            time.sleep(pause)
            pause = min(pause * 1.3, 0.1)

    def is_ready(self, ports):
        pid = self.pid()
        if not self.in_container and not (pid and all(process.listening(pid, port) for port in ports.values())):
            return False
        try:
            return self.system.ready(ports)
        except (OSError, ValueError):
            return False

    def describe(self, ports):
        where = {"container": self.place.project()} if self.in_container else {"pid": self.pid()}
        self.place.describe(self.name, {**self.system.describe(self.place, ports), **where})

    def log_size(self):
        log = self.place.log(self.name)
        return log.stat().st_size if log.exists() else 0

    def last_lines(self, offset):
        """The end of what it printed since."""
        try:
            with open(self.place.log(self.name), "rb") as log:
                log.seek(offset)
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(["  its log ends:", *[f"    {line}" for line in lines[-15:]]])

    def take_down(self, ports):
        """Ends whatever is left of it, at once."""
        if self.in_container:
            containers.end(self.place, self.system, ports, False)
        elif pid := self.pid():
            process.kill(pid)

    def stop(self, remove=False):
        """Ends it in its own way (at once, when its data goes too); whether it ran."""
        with self.place.lock(self.name):
            ran = self.end_locked(remove)
            self.place.describe(self.name, None)
            return ran

    def end_locked(self, remove=False):
        ran = self.runs()
        if self.in_container:
            containers.end(self.place, self.system, self.place.ports(self.name), remove)
        elif ran and remove:
            process.kill(self.pid())
        elif ran:
            process.end(self.pid(), self.system.stop_signal, 20)
        self.place.pid_file(self.name).unlink(missing_ok=True)
        return ran

    def kill(self):
        """Ends it as a crash would. What tests know of it stays, since it comes back on the same ports."""
        with self.place.lock(self.name):
            return self.signal(signal.SIGKILL, process.kill)

    def restart(self):
        """Ends it if it runs, and starts it on the same ports and data."""
        with self.place.lock(self.name) as lock:
            self.end_locked()
            return self.start_locked(lock, True)

    def pause(self):
        """Freezes it: connections stay open, nobody answers."""
        with self.place.lock(self.name):
            return self.signal(signal.SIGSTOP, process.freeze)

    def resume(self):
        """Lets it go on."""
        with self.place.lock(self.name):
            return self.signal(signal.SIGCONT, process.thaw)

    def signal(self, number, act):
        if not self.runs():
            return False
        if self.in_container:
            containers.send(self.place, self.system, self.place.ports(self.name), number)
        else:
            act(self.pid())
        return True
