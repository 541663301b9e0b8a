"""Processes that outlive the script: who they are, whether they still run, how they end.

A process is known by its pid and the moment it started, so that a pid that the system has given to somebody else is not
mistaken for ours. A zombie counts as ended: nobody may be there to reap it.
"""
import os
import pathlib
import shlex
import signal
import subprocess
import time

# The shell writes who it is before it becomes the server, and holds the lock (its standard input) until then: a script that
# is killed in between leaves no server that nobody knows.
LAUNCH = 'cat /proc/$$/stat >"$1.new" && mv "$1.new" "$1" || exit 1; shift; exec "$@" </dev/null'


def stat(pid):
    """(state, parent, start) of a process, or None."""
    try:
        return parse(pathlib.Path(f"/proc/{pid}/stat").read_text())[1:]
    except (OSError, ValueError, IndexError):
        return None


def parse(text):
    """(pid, state, parent, start) of a line of /proc/PID/stat; the name in it may hold anything."""
    pid, rest = text.split(" ", 1)
    fields = rest.rsplit(")", 1)[1].split()
    return int(pid), fields[0], int(fields[1]), fields[19]


def recorded(file):
    """The pid in a file that LAUNCH wrote, if that very process still runs."""
    try:
        pid, _, _, start = parse(pathlib.Path(file).read_text())
    except (OSError, ValueError, IndexError):
        return None
    now = stat(pid)
    return pid if now and now[0] not in "ZX" and now[2] == start else None


def alive(pid):
    """Whether a process runs, and is not a zombie."""
    now = stat(pid)
    return bool(now) and now[0] not in "ZX"


def descendants(pid):
    """The processes below one, as they are now."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (now := stat(entry)):
            children.setdefault(now[1], []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def launch(command, pid_file, log, lock, user=None, cwd=None, environment=None):
    """Starts a server that lives on when the script ends."""
    if user and os.geteuid() == 0:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    with open(log, "ab") as out:
        out.write(f"$ {shlex.join(map(str, command))}\n".encode())
        out.flush()
        return subprocess.Popen(
            ["sh", "-c", LAUNCH, "sh", str(pid_file), *map(str, command)],
            stdin=lock,
            stdout=out,
            stderr=out,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )


def send(pid, number):
    """Sends a signal; a process that is gone is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_gone(pids, seconds):
    """Whether all ended in time."""
    end = time.monotonic() + seconds
    while any(map(alive, pids)):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def kill(pid):
    """Ends a process and what it started, at once, as a crash of the machine would; and waits until they are gone."""
    pids = [pid, *descendants(pid)]
    for one in pids:
        send(one, signal.SIGKILL)
    wait_gone(pids, 10)


def end(pid, number, seconds):
    """Asks a process to end, and makes it when it does not in time."""
    pids = [pid, *descendants(pid)]
    send(pid, number)
    for one in pids:
        send(one, signal.SIGCONT)
    if not wait_gone([pid], seconds):
        kill(pid)
    wait_gone(pids, 5)


def freeze(pid):
    """Stops a server where it is: its connections stay open and nobody answers."""
    for one in [pid, *descendants(pid)]:
        send(one, signal.SIGSTOP)


def thaw(pid):
    """Lets a frozen server go on."""
    for one in [pid, *descendants(pid)]:
        send(one, signal.SIGCONT)


def listening(pid, port):
    """Whether this very process listens on a port.

    A foreign server that took the port first would answer just as well.
    """
    inodes = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as file:
            for line in list(file)[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.readlink(f"{folder}/{entry}") in inodes for entry in os.listdir(folder))
    except OSError:
        return False
