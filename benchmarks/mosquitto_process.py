"""A Mosquitto of this machine, with a state of its own.

`make .mosquitto/.ready` says which: the system's, or Debian's packages, unpacked into the checkout
(`tools/fetch_mosquitto.sh`). `MOSQUITTO_ROOT` names the root of another one's files.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgemark.errors import EdgemarkError
from edgemark.logs import Secret
from edgemark.transport.broker.mosquitto import Mosquitto, MosquittoPlace, write_configuration
from edgemark.transport.limits import BrokerLimits
from edgemark.transport.ports import check_can_listen, hold_ports
from edgemark.transport.tls import TlsKey

VARIABLE = "MOSQUITTO_ROOT"
ADMIN, PASSWORD = "admin", "of this machine alone"
FETCHED = Path(__file__).parent.parent / ".mosquitto" / "root"
PLUG_IN = "mosquitto_dynamic_security.so"
LIMIT_S = 30.0


def find_root() -> Path:
    """Below which the files of a Mosquitto stand, as a package has them.

    Raises:
        RuntimeError: there is none.
    """
    root = Path(os.environ.get(VARIABLE) or FETCHED)
    if not (root / "usr/sbin/mosquitto").is_file():
        remedy = "remove .mosquitto and `make .mosquitto/.ready`"
        raise RuntimeError(f"no Mosquitto below {root}: {remedy}")
    return root


def find_plug_in(root: Path) -> Path:
    """The dynamic-security plug-in among its files.

    Raises:
        RuntimeError: there is none.
    """
    found = [*root.glob(f"usr/lib*/{PLUG_IN}"), *root.glob(f"usr/lib*/*/{PLUG_IN}")]
    if not found:
        raise RuntimeError(f"Mosquitto below {root} has no {PLUG_IN}")
    return found[0]


class MosquittoProcess:
    """Started and ended as often as somebody wants.

    Args:
        folder: for its files.
        port: where it listens.
        limits: of its configuration.
    """

    def __init__(self, folder: Path, port: int, limits: BrokerLimits | None = None) -> None:
        root, key = find_root(), TlsKey.generate()
        plug_in = find_plug_in(root)
        # Its libraries stand beside the plug-in, or where libraries did before they moved there.
        places = (plug_in.parent, root / plug_in.parent.relative_to(root / "usr"))
        self._environ = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, places))}
        self._settings, state = folder / "mosquitto.conf", folder / "state.json"
        self._command = [str(root / "usr/sbin/mosquitto"), "-c", str(self._settings)]
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port
        self.place = MosquittoPlace("127.0.0.1", port, key.pin, ADMIN, Secret(PASSWORD))
        key.save_new(folder / "tls.pem")
        control = str(root / "usr/bin/mosquitto_ctrl")
        words = [control, "dynsec", "init", str(state), ADMIN, PASSWORD]
        subprocess.run(words, check=True, env=self._environ, capture_output=True, timeout=LIMIT_S)
        more = ("user root",) if os.getuid() == 0 else ()  # else it may not read its own files
        tls = folder / "tls.pem"
        written = write_configuration(tls, port, plug_in, state, limits=limits, more=more)
        self._settings.write_text(written)

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        if self._process is None:
            raise RuntimeError("Mosquitto was not started")
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._environ, stdout=log, stderr=log
            )
        by = time.monotonic() + LIMIT_S
        with suppress(EdgemarkError):  # that somebody listens there is what is waited for
            while self._process.poll() is None and time.monotonic() < by:
                check_can_listen("127.0.0.1", self.port)
                time.sleep(0.01)
            raise RuntimeError(f"Mosquitto does not listen: {self._log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self.wait()

    def poll(self) -> int | None:
        """Exit status, negative when a signal ended it; None while it runs, or never did."""
        return None if self._process is None else self._process.poll()

    def wait(self) -> int:
        """Wait for its end; its exit status."""
        if self._process is None:
            raise RuntimeError("Mosquitto was not started")
        return self._process.wait(LIMIT_S)


@contextmanager
def a_mosquitto(folder: Path) -> Iterator[tuple[MosquittoProcess, Mosquitto]]:
    """One that runs, and who lets sessions in there."""
    with hold_ports(1) as ports:
        process = MosquittoProcess(folder, ports.numbers[0])
        process.start()
        try:
            with Mosquitto(process.place) as broker:
                yield process, broker
        finally:
            process.kill()
