"""The chains of `tests/offchain/ledger`."""

from __future__ import annotations

from tests.offchain.ledger.conftest import coin, start_world, still_world

__all__ = ["coin", "start_world", "still_world"]  # fixtures
