"""What was sent and is not final survives every reopening; what is final is remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, parse_address
from edgemark.journal.journal import Journal, JournalInUse
from edgemark.ledger.evm.faults import OtherChainsFile
from edgemark.ledger.evm.sending import pending
from edgemark.ledger.evm.sending.pending import (
    ANSWERED,
    EARLIER,
    Done,
    Entry,
    LaneFileOld,
    PendingFile,
)
from edgemark.ledger.evm.sending.transaction import Transaction, hash_of

KEY = SecretKey(bytes(31) + b"\x01")
GENESIS = Hash32(b"\x0a" * 32)
PAYEE = parse_address("0x" + "33" * 20)


def signed(nonce: int, fee: int = 1) -> bytes:
    return Transaction(31337, nonce, fee, fee, 21_000, PAYEE, 1, b"").sign(KEY)


def open_file(path: Path) -> PendingFile:
    return PendingFile(path, 31337, GENESIS, KEY.address)


def test_an_entry__knows_its_variants_and_the_latest_transaction(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    entry = file.sign(4, b"i" * 32, False, 7, signed(4))
    assert file.sign(4, b"i" * 32, False, 7, signed(4, fee=2)) is entry
    assert entry.hashes == [hash_of(signed(4)), hash_of(signed(4, fee=2))]
    assert entry.transaction.max_fee == 2
    assert signed(4).hex() not in repr(entry)


@pytest.mark.parametrize(
    ("chain_id", "genesis", "account"),
    [
        (31338, GENESIS, KEY.address),
        (31337, Hash32(b"\x0b" * 32), KEY.address),
        (31337, GENESIS, PAYEE),
    ],
)
def test_open__of_another_chain_or_account__is_refused(
    tmp_path: Path, chain_id: int, genesis: Hash32, account: str
) -> None:
    open_file(tmp_path / "lane").close()
    with pytest.raises(OtherChainsFile):
        PendingFile(tmp_path / "lane", chain_id, genesis, parse_address(account))
    open_file(tmp_path / "lane").close()  # the refused opening holds no lock


def test_open__by_two__is_refused(tmp_path: Path) -> None:
    open_file(tmp_path / "lane")
    with pytest.raises(JournalInUse):
        open_file(tmp_path / "lane")


def test_find__a_plain_intention__until_somebody_has_its_answer(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    entry = file.sign(0, b"i" * 32, False, 7, signed(0))
    assert file.find(b"i" * 32) is entry
    assert file.find(b"j" * 32) is None
    entry.is_answered = True
    assert file.find(b"i" * 32) is None


def test_find__a_named_intention__as_long_as_it_is_pending(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    entry = file.sign(0, b"i" * 32, True, 7, signed(0))
    entry.is_answered = True
    assert file.find(b"i" * 32, but_for=[entry]) is entry


def test_find__but_for_the_first_of_two_equal__is_the_second(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    first = file.sign(0, b"i" * 32, False, 7, signed(0))
    second = file.sign(1, b"i" * 32, False, 7, signed(1))
    assert file.find(b"i" * 32) is first
    assert file.find(b"i" * 32, but_for=[first]) is second
    assert file.find(b"i" * 32, but_for=[first, second]) is None


@pytest.mark.parametrize("first", EARLIER)
def test_open__of_an_earlier_version__is_refused_by_name(tmp_path: Path, first: bytes) -> None:
    with Journal.open(tmp_path / "lane") as journal:
        journal.append(first + bytes(60))
    with pytest.raises(LaneFileOld):
        open_file(tmp_path / "lane")


def test_a_nonce__once_decided__is_below_the_floor_in_every_life(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    file.finish(file.sign(4, b"i" * 32, True, 7, signed(4)), hash_of(signed(4)), 9, is_success=True)
    file.sign(5, b"j" * 32, True, 7, signed(5))
    file.drop(5)
    file.close()
    assert open_file(tmp_path / "lane").floor == 6


def test_refused__another_of_its_nonce_is_final__is_void(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    refused = file.sign(4, b"i" * 32, True, 7, signed(4))
    file.refuse(refused)
    other = file.sign(4, b"j" * 32, True, 7, signed(4, fee=2))
    assert file.refused(b"i" * 32) is refused
    file.finish(other, hash_of(signed(4, fee=2)), 9, is_success=True)
    assert file.refused(b"i" * 32) is None
    assert (refused.is_open, refused.is_void) == (False, True)
    assert (other.is_open, other.is_void) == (False, False)


def test_open__an_unknown_record__is_refused(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    file._journal.append(b"\x09" + bytes(8))
    file.close()
    with pytest.raises(RefusedInput, match="unknown record"):
        open_file(tmp_path / "lane")


class FileLife(RuleBasedStateMachine):
    """Transactions are signed, raised, finished and dropped; the file is reopened at any time."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        self.path = self.folder / f"lane-{len(list(self.folder.iterdir()))}"
        self.file = open_file(self.path)
        self.next_nonce = 0
        self.entries: dict[int, tuple[bytes, bool, list[bytes]]] = {}
        self.aside: dict[int, tuple[bytes, bool, list[bytes]]] = {}
        self.done: dict[bytes, Done] = {}

    @rule(intent=st.integers(0, 5), is_named=st.booleans())
    def sign(self, intent: int, is_named: bool) -> None:
        raw, name = signed(self.next_nonce), bytes([intent]) * 32
        if self.aside.get(self.next_nonce, (b"",))[0] == name:
            return  # that one would be taken up again: see `try_again`
        self.file.sign(self.next_nonce, name, is_named, 7, raw)
        self.entries[self.next_nonce] = (name, is_named, [raw])
        self.next_nonce += 1

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), fee=st.integers(2, 9))
    def raise_fees(self, data: st.DataObject, fee: int) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.entries)))
        name, is_named, raws = self.entries[nonce]
        raws.append(signed(nonce, fee))
        self.file.sign(nonce, name, is_named, 7, raws[-1])

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), is_success=st.booleans())
    def finish(self, data: st.DataObject, is_success: bool) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.entries)))
        name, is_named, raws = self.entries.pop(nonce)
        self.aside.pop(nonce, None)
        self.file.finish(self.file.entries[nonce], hash_of(raws[-1]), 9, is_success=is_success)
        if is_named and is_success:
            self.done[name] = Done(hash_of(raws[-1]), 9)

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def drop(self, data: st.DataObject) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.entries)))
        del self.entries[nonce]
        self.aside.pop(nonce, None)
        self.file.drop(nonce)

    @precondition(lambda self: self.next_nonce - 1 in self.entries)
    @precondition(lambda self: self.next_nonce - 1 not in self.aside)
    @rule()
    def refuse(self) -> None:
        self.next_nonce -= 1
        self.aside[self.next_nonce] = self.entries.pop(self.next_nonce)
        self.file.refuse(self.file.entries[self.next_nonce])

    @precondition(lambda self: self.next_nonce in self.aside)
    @rule()
    def try_again(self) -> None:
        name, is_named, raws = self.aside.pop(self.next_nonce)
        raws.append(signed(self.next_nonce, 10 + len(raws)))
        self.file.sign(self.next_nonce, name, is_named, 7, raws[-1])
        self.entries[self.next_nonce] = (name, is_named, raws)
        self.next_nonce += 1

    @rule()
    def reopen(self) -> None:
        self.file.close()
        self.file = open_file(self.path)

    @invariant()
    def the_file_knows_what_was_done(self) -> None:
        def facts(entry: Entry) -> tuple[bytes, bool, list[bytes]]:
            return entry.intent, entry.is_named, entry.raws

        assert {n: facts(entry) for n, entry in self.file.entries.items()} == self.entries
        for nonce, held in self.aside.items():
            assert facts(self.file.holders(nonce)[-1]) == held
        for number in range(6):
            name = bytes([number]) * 32
            assert self.file.done(name) == self.done.get(name)

    def teardown(self) -> None:
        self.file.close()


@pytest.mark.parametrize("rewrite_records", [3, 10**9])
def test_any_life__keeps_what_is_pending_and_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rewrite_records: int
) -> None:
    monkeypatch.setattr(pending, "REWRITE_RECORDS", rewrite_records)
    life = type("LifeHere", (FileLife,), {"folder": tmp_path})
    run_state_machine_as_test(life, settings=settings(stateful_step_count=20))


def test_rewriting__keeps_the_file_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "REWRITE_RECORDS", 50)
    file = open_file(tmp_path / "lane")
    for nonce in range(60):
        file.sign(nonce, b"i" * 32, False, 7, signed(nonce))
        file.drop(nonce)
    before = (tmp_path / "lane").stat().st_size
    file.close()
    open_file(tmp_path / "lane").close()
    assert (tmp_path / "lane").stat().st_size < before / 10


def test_done__beyond_the_limit__forgets_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MAX_DONE", 2)
    file = open_file(tmp_path / "lane")
    for number in range(3):
        entry = file.sign(number, bytes([number]) * 32, True, 7, signed(number))
        file.finish(entry, hash_of(entry.raws[0]), 9, is_success=True)
    assert file.done(bytes(32)) is None
    assert file.done(b"\x01" * 32) is not None


class AnsweredAsItWas(PendingFile):
    """Planted: an answer is of whatever has the nonce when the file is read."""

    def _take(self, record: bytes) -> None:
        if record[0] == ANSWERED:
            self.entries[int.from_bytes(record[1:9], "big")].is_answered = True
            return
        super()._take(record)


def leave_an_answer_of_what_was_set_aside(path: Path, *, is_nonce_filled: bool) -> None:
    """One node refused a transaction for good, another one mined it."""
    file = open_file(path)
    entry = file.sign(3, b"i" * 32, False, 7, signed(3))
    file.refuse(entry)
    if is_nonce_filled:
        file.sign(3, b"j" * 32, False, 7, signed(3, fee=2))
    entry.is_answered = True
    file.note_answer(entry)
    file.close()


@pytest.mark.parametrize("most", [3, 4_000])
@pytest.mark.parametrize("is_nonce_filled", [False, True])
def test_an_answer__of_what_was_set_aside__is_its_own_in_every_life(
    tmp_path: Path, is_nonce_filled: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "REWRITE_RECORDS", most)
    leave_an_answer_of_what_was_set_aside(tmp_path / "lane", is_nonce_filled=is_nonce_filled)
    for _ in range(3):
        file = open_file(tmp_path / "lane")
        assert file.refused(b"i" * 32) is None  # an equal call is another one
        held = {entry.intent[:1]: entry.is_answered for entry in file.holders(3)}
        assert held == ({b"i": True, b"j": False} if is_nonce_filled else {b"i": True})
        file.close()


def test_an_answer__of_a_nonce_that_nothing_holds__is_passed_over(tmp_path: Path) -> None:
    file = open_file(tmp_path / "lane")
    entry = file.sign(3, b"i" * 32, False, 7, signed(3))
    file._close(3, None)
    entry.is_open = True
    file.drop(3)
    file.note_answer(entry)
    file.close()
    assert open_file(tmp_path / "lane").nonces() == []


def test_an_answer__as_it_was__marks_another_or_locks_everybody_out(tmp_path: Path) -> None:
    identity = 31337, GENESIS, KEY.address
    leave_an_answer_of_what_was_set_aside(tmp_path / "1", is_nonce_filled=True)
    flawed = AnsweredAsItWas(tmp_path / "1", *identity)
    assert flawed.entries[3].is_answered
    leave_an_answer_of_what_was_set_aside(tmp_path / "2", is_nonce_filled=False)
    with pytest.raises(KeyError):
        AnsweredAsItWas(tmp_path / "2", *identity)
