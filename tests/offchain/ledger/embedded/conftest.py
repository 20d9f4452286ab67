"""Organisations, made once a module."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgemark.ledger.embedded.organisations.organisations import Organisations

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def made_organisations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of two organisations."""
    folder = tmp_path_factory.mktemp("organisations-of-endorsers")
    Organisations.make(folder, 2, NOW)
    return folder
