"""Controllers: how a bond comes, leaves and is taken; what is refused. Row A54."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contracts.trading.escrow_world import address
from tests.contracts.trading.evidence_world import (
    CHANNEL,
    COMPUTE_NODE,
    MIN_BOND,
    UNBONDING,
    EvidenceWorld,
    register,
)
from tests.contracts.world import MIN_STAKE, refused, sign, signer_of, term_name, twin_of

from edgemark.identifiers import NOBODY

MOST = 2**96 - 1
LONGEST = 730 * 86_400


def convict(trade: EvidenceWorld, first: Any, second: Any, index: int = 1) -> Any:
    return trade.controllers.convict(CHANNEL, index, 2, first, second, sender=trade.outsider)


def two(trade: EvidenceWorld, by: Any = None) -> tuple[Any, Any]:
    """Two issuances of one index."""
    return tuple(trade.version(trade.claim(text=text), by) for text in ("one", "another"))


def held(trade: EvidenceWorld) -> tuple[str, int]:
    owner, amount = trade.anchor.placeOf(
        trade.controllers, trade.controllers.subjectOf(trade.controller), 0
    )
    return str(owner), amount


def bond_of(trade: EvidenceWorld) -> tuple[int, ...]:
    return tuple(trade.controllers.bondOf(trade.controller))


def test_bond__of_a_registered_controller__is_locked_and_counts_at_once(trade: EvidenceWorld):
    assert not trade.controllers.isInStanding(trade.controller)
    before = trade.free(trade.controller)
    receipt = trade.controllers.bond(MIN_BOND, sender=trade.controller)
    expires_at = trade.escrow.now() + LONGEST
    (log,) = receipt.decode_logs(trade.controllers.ControllerBonded)
    assert (log.controller, log.amount, log.total) == (trade.controller, MIN_BOND, MIN_BOND)
    assert log.expiresAt == expires_at
    assert held(trade) == (trade.controller, MIN_BOND)
    assert bond_of(trade) == (MIN_BOND, expires_at, 0, 0)
    assert trade.free(trade.controller) == before - MIN_BOND
    assert trade.controllers.isInStanding(trade.controller)


@pytest.mark.parametrize("role", [0, COMPUTE_NODE])
def test_bond__of_anybody_else__is_refused(trade: EvidenceWorld, role: int):
    if role:
        register(trade, trade.issuer, role)
    with refused(trade.controllers.NotAController, account=trade.issuer, role=role):
        trade.controllers.bond(MIN_BOND, sender=trade.issuer)


def test_bond__outside_its_bounds__is_refused(trade: EvidenceWorld):
    bounds = {"field": term_name("bond"), "least": MIN_BOND, "most": MOST}
    with refused(trade.controllers.OutOfBounds, had=MIN_BOND - 1, **bounds):
        trade.bond(MIN_BOND - 1)
    trade.bond(MIN_BOND)
    room = {"field": term_name("amount"), "least": 0, "most": MOST - MIN_BOND}
    for amount in (MOST - MIN_BOND + 1, 2**256 - 1):
        with refused(trade.controllers.OutOfBounds, had=amount, **room):
            trade.bond(amount)


def test_bond__again__adds_renews_and_ends_unbonding(trade: EvidenceWorld):
    trade.bond()
    trade.controllers.unbond(sender=trade.controller)
    assert not trade.controllers.isInStanding(trade.controller)
    trade.escrow.at(trade.escrow.now() + 500)
    at = trade.bond(7)
    assert bond_of(trade) == (MIN_BOND + 7, at + LONGEST, 0, 0)
    assert held(trade) == (trade.controller, MIN_BOND + 7)
    trade.escrow.at(at + 100)
    trade.bond(0)
    assert bond_of(trade) == (MIN_BOND + 7, at + 100 + LONGEST, 0, 0)
    assert trade.controllers.isInStanding(trade.controller)


def test_unbond__twice_or_without_a_bond__is_refused(trade: EvidenceWorld):
    with refused(trade.controllers.NothingBonded, controller=trade.controller):
        trade.controllers.unbond(sender=trade.controller)
    trade.bond()
    receipt = trade.controllers.unbond(sender=trade.controller)
    free_at = trade.escrow.now() + UNBONDING
    (log,) = receipt.decode_logs(trade.controllers.ControllerUnbonding)
    assert (log.controller, log.amount, log.freeAt) == (trade.controller, MIN_BOND, free_at)
    with refused(trade.controllers.AlreadyLeaving, controller=trade.controller, freeAt=free_at):
        trade.controllers.unbond(sender=trade.controller)


def test_release__counts_from_the_second_after_unbonding(trade: EvidenceWorld):
    controllers, who = trade.controllers, trade.controller
    with refused(controllers.NothingBonded, controller=who):
        controllers.release(who, sender=trade.outsider)
    before = trade.free(who)
    trade.bond()
    with refused(controllers.NotLeaving, controller=who):
        controllers.release(who, sender=who)
    controllers.unbond(sender=who)
    free_at = trade.escrow.now() + UNBONDING
    trade.escrow.at(free_at)
    with refused(controllers.TooEarly, nowAt=free_at, allowedAfter=free_at):
        controllers.release(who, sender=who)
    trade.escrow.at(free_at + 1)
    receipt = controllers.release(who, sender=trade.outsider)
    (log,) = receipt.decode_logs(controllers.BondReleased)
    assert (log.controller, log.amount) == (who, MIN_BOND)
    assert (trade.free(who), bond_of(trade), held(trade)) == (before, (0, 0, 0, 0), (NOBODY, 0))


def test_standing__lasts_while_the_lock_does_for_the_unbonding_time(trade: EvidenceWorld):
    expires_at = trade.bond() + LONGEST
    trade.escrow.at(trade.escrow.now() + 1000)
    trade.anchor.allowLocker(trade.registry, MIN_STAKE, expires_at, sender=trade.provider)
    trade.registry.stake(0, sender=trade.provider)  # so that it outlasts the bond
    for second, counts in ((expires_at - UNBONDING, True), (expires_at - UNBONDING + 1, False)):
        trade.escrow.at(second)
        trade.escrow.chain.provider.make_request("evm_mine", [])
        assert trade.controllers.isInStanding(trade.controller) is counts


def test_a_bond_whose_lock_expired__is_its_owners_and_nobody_takes_it(trade: EvidenceWorld):
    controllers, who, before = trade.controllers, trade.controller, trade.free(trade.controller)
    expires_at = trade.bond() + LONGEST
    versions = two(trade)
    with trade.escrow.undone():
        trade.escrow.at(expires_at)
        convict(trade, *versions)
    trade.escrow.at(expires_at + 1)
    with refused(controllers.NothingBonded, controller=who):
        convict(trade, *versions)
    with refused(controllers.NothingBonded, controller=who):
        controllers.unbond(sender=who)
    for returned_before in (False, True):
        with trade.escrow.undone():
            if returned_before:
                subject = controllers.subjectOf(who)
                trade.anchor.expire(controllers, subject, 0, sender=trade.outsider)
            controllers.release(who, sender=trade.outsider)
            assert (trade.free(who), bond_of(trade)) == (before, (0, 0, 0, 0))
    until = trade.escrow.now() + 10**6
    trade.anchor.allowLocker(controllers, MIN_BOND, until, sender=who)
    trade.bond()  # anew: what the expired lock held went back first
    assert (trade.free(who), held(trade)) == (before - MIN_BOND, (who, MIN_BOND))


def test_standing__ends_with_that_of_the_registry(trade: EvidenceWorld):
    trade.bond()
    trade.registry.dismiss(trade.controller, sender=trade.provider)
    assert not trade.controllers.isInStanding(trade.controller)
    trade.bond(controller=trade.rival)
    trade.registry.retire(sender=trade.rival)
    assert not trade.controllers.isInStanding(trade.rival)


def test_a54_two_issuances_of_one_index__take_the_bond_to_the_pool_and_nobody_else(
    trade: EvidenceWorld,
):
    trade.bond(MIN_BOND + 9)
    whole = MIN_BOND + 9
    accounts = (trade.outsider, trade.controller, *trade.escrow.people.values())
    before, pool = [trade.free(each) for each in accounts], trade.free(trade.pool)
    receipt = convict(trade, *two(trade))
    at = trade.escrow.now()
    (log,) = receipt.decode_logs(trade.controllers.ControllerConvicted)
    said = (trade.controller, log.amount, log.index, log.epoch, bytes(log.channel))
    assert (log.controller, whole, 1, 2, CHANNEL) == said
    digests = [trade.issuance(trade.claim(text=text)) for text in ("one", "another")]
    assert [bytes(log.firstDigest), bytes(log.secondDigest)] == digests
    assert trade.free(trade.pool) == pool + whole
    assert [trade.free(each) for each in accounts] == before
    assert (bond_of(trade), held(trade)) == ((0, 0, 0, at), (NOBODY, 0))
    refusals = (trade.controllers.NothingBonded, {"controller": trade.controller})
    with refused(refusals[0], **refusals[1]):
        convict(trade, *two(trade))
    with refused(refusals[0], **refusals[1]):
        trade.controllers.release(trade.controller, sender=trade.controller)
    said_before = {"controller": trade.controller, "convictedAt": at}
    with refused(trade.controllers.AlreadyConvicted, **said_before):
        trade.bond()


def test_a54_planted_reward__lets_a_controller_report_itself_for_half(
    trade: EvidenceWorld, project
):
    planted = trade.escrow.deployer.deploy(project.PlantedRewardedReport, MIN_BOND)
    friend = trade.escrow.people["rival"]
    planted.convict(sender=friend)
    planted.convict(sender=trade.outsider)  # the honest report comes second
    assert planted.reporter() == friend
    assert planted.outcome() == (MIN_BOND // 2, MIN_BOND - MIN_BOND // 2)

    trade.bond()
    before = trade.free(friend)
    trade.controllers.convict(CHANNEL, 1, 2, *two(trade), sender=friend)
    assert trade.free(friend) == before


@pytest.mark.parametrize("other", ["amount", "credential"])
def test_a54_another_voucher_or_another_credential__is_another_issuance(
    trade: EvidenceWorld, other: str
):
    trade.bond()
    changed = trade.claim(amount=601) if other == "amount" else trade.claim(text="another")
    convict(trade, trade.version(trade.claim()), trade.version(changed))
    assert bond_of(trade)[0] == 0


def test_a54_honest_issuances__convict_nobody(trade: EvidenceWorld):
    """One digest twice, another's signature, another index or epoch: the bond stays."""
    trade.bond()
    controllers, once = trade.controllers, trade.version(trade.claim())
    with refused(controllers.VersionsEqual, digest=trade.issuance(trade.claim())):
        convict(trade, once, once)
    by_another = trade.version(trade.claim(text="another"), trade.rival)
    parties = {"first": trade.controller, "second": trade.rival}
    with refused(controllers.SignersDiffer, **parties):
        convict(trade, once, by_another)
    # Its next credential, shown as if it were of the first index: a signature of nobody's.
    second = trade.claim(2, "another")
    shown = trade.version(second)
    as_first = trade.controllers.issuanceDigest((CHANNEL, 1, 2, *shown[:2]))
    signers = {"first": trade.controller, "second": signer_of(bytes(as_first), shown[2])}
    with refused(controllers.SignersDiffer, **signers):
        convict(trade, once, shown)
    assert bond_of(trade)[0] == MIN_BOND


def test_a54_leaving__does_not_save_a_bond_that_is_not_home(trade: EvidenceWorld):
    trade.bond()
    trade.controllers.unbond(sender=trade.controller)
    free_at = trade.escrow.now() + UNBONDING
    for second in (free_at, free_at + 1):
        with trade.escrow.undone():
            trade.escrow.at(second)
            pool = trade.free(trade.pool)
            convict(trade, *two(trade))
            assert trade.free(trade.pool) == pool + MIN_BOND


def test_a29_twin_of_a_signature__convicts_nobody(trade: EvidenceWorld):
    trade.bond()
    first, second = two(trade)
    twin = twin_of(second[2])
    with refused(trade.controllers.ECDSAInvalidSignatureS, s=twin[32:64]):
        convict(trade, first, (*second[:2], twin))
    short = second[2][:64]
    with refused(trade.controllers.ECDSAInvalidSignatureLength, length=64):
        convict(trade, first, (*second[:2], short))


def test_issuance__is_what_the_package_computes(trade: EvidenceWorld):
    claim = trade.claim()
    voucher = trade.voucher_digest(claim.voucher)
    said = (CHANNEL, 1, 2, voucher, claim.credential_hash)
    assert bytes(trade.controllers.issuanceDigest(said)) == trade.issuance(claim)
    assert signer_of(trade.issuance(claim), sign(trade.controller, trade.issuance(claim))) == (
        address(trade.controller).lower()
    )


@pytest.mark.parametrize(
    ("field", "place", "had", "least", "most"),
    [
        ("minBond", 3, 0, 1, MOST),
        ("minBond", 3, MOST + 1, 1, MOST),
        ("unbondingSeconds", 4, 0, 1, LONGEST // 2),
        ("unbondingSeconds", 4, LONGEST // 2 + 1, 1, LONGEST // 2),
    ],
)
def test_deployment__out_of_bounds__is_refused(
    trade: EvidenceWorld, project, field: str, place: int, had: int, least: int, most: int
):
    arguments = [trade.anchor, trade.registry, trade.pool, MIN_BOND, UNBONDING]
    arguments[place] = had
    bounds = {"field": term_name(field), "had": had, "least": least, "most": most}
    with refused(trade.controllers.OutOfBounds, **bounds):
        trade.escrow.deployer.deploy(project.Controllers, *arguments)


def test_deployment__at_its_bounds_and_with_a_pool_that_can_be_paid(trade: EvidenceWorld, project):
    make = trade.escrow.deployer.deploy
    wired = (trade.anchor, trade.registry)
    made = make(project.Controllers, *wired, trade.pool, MOST, LONGEST // 2)
    assert (made.minBond(), made.unbondingSeconds()) == (MOST, LONGEST // 2)
    assert (made.anchor(), made.registry(), made.pool()) == (*wired, trade.pool)
    with refused(trade.anchor.ZeroAccount):
        make(project.Controllers, *wired, NOBODY, 1, 1)
    with refused(trade.anchor.AnchorAsAccount):
        make(project.Controllers, *wired, trade.anchor, 1, 1)
