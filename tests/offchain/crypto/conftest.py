"""Every implementation of F_q that this installation has, one after the other."""

from __future__ import annotations

import pytest

from edgemark.crypto import kernel
from edgemark.crypto.arithmetic import Arithmetic


@pytest.fixture(params=kernel.available())
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    return kernel.load(request.param)
