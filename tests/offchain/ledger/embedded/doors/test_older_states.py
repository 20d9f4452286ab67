"""States that organisations read which are behind: kept, and let go of when the file needs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    Draft,
    configuration_of,
    define,
    orderer,
    puts,
)

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.doors.behind import Snapshots
from edgemark.ledger.embedded.state import store as stores


def test_older_states__are_read__and_let_the_write_ahead_file_be_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 512 * 1024
    monkeypatch.setattr(stores, "WAL_BYTES", most)
    path, sizes, behind = tmp_path / "trade.sqlite", [], 0
    with Channel.make(path, configuration_of(*ORGANISATIONS), orderer()) as channel:
        define(channel)
        older = Snapshots(channel, skew=1, catch_up_s=60)
        for _ in range(30):
            draft = Draft([puts({"k": os.urandom(20_000)})])
            channel.commit([draft.envelope()])
            older.note_block()
            if (view := older.oldest()) is not None and view.height == channel.height - 1:
                behind += 1
            sizes.append(Path(f"{path}-wal").stat().st_size)
        older.close()
    assert max(sizes) < 2 * most
    assert behind > 15
