"""What ape tests is what the package deploys: the code of the sources as they are now."""

from __future__ import annotations

import pytest
from tools.compile_contracts import CONTRACTS


def without_metadata(code: str) -> bytes:
    """Code without the trailing CBOR, which holds a hash of source paths; its length ends it."""
    raw = bytes.fromhex(code.removeprefix("0x"))
    return raw[: -2 - int.from_bytes(raw[-2:], "big")]


@pytest.mark.parametrize("name", CONTRACTS)
def test_code_under_test__is_the_code_that_is_deployed(project, compiled, name):
    tested = project.get_contract(name).contract_type.get_runtime_bytecode().hex()
    assert without_metadata(tested) == without_metadata(compiled[name]["deployedBytecode"]), (
        "ape's cache is stale: run `ape compile --force`"
    )
