"""The bundle of a channel: it agrees as it was written, and whatever is changed in it is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from tests.offchain.systems.trading.story.evidence.proven_trade import (
    FEE,
    MANY,
    ProvenTrade,
    play_rekeyed,
    play_trade,
)

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Hash32
from edgemark.systems.trading.contract.evidence.pieces import InitiationPiece
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.story.evidence.bundle import (
    FORM,
    MAX_BUNDLE_BYTES,
    Bundle,
    MalformedChannelBundle,
)
from edgemark.systems.trading.story.evidence.exporting import NothingHeld, export_bundle
from edgemark.systems.trading.story.evidence.retrial import Witness, try_bundle
from edgemark.systems.trading.story.reading import Chronicle
from edgemark.systems.trading.story.telling import tell
from edgemark.untrusted.canonical_json import encode

pytestmark = [pytest.mark.chain, pytest.mark.lasts(15)]

Path_ = tuple[str | int, ...]
# What nobody signed: without a chain the bundle's word is taken for it.
UNSIGNED = ("controllers", "registry", "channel", "anchored")


@pytest.fixture(scope="module")
def trade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProvenTrade]:
    with play_trade(tmp_path_factory.mktemp("proven")) as played:
        yield played


@pytest.fixture(scope="module")
def bundle(trade: ProvenTrade) -> Bundle:
    """With the newest voucher, as a party's journal has it."""
    found = trade.export().bundle
    newest = found.settlements[-1].said
    signed = Countersigned(newest.voucher, newest.seller_signature, newest.payer_signature)
    return replace(found, voucher=signed)


@pytest.fixture(scope="module")
def witness(trade: ProvenTrade, bundle: Bundle) -> Witness:
    return trade.witness(bundle.story)


def leaves_of(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """The place of everything that is no list and no object."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves_of(part, (*path, name))
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from leaves_of(part, (*path, place))
    else:
        yield path


def flip(value: Any) -> Any:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case None:
            return "0" * 40
        case str() if len(value) > 200:  # in a signed text, what is signed
            place = value.index(".") + 20 if "." in value else 20
            return value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
        case _:
            last = value[-1]
            return value[:-1] + ("1" if last != "1" else "2")


def change(facts: dict[str, Any], path: Path_) -> bytes:
    """The file with one leaf changed, written in its one form."""
    changed = deepcopy(facts)
    place: Any = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = flip(place[path[-1]])
    return encode(changed)


def is_found(raw: bytes, witness: Witness | None) -> bool:
    try:
        found = Bundle.from_json(raw)
    except MalformedChannelBundle:
        return True
    return not try_bundle(found, witness).receipt.ok


def test_a_bundle__agrees_with_the_chain_and_says_what_nobody_could_check(
    bundle: Bundle, witness: Witness
) -> None:
    assert Bundle.from_json(bundle.to_json()) == bundle
    trial = try_bundle(bundle, witness)
    assert trial.failed == [], [*trial.lines()]
    assert trial.not_checked == []
    names = [check.name for check in trial.receipt.checks]
    for index in range(1, MANY + 1):
        assert f"settlement {index}: fee and readings" in names
    assert "evidence of the initiation credential, by both parties: credential" in names
    assert "root " in " ".join(names)
    assert [leaf.index for leaf in bundle.anchored] == [2, 3]
    assert bundle.story.paid == 2 * FEE


def test_without_a_chain__it_agrees_and_says_so(bundle: Bundle) -> None:
    trial = try_bundle(bundle)
    assert trial.receipt.ok, [*trial.lines()]
    assert "no chain was asked" in " ".join(trial.not_checked)


def test_whatever_is_changed__is_found(bundle: Bundle, witness: Witness) -> None:
    facts = json.loads(bundle.to_json())
    paths = list(leaves_of(facts))
    assert len(paths) > 100
    missed = [path for path in paths if not is_found(change(facts, path), witness)]
    assert missed == []


def test_whatever_is_signed_and_changed__is_found_without_a_chain(bundle: Bundle) -> None:
    facts = json.loads(bundle.to_json())
    paths = [path for path in leaves_of(facts) if path[0] not in UNSIGNED]
    missed = [path for path in paths if not is_found(change(facts, path), None)]
    assert missed == []


@pytest.mark.parametrize("part", ["settlements", "anchored"])
def test_a_part_that_is_there_twice_or_in_another_order__is_refused(
    bundle: Bundle, part: str
) -> None:
    facts = json.loads(bundle.to_json())
    for changed in (facts[part][::-1], [*facts[part], facts[part][-1]]):
        with pytest.raises(MalformedChannelBundle, match="is out of order"):
            Bundle.from_json(FORM.write({**without_form(facts), part: changed}))


def test_evidence_of_a_credential_that_is_left_out__is_told(
    bundle: Bundle, witness: Witness
) -> None:
    left = Bundle.from_json(replace(bundle, settlements=(), anchored=()).to_json())
    trial = try_bundle(left, witness)
    assert trial.receipt.ok
    assert "its credential is not in the bundle" in " ".join(trial.not_checked)
    hollow = Bundle.from_json(replace(bundle, settlements=()).to_json())
    assert not try_bundle(hollow, witness).receipt.ok  # leaves without their credentials


def without_form(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in facts.items() if name not in ("format", "version")}


def test_deeds_that_are_left_out_or_added__are_found(bundle: Bundle, witness: Witness) -> None:
    story = bundle.story
    for deeds in (story.deeds[:-1], story.deeds[1:], (*story.deeds, story.deeds[0])):
        changed = replace(bundle, story=replace(story, deeds=deeds))
        assert "number of events as on chain" in try_bundle(changed, witness).failed


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}\n",
        b"[" * 100_000,
        b'{"format":"edgemark-channel","version":1}\n',
        b'{"format":"edgemark-channel","version":2}\n',
        b'{"format":"edgemark-evidence","version":2}\n',
        b"\xff\xfe",
    ],
)
def test_what_is_no_bundle__is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(MalformedChannelBundle):
        Bundle.from_json(raw)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("channel", "terms", "nonce"), 2**256),
        (("channel", "terms", "nonce"), -1),
        (("channel", "terms", "nonce"), "1"),
        (("channel", "terms", "payer"), "0x" + "00" * 19),
        (("channel", "deeds"), [{"did": "stolen"}]),
        (("channel", "deeds"), [{"did": "changed"}]),
        (("channel", "deeds"), {"0": 1}),
        (("anchored",), [None]),
        (("settlements",), [{"token": "a.b.c", "issuance": "0x00"}]),
        (("settlements",), [{}] * 5000),
        (("initiation_credential",), "x" * (2**20)),
        (("templates", "initiation", "text"), "\ud800"),
        (("templates", "initiation", "text"), '{"a":1}'),
        (("voucher",), {"voucher": None}),
        (("voucher", "payer_signature"), "0x" + "00" * 65),
    ],
)
def test_a_part_of_another_form__is_refused_by_name(
    bundle: Bundle, witness: Witness, path: tuple[str, ...], value: object
) -> None:
    facts = json.loads(bundle.to_json())
    place = facts
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert is_found(encode(facts), witness)


def test_a_file_that_is_too_large__is_refused_before_it_is_parsed() -> None:
    with pytest.raises(MalformedChannelBundle, match="is too large"):
        Bundle.from_json(b" " * (MAX_BUNDLE_BYTES + 1))


def test_fewer_settlements__are_told(trade: ProvenTrade, witness: Witness) -> None:
    done = trade.export(last=1)
    assert [each.said.voucher.index for each in done.bundle.settlements] == [MANY]
    assert done.lacks == (f"{MANY - 1} older settlements (--last)",)
    trial = try_bundle(done.bundle, witness)
    assert trial.receipt.ok, trial.failed
    assert "the settlement before it is not here" in " ".join(trial.not_checked)


def test_bundle_that_ends_before_the_channel_did__is_told_the_end(trade: ProvenTrade) -> None:
    whole = trade.story
    assert whole.ended is not None
    chronicle = Chronicle(trade.ground.chain, trade.ground.deployment)
    cut = chronicle.read(trade.channel, until=whole.ended.mark.block - 1)
    bundle = export_bundle(trade.seller, cut, MANY, trade.fetch).bundle
    trial = try_bundle(bundle, trade.witness(cut))
    assert trial.receipt.ok, trial.failed
    assert not trial.holds
    assert trial.since is not None
    assert whole.ended in trial.since.deeds


def test_records_of_strangers__spoil_no_bundle(trade: ProvenTrade) -> None:
    ground, junk = trade.ground, Hash32(keccak256(b"junk"))
    evidence = ground["outsider"].evidence
    said = evidence.domain.initiation(trade.channel, junk)
    keys = [SecretKey(keccak256(name)) for name in (b"thrown", b"away")]
    piece = InitiationPiece(trade.channel, junk, *(key.sign(said) for key in keys))
    ground["outsider"].lane.send(evidence.record_initiations([piece]))
    found = trade.export().bundle
    (record,) = found.story.strangers
    assert record.signers == tuple(key.address for key in keys)
    trial = try_bundle(Bundle.from_json(found.to_json()), trade.witness(found.story))
    assert trial.failed == []
    assert trial.holds
    assert "evidence by strangers, 1 in all: of no account" in trial.not_checked
    assert "by strangers, of no account" in tell(found.story, str)


@pytest.mark.parametrize(
    ("party", "amount"),
    [("payer", (MANY - 1) * FEE), ("seller", 0)],
    ids=["payer, at all that is signed", "seller, at nothing"],
)
def test_bundle_of_a_channel_whose_keys_changed__agrees_with_the_chain(
    trade: ProvenTrade, party: str, amount: int
) -> None:
    found = play_rekeyed(trade, party, amount).export().bundle
    assert [each.said.voucher.index for each in found.settlements] == [1, 2, MANY]
    assert len({each.said.payer_signature for each in found.settlements}) == MANY
    trial = try_bundle(Bundle.from_json(found.to_json()), trade.witness(found.story))
    assert trial.failed == [], [*trial.lines()]
    assert trial.holds


def test_lists_that_are_not_to_be_had__are_told(trade: ProvenTrade) -> None:
    done = export_bundle(trade.seller, trade.story, MANY)  # its controller serves nothing
    assert done.bundle.anchored == ()
    assert "of an anchored root" in " ".join(done.lacks)


def test_a_home_that_agreed_to_nothing__is_refused(trade: ProvenTrade) -> None:
    with pytest.raises(NothingHeld, match="has not agreed to this channel"):
        export_bundle(trade.ground["outsider"], trade.story, MANY)
