"""The controller whole: real chain, broker and HTTPS, and the two parties of each channel."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.offchain.systems.trading.channel_cast import key_of
from tests.offchain.systems.trading.controller.controller_ground import ControllerHouse, house
from tests.offchain.systems.trading.controller.controller_lives import (
    again,
    ask,
    ask_status,
    close,
    controller,
    desk_of,
    evidence_of,
    me,
    opened,
    pairs,
)
from tests.offchain.systems.trading.controller.trading_pairs import ACCOUNT_OF, TradingPairs
from tests.offchain.systems.trading.station.ledgers.evidence_ledger import (
    evidence_ground,
    registry_of,
)
from tests.waiting import wait_until

from edgemark.crypto.field.randomness import Randomness
from edgemark.identifiers import Address, Timestamp, Tokens
from edgemark.identity.credentials.jose.base64url import encode_base64url
from edgemark.identity.credentials.jose.compact import check_compact, parse_compact
from edgemark.identity.credentials.jose.encryption import Reader, encrypt
from edgemark.identity.credentials.model import read_credential
from edgemark.identity.credentials.reading import read_signed
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.systems.trading.contract.escrow import BroughtAmendment, TopUp
from edgemark.systems.trading.contract.evidence.events import EvidenceRecorded
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.evidence.statements import compute_evidence_id
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.controller import controller as controlling
from edgemark.systems.trading.controller import reception as receiving
from edgemark.systems.trading.controller.channels import places
from edgemark.systems.trading.controller.controller import Controller
from edgemark.systems.trading.controller.recording.figures import EvidenceFigures
from edgemark.systems.trading.credentials.kept import read_kept, write_kept
from edgemark.systems.trading.credentials.sealing import claims_in, unseal
from edgemark.systems.trading.credentials.settlement import check_joint, check_said
from edgemark.systems.trading.demo.consortium.trade import SignedTrade
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.life import ControllerPhase
from edgemark.systems.trading.station.ledgers.chain import domains_of
from edgemark.systems.trading.station.ledgers.settlement import find_settlement
from edgemark.systems.trading.station.post import session as sessions
from edgemark.systems.trading.station.post.seals import Seals
from edgemark.transport.faults import PeerRefused

__all__ = ["controller", "house", "pairs"]

pytestmark = [pytest.mark.chain, pytest.mark.lasts(26)]

RANDOM = Randomness()


def test_a_channel__gets_a_credential_of_each_voucher_and_evidence_every_n_and_at_the_end(
    house: ControllerHouse, pairs: TradingPairs, controller: Controller
) -> None:
    channel = pairs.open(me(controller), cycles=2)
    pairs.join(channel)
    for index, amount in ((1, 100), (2, 250), (3, 400)):
        pairs.settle(channel, index, amount)
        wait_until(f"credential {index}", pairs.has_all(channel, *range(1, index + 1)))
    wait_until("evidence", lambda: [each.index for each in evidence_of(controller, channel)] == [2])
    for index in (1, 2, 3):
        made = pairs.credential(channel, index)
        assert made == pairs.credential(channel, index, Role.BUYER)
        kept = read_kept(write_kept(made.content.decode(), made.signature))
        kept.check_issuer(controller.station.domain, controller.station.controllers_domain)
        check_compact(kept.credential.jws, me(controller))
        template, said = pairs.templates.settlement, kept.said
        check_joint(said, channel, pairs.signers[channel], template, controller.station.domain)
        claims = check_said(kept.credential, said, claims_in(said.carried) or {}, template)
        assert (claims.fee, said.voucher.index) == (said.voucher.amount, index)
        assert said.voucher == pairs.vouchers[channel, index]

    seller = house.ground["seller"]
    last = pairs.settled[channel]
    deal = pairs.deals[channel]
    brought = pairs.brought(deal.terms, last)
    seller.lane.send(seller.escrow.close([brought]))
    wait_until(
        "last evidence",
        lambda: [each.index for each in evidence_of(controller, channel)] == [2, 3],
    )
    wait_until("end", lambda: desk_of(controller, channel).is_finished)
    wait_until("papers are gone", lambda: controller.station.deals.find(channel) is None)
    held = {read_signed(pairs.credential(channel, i).content.decode()).digest for i in (2, 3)}
    assert {each.credential_hash for each in evidence_of(controller, channel)} == held


def test_an_initiation_credential__is_recorded_once_with_the_word_of_both(
    house: ControllerHouse, pairs: TradingPairs, controller: Controller
) -> None:
    channel = pairs.open(me(controller))
    pairs.join(channel)

    def recorded() -> list[EvidenceRecorded]:
        return evidence_of(controller, channel, kind=EvidenceKind.INITIATION)

    wait_until("evidence of the first credential", recorded)
    terms = pairs.deals[channel].terms
    (found,) = recorded()
    assert found.credential_hash == terms.initiation
    assert list(found.signers) == [terms.payer, terms.seller]
    wait_until("the desk has it", lambda: desk_of(controller, channel).is_initiated)
    assert json.loads(ask_status(controller))["initiations"]["recorded"] >= 1
    for role in (Role.BUYER, Role.SELLER):  # who logs in anew says it again, and nothing follows
        pairs.posts[role].leave(channel)
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("credential 1", pairs.has_all(channel, 1))
    assert len(recorded()) == 1


def test_t30_a_credential_in_the_1_1_form__is_signed_for_whoever_has_it(
    house: ControllerHouse, pairs: TradingPairs, controller: Controller
) -> None:
    channel = pairs.open(me(controller))
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("credential", pairs.has_all(channel, 1))
    token = pairs.credential(channel, 1).content
    jws = parse_compact(ask(house, controller, "/v1/credentials/legacy", token))
    check_compact(jws, me(controller))
    claims = json.loads(jws.payload)
    subject = claims["vc"]["credentialSubject"]
    parties = pairs.deals[channel].dids
    assert (claims["sub"], subject["buyer"]) == (
        str(parties[Role.SELLER]),
        str(parties[Role.BUYER]),
    )
    assert subject["settlement"]["channel"] == f"0x{channel.hex()}"
    stranger = key_of("a stranger")
    facts = read_signed(token.decode()).credential.facts
    for body in (b"x", b"\xff\xfe", pairs.sign_as(stranger, facts), token[:-4] + b"AAAA"):
        with pytest.raises(PeerRefused):
            ask(house, controller, "/v1/credentials/legacy", body)
    assert read_credential(facts).facts == facts


def test_t14_a_sealed_channel__has_claims_for_its_parties_alone_and_n_of_the_controllers_own(
    pairs: TradingPairs, controller: Controller
) -> None:
    keys = pairs.give_agreement_keys()
    channel = pairs.open(me(controller), is_sealed=True)
    pairs.join(channel)
    settlement = pairs.settle(channel, 1, 123)
    wait_until("credential", pairs.has_all(channel, 1))
    said = read_kept(write_kept(pairs.credential(channel, 1).content.decode(), bytes(65))).said
    assert claims_in(said.carried) is None
    had = desk_of(controller, channel).issued.settlement
    assert (had.proposal.readings.after, had.proposal.fee) == ((), 0), "it knows amounts alone"
    documents = controller.station.documents
    for role, key in keys.items():
        did = pairs.deals[channel].dids[role]
        # It believes its index for as long as a pause between two looks.
        wait_until("the key", lambda who=did: documents.document(who).key_agreement)  # type: ignore[misc]
        reader = documents.reader(did)
        claims = unseal(said.carried, reader.kid, key)
        assert claims["fee"] == str(settlement.proposal.fee)
        seals = Seals.of_station(pairs.ground[ACCOUNT_OF[role]])
        issued = seals.read_issued(channel, role, pairs.credential(channel, 1, role))
        assert issued.end == settlement.proposal.readings.end
    conditions = desk_of(controller, channel).known.conditions
    assert (conditions.cycles, conditions.most_cycles) == (10, 100)
    clear, sealed = pairs.draft(channel, 2, 200), had.sealed
    strangers = encrypt(b"{}", [Reader(f"{did}#x", bytes(31) + b"\x09") for did in "ab"], RANDOM)
    weak = sealed.replace(*(json.dumps(x).encode() for x in epks(sealed, bytes(32))))
    for number, bad in enumerate((b"", b"x", b"{}", sealed[:-1], strangers, weak)):
        refused = controller.letters_refused
        told = clear.hide(bad) if bad else clear
        pairs.say(channel, Role.SELLER, told)
        wait_until(f"{number}", lambda had=refused: controller.letters_refused > had)  # type: ignore[misc]
    assert desk_of(controller, channel).due is None
    pairs.settle(channel, 2, 200)
    wait_until("credential", pairs.has_all(channel, 1, 2))


def epks(sealed: bytes, point: bytes) -> tuple[str, str]:
    """The fresh key of the first reader of a JWE, and a point in its place."""
    had = json.loads(sealed)["recipients"][0]["header"]["epk"]["x"]
    return had, encode_base64url(point).decode()


def test_t18_twenty_channels_at_once__hold_none_of_them_up(
    pairs: TradingPairs, controller: Controller
) -> None:
    channels = pairs.open_many(me(controller), 20, cycles=1)
    silent, *others = channels  # nobody of this one ever says that it has its credential
    pairs.silent.add(silent)
    pairs.join(*channels)
    since = controller.station.chain.head()
    for index in (1, 2):
        for channel in channels:
            pairs.settle(channel, index, 10 * index)
        for channel in channels:
            wait_until("credentials", pairs.has_all(channel, index))
    for channel in channels:
        wait_until("evidence", lambda each=channel: evidence_of(controller, each, since))  # type: ignore[misc]
    recorded = [each for c in channels for each in evidence_of(controller, c, since)]
    assert len({each.at.tx_hash for each in recorded}) < len(recorded), "they went together"
    wait_until("taken", lambda: not any(desk_of(controller, each).lacked for each in others))
    assert [each.voucher.index for each in desk_of(controller, silent).lacked] == [1, 2]
    pairs.silent.clear()
    wait_until("taken", lambda: not desk_of(controller, silent).lacked)
    status = json.loads(ask_status(controller))
    assert status["channels"]["issuing"] >= 20
    assert status["evidence"]["issued"] >= 40
    assert status["evidence"]["least_n"] >= 1


def test_t21_the_next_controller__goes_on_and_the_one_before_issues_nothing_more(
    house: ControllerHouse, pairs: TradingPairs, controller: Controller
) -> None:
    heir = opened(house, "heir")
    channel = pairs.open(me(controller), cycles=10)
    pairs.join(channel)
    pairs.settle(channel, 1, 100)
    wait_until("credential", pairs.has_all(channel, 1))
    signers = name_next(house, pairs, channel, me(heir), 100)
    wait_until("dismissal", lambda: desk_of(controller, channel).phase is ControllerPhase.CLOSED)
    wait_until("its last evidence", lambda: evidence_of(controller, channel))
    late = pairs.draft(channel, 2, 150)  # for the one before
    pairs.say(channel, Role.SELLER, late)
    pairs.signers[channel] = signers
    pairs.join(channel)
    pairs.settle(channel, 3, 200)
    wait_until("credential of the next", pairs.has_all(channel, 3))
    assert pairs.credential(channel, 3).voucher.epoch == 1
    assert desk_of(controller, channel).issued.voucher.index == 1
    assert 2 not in pairs.indices(channel, Role.SELLER)
    assert desk_of(heir, channel).known.terms.controller == me(controller)

    pairs.signers[channel] = name_next(house, pairs, channel, me(controller), 200)
    wait_until("return", lambda: desk_of(controller, channel).phase is ControllerPhase.ISSUING)
    pairs.join(channel)
    pairs.settle(channel, 4, 300)
    wait_until("credential of the first again", pairs.has_all(channel, 4))
    assert pairs.credential(channel, 4).voucher.epoch == 2


def name_next(
    house: ControllerHouse,
    pairs: TradingPairs,
    channel: ChannelId,
    next_: Address,
    amount: int,
) -> Signers:
    """Both parties name the next controller, on chain, at all that is signed."""
    former, terms = pairs.signers[channel], pairs.deals[channel].terms
    signers = replace(former, controller=next_, epoch=former.epoch + 1)
    seller, until = house.ground["seller"], Timestamp(house.ground.now() + 1000)
    said = (former.epoch, Tokens(amount), signers, until)
    digest = seller.escrow.domain.amendment(channel, *said)
    signed = (house.ground.key(each).sign(digest) for each in ("payer", "seller"))
    seller.lane.send(seller.escrow.amend([BroughtAmendment(terms, *said, *signed)]))
    return signers


@pytest.mark.soak
def test_a58_the_only_place__is_of_who_locks_most_for_long_and_the_other_goes_on_when_it_is_free(
    house: ControllerHouse, pairs: TradingPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, value in (
        (places, "AGAIN_S", 0.1),
        (places, "SMALL", Tokens(0)),
        (receiving, "LINGER_S", 0.0),
        (sessions, "MOST_PAUSE_S", 0.5),
    ):
        monkeypatch.setattr(module, name, value)
    running = opened(house, "full", max_channels=1)
    small, large = pairs.open_many(me(running), 2, cycles=10)
    pairs.join(small)
    pairs.settle(small, 1, 100)
    wait_until("credential", pairs.has_all(small, 1))
    payer = house.ground["payer"]
    payer.lane.send(payer.escrow.top_up([TopUp(pairs.deals[large].terms, Tokens(1))]))
    since = house.ground.now()
    pairs.join(large)
    wait_until("it has no place", lambda: large in running._known._full)
    house.ground.pass_to(since + places.PROVEN_S // 2)
    close(running)
    running = again(house, running.station.settings)  # which reads since when it locks so much
    wait_until("it has none again", lambda: large in running._known._full)
    assert running._known._full[large][1].retry_after_s > places.PROVEN_S // 2 - 60
    assert running._known._full[large][1].retry_after_s <= places.PROVEN_S // 2
    assert desk_of(running, small).phase is ControllerPhase.ISSUING
    house.ground.pass_to(since + places.PROVEN_S)
    pairs.settle(large, 1, 100)
    wait_until("credential", pairs.has_all(large, 1))
    assert desk_of(running, small).phase is ControllerPhase.DISPLACED
    wait_until("its evidence", lambda: desk_of(running, small).is_finished)
    assert json.loads(ask_status(running))["displaced"] == 1
    assert running._desks.floors.find(small) == 1
    end(house, pairs, large)
    pairs.settle(small, 2, 150)
    wait_until("credential of a desk of its own", pairs.has_all(small, 1, 2))
    assert desk_of(running, small).issued.voucher.index == 1
    end(house, pairs, small)
    wait_until("its floor is free", lambda: len(running._desks.floors) == 0)


def end(house: ControllerHouse, pairs: TradingPairs, channel: ChannelId) -> None:
    """The seller does, with what is signed."""
    seller, brought = house.ground["seller"], pairs.brought
    terms, settled = pairs.deals[channel].terms, pairs.settled[channel]
    seller.lane.send(seller.escrow.close([brought(terms, settled)]))


def test_t19_n__follows_the_queue_of_all_channels_within_what_the_template_allows(
    house: ControllerHouse, pairs: TradingPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = opened(house, "adapting")
    channel = pairs.open(me(running), cycles=2)
    pairs.join(channel)
    wait_until("its desk", lambda: desk_of(running, channel))
    most = pairs.templates.initiation.constant("maxCycles")
    reading, late = running.recording, [100]
    monkeypatch.setattr(controlling, "ADAPT_S", 0.01)
    monkeypatch.setattr(controlling.Recorder, "read", lambda _: replace(reading, late=late[0]))
    wait_until("N is the most", lambda: desk_of(running, channel).cycles == most)
    late[0] = 0
    wait_until("N falls", lambda: desk_of(running, channel).cycles < most - 3)
    lines = {each.name for each in EvidenceFigures(lambda: reading).collect()}
    assert {"edgemark_evidence", "edgemark_least_cycles"} <= lines


def test_t22_a_controller_of_a_consortium_ledger__records_there_by_itself_in_each_life(
    house: ControllerHouse, pairs: TradingPairs, tmp_path: Path
) -> None:
    with evidence_ground(tmp_path) as ground:
        seller = house.ground["seller"]
        ground.trade = SignedTrade.begin(int(time.time()), domains=domains_of(seller))
        ground.begin()
        registry = registry_of(ground.enter("looking"))
        settings = house.settings(
            "of-a-consortium", ledger="profile", collect_s=0.2, stale_after_s=86_400
        ).having(ground.settings("anybody").of(LedgerSettings))
        house.admit(settings)
        running, since = again(house, settings), seller.chain.head() + 1
        channel = pairs.open(me(running), cycles=2)
        pairs.join(channel)

        def is_there(index: int) -> bool:
            made = read_kept(write_kept(*_content_of(pairs, channel, index)))
            found = find_settlement(registry, made)
            return registry.find(found.evidence) is not None

        for index in (1, 2, 3, 4):
            if index == 3:
                close(running)
                running = again(house, settings)
                pairs.join(channel)
            pairs.settle(channel, index, 100 * index)
            wait_until(f"credential {index}", pairs.has_all(channel, *range(1, index + 1)))
            if index % 2 == 0:
                wait_until("evidence on the ledger", lambda at=index: is_there(at))
        assert not is_there(1) and not is_there(3)
        terms = pairs.deals[channel].terms
        digest = domains_of(seller).of_evidence.initiation(channel, terms.initiation)
        first = compute_evidence_id(digest, [terms.payer, terms.seller])
        wait_until("the first credential", lambda: registry.find(first) is not None)
        status = json.loads(ask_status(running))["evidence"]
        assert status["ledger"] == f"profile: {registry.place}"
        assert evidence_of(running, channel, since) == []
        close(running)


def _content_of(pairs: TradingPairs, channel: ChannelId, index: int) -> tuple[str, bytes]:
    made = pairs.credential(channel, index)
    return made.content.decode(), made.signature
