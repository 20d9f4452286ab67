"""Settlement credentials of a party: each once, the newest ones of each channel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.offchain.systems.trading.credentials.trade_cast import CHANNEL, VOUCHER, say, sign

from edgemark.systems.trading.credentials.keeping import FOLDER, KeptCredentials
from edgemark.systems.trading.credentials.kept import read_kept
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.messages import Credential


def credential(index: int = 1) -> Credential:
    voucher = replace(VOUCHER, index=index)
    return Credential(voucher, sign(say(voucher)).token.encode(), bytes(65))


def test_credential__that_is_kept__can_be_read(tmp_path: Path) -> None:
    kept = KeptCredentials(tmp_path)
    kept.keep(CHANNEL, credential())
    path = tmp_path / FOLDER / CHANNEL.hex() / "1.settlement"
    assert read_kept(path.read_bytes()).credential.token.encode() == credential().content
    assert kept.holds(CHANNEL, 1) and not kept.holds(CHANNEL, 2)
    assert path.stat().st_mode & 0o777 == 0o600


def test_credential__of_an_index_that_is_kept__changes_nothing(tmp_path: Path) -> None:
    kept = KeptCredentials(tmp_path)
    kept.keep(CHANNEL, credential())
    path = tmp_path / FOLDER / CHANNEL.hex() / "1.settlement"
    before = path.read_bytes()
    kept.keep(CHANNEL, replace(credential(), signature=bytes([1]) * 65))
    assert path.read_bytes() == before


def test_oldest_credential__goes_where_there_are_too_many(tmp_path: Path) -> None:
    kept = KeptCredentials(tmp_path, most=2)
    for index in (1, 2, 3):
        kept.keep(CHANNEL, credential(index))
    kept.keep(ChannelId(bytes(32)), credential())
    assert kept.indices(CHANNEL) == [2, 3]
    assert KeptCredentials(tmp_path).indices(ChannelId(bytes(32))) == [1]


def test_other_files__are_no_credentials(tmp_path: Path) -> None:
    kept = KeptCredentials(tmp_path)
    kept.keep(CHANNEL, credential())
    (tmp_path / FOLDER / CHANNEL.hex() / "notes.settlement").write_text("")
    assert kept.indices(CHANNEL) == [1]
