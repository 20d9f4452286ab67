"""Every implementation of F_q that this installation has, one after the other."""

from __future__ import annotations

import pytest

from edgemark.crypto.field import kernel
from edgemark.crypto.field.arithmetic import Arithmetic


@pytest.fixture(params=kernel.available())
def arithmetic(request: pytest.FixtureRequest) -> Arithmetic:
    return kernel.load(request.param)
