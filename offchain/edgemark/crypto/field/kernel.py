"""Chooses the implementation of F_q: the native kernel, else python-flint, else plain Python.

All of them compute the same function of the same bytes; which one runs is visible in `path` and on
the receipt, and never in a result. `EDGEMARK_KERNEL` forces one by name; the native kernel has one
code path for each instruction set, such as `native/portable-128`, and `native` is its fastest here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from edgemark.crypto.field.arithmetic import Arithmetic
from edgemark.crypto.field.plain import PlainArithmetic
from edgemark.errors import RefusedInput

ENVIRONMENT_VARIABLE = "EDGEMARK_KERNEL"


NATIVE = "native"


def _native_paths() -> tuple[str, ...]:
    """Names of the native kernel's code paths on this machine; none where it was not built."""
    try:
        from edgemark.crypto._native import PATHS  # noqa: PLC0415
    except ImportError:
        return ()
    return tuple(f"{NATIVE}/{name}" for name in PATHS)


def _load_native(name: str) -> Arithmetic:
    from edgemark.crypto.field.native_arithmetic import NativeArithmetic  # noqa: PLC0415

    _, _, path = name.partition("/")
    return NativeArithmetic(path) if path else NativeArithmetic()


def _load_flint(name: str) -> Arithmetic:  # noqa: ARG001
    from edgemark.crypto.field.flint_arithmetic import FlintArithmetic  # noqa: PLC0415

    return FlintArithmetic()


def _load_plain(name: str) -> Arithmetic:  # noqa: ARG001
    return PlainArithmetic()


# Fastest first.
_LOADERS: dict[str, Callable[[str], Arithmetic]] = {
    NATIVE: _load_native,
    "flint": _load_flint,
    "python": _load_plain,
}


def load(name: str) -> Arithmetic:
    """The implementation called `name`.

    Args:
        name: "native", "flint", "python", or a code path such as "native/portable-128".

    Raises:
        RefusedInput: no such name, or this installation or this machine lacks it.
    """
    known = (*_LOADERS, *_native_paths())
    if name not in known:
        raise RefusedInput(
            "is no kernel here",
            who=ENVIRONMENT_VARIABLE,
            had=repr(name),
            needed=" or ".join(known),
        )
    try:
        return _LOADERS[name.partition("/")[0]](name)
    except ImportError as error:
        raise RefusedInput(
            "is not installed",
            who=f"kernel {name}",
            had=str(error),
            remedy="Install Edgemark again with a C compiler present, or choose another kernel.",
        ) from error


def available() -> list[str]:
    """Names of the implementations of this installation on this machine, fastest first.

    Each code path of the native kernel is one.
    """
    names = list(_native_paths())
    for name in list(_LOADERS)[1:]:
        with suppress(RefusedInput):
            load(name)
            names.append(name)
    return names


@cache
def active() -> Arithmetic:
    """The implementation in use: chosen once, when it is first asked for.

    Raises:
        RefusedInput: `EDGEMARK_KERNEL` names one that does not exist or is not installed.
    """
    forced = os.environ.get(ENVIRONMENT_VARIABLE)
    return load(forced if forced is not None else available()[0])


def path() -> str:
    """Name of the implementation in use, with the code path the native kernel chose at load."""
    return active().name
