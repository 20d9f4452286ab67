"""Settings: edgemark.toml < environment `EDGEMARK_*` < command line.

No secret is a setting: keys are files of the home folder, made on first run. A name that nobody
knows is refused together with the nearest one that somebody knows.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edgemark.errors import RefusedInput

PREFIX = "EDGEMARK_"
FILE_NAME = "edgemark.toml"
# Seams and the soak run's seed, read elsewhere.
NOT_SETTINGS = frozenset({"EDGEMARK_CRASH_AFTER", "EDGEMARK_KERNEL", "EDGEMARK_SOAK_SEED"})
MAX_FILE_BYTES = 64 * 1024
CHOICES = {
    "log_level": ("debug", "info", "warning", "error"),
    "log_format": ("auto", "json", "text"),
}


class SettingInvalid(RefusedInput):
    """A setting that is unknown, of the wrong type, or out of range."""


@dataclass(frozen=True)
class Shown:
    """One setting as `edgemark config show` prints it."""

    name: str
    value: object
    origin: str


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; `origins` says where each value came from.

    Attributes:
        home: folder of keys, journals and functions.
        chain_url: JSON-RPC of the chain.
        chain_id: the chain it must be; 0 takes any.
        account_file: encrypted key of an account, as ape and geth keep them; empty for an own key.
        passphrase_file: holds the passphrase of `account_file`; empty asks for it at the terminal.
        confirmations: blocks on top of one before it counts.
        manifest: deployment manifest; empty for `deployments/<chain id>.json` in the home folder.
        listen_host, listen_port: where a server listens.
        advertise: endpoint that a server registers when others reach it by another name.
        provider: account of the organisation a server works for.
        deposit: free balance a node keeps in the anchor, smallest token unit.
        min_fee: least fee a node works for, smallest token unit.
        max_fee_gwei: base fee and tip together at most, gwei per gas.
        max_accept_s: seconds until `accept_by` of an offer that a node takes.
        max_open_jobs: tasks that a node has at a time; one more is refused by name.
        max_queued_s: seconds of computing that a node promises ahead.
        max_held_mib: MiB of shares and answers that a node holds for open tasks, or for cases.
        max_requests_per_s: requests a second that a server takes, of all strangers.
        max_requests_per_s_of_peer: of one address, or one party of an open matter.
        poll_s: seconds between looks at the chain.
        request_timeout_s: seconds for one request to a peer, all told.
        workers: effects at a time that ask nobody; twice as many of each kind that ask peers.
        cpu_cores, ram_mib, storage_mib, network_mbps: what a server registers as its resources.
        log_level: debug, info, warning or error.
        log_format: json, text, or auto: text when standard error is a terminal.
        metrics_port: where a server shows /metrics and /healthz, to this machine only; 0: nowhere.
    """

    home: Path = Path("~/.edgemark")
    chain_url: str = "http://127.0.0.1:8545"
    chain_id: int = 0
    account_file: str = ""
    passphrase_file: str = ""
    confirmations: int = 2
    manifest: str = ""
    listen_host: str = "127.0.0.1"
    listen_port: int = 0
    advertise: str = ""
    provider: str = ""
    deposit: int = 0
    min_fee: int = 0
    max_fee_gwei: float = 100.0
    max_accept_s: float = 3600.0
    max_open_jobs: int = 256
    max_queued_s: float = 600.0
    max_held_mib: int = 512
    max_requests_per_s: float = 400.0
    max_requests_per_s_of_peer: float = 200.0
    poll_s: float = 1.0
    request_timeout_s: float = 10.0
    workers: int = 8
    cpu_cores: int = 1
    ram_mib: int = 1024
    storage_mib: int = 1024
    network_mbps: int = 100
    log_level: str = "info"
    log_format: str = "auto"
    metrics_port: int = 0
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)

    def show(self) -> list[Shown]:
        """Every setting, its value and its origin."""
        return [
            Shown(name, getattr(self, name), self.origins.get(name, "default"))
            for name in setting_names()
        ]

    def manifest_file(self, chain_id: int) -> Path:
        """Where the deployment manifest of a chain is."""
        if self.manifest:
            return Path(self.manifest).expanduser()
        return self.home / "deployments" / f"{chain_id}.json"


def setting_names() -> tuple[str, ...]:
    """Names of all settings, in order."""
    return tuple(item.name for item in fields(Settings) if item.name != "origins")


_RANGES: dict[str, tuple[float, float]] = {
    "chain_id": (0, 2**63),
    "confirmations": (0, 10_000),
    "listen_port": (0, 65_535),
    "deposit": (0, 2**96 - 1),
    "min_fee": (0, 2**96 - 1),
    "max_fee_gwei": (0.000001, 1_000_000),
    "max_accept_s": (2, 86_400),  # what windows contracts may allow, see the limits of a deployment
    "max_open_jobs": (1, 10_000),
    "max_queued_s": (0.1, 86_400),
    "max_held_mib": (1, 2**20),
    "max_requests_per_s": (1, 100_000),
    "max_requests_per_s_of_peer": (1, 100_000),
    "poll_s": (0.01, 3600),
    "request_timeout_s": (0.1, 600),
    "workers": (1, 64),
    "cpu_cores": (0, 2**32 - 1),
    "ram_mib": (0, 2**32 - 1),
    "storage_mib": (0, 2**32 - 1),
    "network_mbps": (0, 2**32 - 1),
    "metrics_port": (0, 65_535),
}


def without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process that has its own settings from its home folder or command line.

    What chooses the field's kernel, or a test's crash, stays.
    """
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(PREFIX) or name in NOT_SETTINGS
    }


def load_settings(
    *, file: Path | None, environ: Mapping[str, str], overrides: Mapping[str, object]
) -> Settings:
    """Read all sources, the later ones winning.

    Args:
        file: settings file that must exist; None takes edgemark.toml of the home folder, if any.
        environ: environment; only `EDGEMARK_*` is looked at.
        overrides: settings of the command line.

    Raises:
        SettingInvalid: an unknown name, a wrong type, a value out of range, or no such file.
    """
    given: dict[str, tuple[object, str]] = {}
    from_environment = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    home = overrides.get("home", from_environment.get("home", Settings.home))
    path = file or Path(str(home)).expanduser() / FILE_NAME
    if file is not None or _is_there(path):
        given |= {name: (value, str(path)) for name, value in _read_file(path).items()}
    given |= {name: (value, f"{PREFIX}{name.upper()}") for name, value in from_environment.items()}
    given |= {name: (value, "command line") for name, value in overrides.items()}
    values = {name: _typed(name, value, origin) for name, (value, origin) in given.items()}
    origins = {name: origin for name, (_, origin) in given.items()}
    values["home"] = Path(str(values.get("home", Settings.home))).expanduser()
    return Settings(**values, origins=origins)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise SettingInvalid(
            "cannot be looked for",
            who=f"{str(path)[:80]} ...",
            had=error.strerror,
            remedy="Name another --home.",
        ) from error


def _read_file(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SettingInvalid(
            "cannot be read", who=path, had=error.strerror, remedy="Name another --config."
        ) from error
    if len(raw) > MAX_FILE_BYTES:
        raise SettingInvalid("is too large", who=path, had=len(raw), needed=f"<= {MAX_FILE_BYTES}")
    try:
        return tomllib.loads(raw.decode())
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid("is not TOML", who=path, had=str(error)) from error
    except (UnicodeDecodeError, RecursionError) as error:
        had = "no UTF-8" if isinstance(error, UnicodeDecodeError) else "nested too deeply"
        raise SettingInvalid(
            "is not TOML", who=path, had=had, needed="NAME = VALUE lines"
        ) from None


def _typed(name: str, value: object, origin: str) -> Any:
    names = setting_names()
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise SettingInvalid(
            "is no setting",
            who=f"{name} ({origin})",
            needed=f"perhaps {near[0]}" if near else "see `edgemark config show`",
        )
    kind = type(getattr(Settings, name))
    try:
        typed = _convert(kind, value)
    except (TypeError, ValueError) as error:
        raise SettingInvalid(
            "has the wrong type", who=f"{name} ({origin})", had=repr(value)[:80], needed=_name(kind)
        ) from error
    least, most = _RANGES.get(name, (None, None))
    if least is not None and most is not None and not least <= typed <= most:
        raise SettingInvalid(
            "is out of range", who=f"{name} ({origin})", had=typed, needed=f"{least}..{most}"
        )
    if name == "home" and not typed:
        raise SettingInvalid("is empty", who=f"home ({origin})", needed="a folder")
    if name == "chain_url":
        _check_web_address(typed, origin)
    if typed not in CHOICES.get(name, (typed,)):
        raise SettingInvalid(
            "is out of range", who=f"{name} ({origin})", had=typed, needed=", ".join(CHOICES[name])
        )
    return typed


def _check_web_address(url: str, origin: str) -> None:
    """Refuse what can be no http address; its words are not shown, for many hold a user's key."""
    try:
        parts = urlsplit(url)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise SettingInvalid(
            "is no address of a chain's node",
            who=f"chain_url ({origin})",
            needed="http://HOST:PORT or https://HOST",
        )


def _convert(kind: type, value: object) -> Any:
    if isinstance(value, bool):
        raise TypeError("no setting is a boolean")
    if kind is int:
        if not isinstance(value, int | str):
            raise TypeError("not a whole number")
        return int(value)
    if kind is float:
        if not isinstance(value, int | float | str):
            raise TypeError("not a number")
        return float(value)
    if not isinstance(value, str | Path):
        raise TypeError("not a text")
    return str(value)


def _name(kind: type) -> str:
    return {int: "a whole number", float: "a number"}.get(kind, "text")
