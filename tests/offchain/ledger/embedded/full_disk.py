"""A disk without room."""

from __future__ import annotations

import errno
from typing import Any


def fail(*_: Any, **__: Any) -> None:
    """What a write there does."""
    raise OSError(errno.ENOSPC, "No space left on device")
