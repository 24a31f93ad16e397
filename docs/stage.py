"""A small machine of its own to show things on: a few servers and clients in fresh namespaces, then the command given.

    python docs/stage.py COMMAND…        (as root, on Linux)

The servers are copies of the Python interpreter under well-known names, so that nothing has to be installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

# Name, what it does; `listen` and `connect` are below.
CAST = {
    "sshd": "listen('0.0.0.0', 22); listen('::', 22)",
    "nginx": "s = listen('0.0.0.0', 80); listen('0.0.0.0', 443); [fork() for _ in range(2)]",
    "postgres": "listen('127.0.0.1', 5432)",
    "redis-server": "listen('0.0.0.0', 6379)",
    "node": "listen('0.0.0.0', 3000)",
    "python3": "listen('127.0.0.1', 8000)",
    "curl": "connect(80)",
    "psql": "connect(5432)",
    "redis-cli": "connect(6379)",
}

PART = """
import os, socket, sys, threading, time
kept = []
def listen(address, port):
    s = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ':' in address:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((address, port)); s.listen(128); kept.append(s)
    threading.Thread(target=lambda: [kept.append(s.accept()) for _ in iter(int, 1)], daemon=True).start()
    return s
def connect(port):
    time.sleep(0.5); kept.append(socket.create_connection(('127.0.0.1', port)))
def fork():
    if not os.fork():
        time.sleep(10**6)
exec(sys.argv[1]); time.sleep(10**6)
"""


def main(command: list[str]) -> int:
    """Make the machine and run the command there; returns its exit status."""
    if os.environ.get("SQLPORTS_STAGE") != "inside":
        apart = ["unshare", "--net", "--pid", "--mount", "--uts", "--fork", "--mount-proc", "--kill-child"]
        inside = {**os.environ, "SQLPORTS_STAGE": "inside"}
        return subprocess.run([*apart, sys.executable, "-P", __file__, *command], env=inside, check=False).returncode
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as directory:
        for name, part in CAST.items():
            program = shutil.copy(sys.executable, os.path.join(directory, name))
            subprocess.Popen([program, "-c", PART, part], env={**os.environ, "PYTHONHOME": sys.base_prefix})
        # Until the clients are there.
        while subprocess.run(["ss", "-tnH"], capture_output=True, text=True, check=True).stdout.count("ESTAB") < 6:
            pass
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
