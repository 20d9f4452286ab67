"""The native kernel: a library in C, and whether it is the one that this release speaks to.

Importing this raises ImportError where the package was installed without a C compiler, and
KernelOutdated where the library was built from other sources than this file belongs to.
"""

from __future__ import annotations

from edgemark.crypto._native import _kernel
from edgemark.errors import Unrecoverable

INTERFACE = 3
"""`KERNEL_INTERFACE` of the library that this file speaks to."""


class KernelOutdated(Unrecoverable):
    """The native kernel was built from older or newer sources."""


def require_interface(built: int) -> None:
    """Refuse a library that was built from other sources.

    Args:
        built: the number that the library names; 1 for those that name none.

    Raises:
        KernelOutdated: it is not ours.
    """
    if built != INTERFACE:
        raise KernelOutdated(
            "was built from other sources",
            who="native kernel",
            had=f"interface {built}",
            needed=f"interface {INTERFACE}",
            remedy="Install Edgemark again (in a checkout: make setup), which builds it anew.",
        )


require_interface(getattr(_kernel, "INTERFACE", 1))

PATHS = _kernel.paths()
"""Names of the code paths that this machine has, fastest first."""
