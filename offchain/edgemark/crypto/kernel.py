"""Chooses the implementation of F_q: the native kernel, else python-flint, else plain Python.

All of them compute the same function of the same bytes; which one runs is visible in `path` and on
the receipt, and never in a result. `EDGEMARK_KERNEL` forces one by name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from edgemark.crypto.arithmetic import Arithmetic
from edgemark.crypto.plain import PlainArithmetic
from edgemark.errors import RefusedInput

ENVIRONMENT_VARIABLE = "EDGEMARK_KERNEL"


def _load_native() -> Arithmetic:
    from edgemark.crypto._native import NativeArithmetic  # noqa: PLC0415

    return NativeArithmetic()


def _load_flint() -> Arithmetic:
    from edgemark.crypto.flint_arithmetic import FlintArithmetic  # noqa: PLC0415

    return FlintArithmetic()


# Fastest first.
_LOADERS: dict[str, Callable[[], Arithmetic]] = {
    "native": _load_native,
    "flint": _load_flint,
    "python": PlainArithmetic,
}


def load(name: str) -> Arithmetic:
    """The implementation called `name`: "native", "flint" or "python".

    Raises:
        RefusedInput: no such name, or this installation lacks it.
    """
    loader = _LOADERS.get(name)
    if loader is None:
        raise RefusedInput(
            "is no kernel",
            who=ENVIRONMENT_VARIABLE,
            had=repr(name),
            needed=" or ".join(_LOADERS),
        )
    try:
        return loader()
    except ImportError as error:
        raise RefusedInput(
            "is not installed",
            who=f"kernel {name}",
            had=str(error),
            remedy="Install Edgemark again with a C compiler present, or choose another kernel.",
        ) from error


def available() -> list[str]:
    """Names of the implementations that this installation has, fastest first."""
    names = []
    for name, loader in _LOADERS.items():
        try:
            loader()
        except ImportError:
            continue
        names.append(name)
    return names


@cache
def _choose(forced: str | None) -> Arithmetic:
    return load(forced if forced is not None else available()[0])


def active() -> Arithmetic:
    """The implementation in use.

    Raises:
        RefusedInput: `EDGEMARK_KERNEL` names one that does not exist or is not installed.
    """
    return _choose(os.environ.get(ENVIRONMENT_VARIABLE))


def path() -> str:
    """Name of the implementation in use, with the code path the native kernel chose at load."""
    return active().name
