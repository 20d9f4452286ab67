"""DidRegistry: owners, delegates and attributes of identities, sent and signed (T12)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.contracts.identity.did_acts import (
    ACTS,
    ADD_DELEGATE,
    DAY,
    DEACTIVATE,
    EACH,
    FILES,
    REVOKE_ATTRIBUTE,
    REVOKE_DELEGATE,
    SET_ATTRIBUTE,
    SIG_AUTH,
    VALUE,
    VERI_KEY,
    Act,
    arguments_of,
    check_said,
    prepare,
)
from tests.contracts.world import World, refused, term_name

NOBODY = "0x" + "00" * 20
MOST = 36_500 * DAY  # seconds of a validity
MOST_BYTES = 2048


@pytest.fixture
def registry(world: World, project):
    return world.deployer.deploy(project.DidRegistry)


@pytest.fixture
def identity(world: World):
    return world.nodes[0]


@pytest.fixture
def delegate(world: World):
    return world.nodes[1]


@pytest.fixture
def heir(world: World):
    return world.nodes[2]


def test_identity__that_nobody_registered__owns_itself(registry, identity, delegate):
    assert registry.identityOwner(identity) == identity
    assert (registry.changed(identity), registry.nonces(identity)) == (0, 0)
    assert not registry.validDelegate(identity, VERI_KEY, delegate)
    assert registry.maxValiditySeconds() == MOST


def test_change_owner__the_former_owner_changes_nothing_any_more(
    registry, identity, heir, world: World
):
    receipt = registry.changeOwner(identity, heir, sender=identity)
    check_said(receipt, registry.DIDOwnerChanged)(identity, heir, 0)
    assert registry.identityOwner(identity) == heir
    assert (registry.changed(identity), registry.nonces(identity)) == (receipt.block_number, 1)
    for act in ACTS:
        with refused(registry.NotIdentityOwner, identity=identity, had=identity, needed=heir):
            act.do(registry, identity, world, identity)
    back = registry.changeOwner(identity, identity, sender=heir)
    check_said(back, registry.DIDOwnerChanged)(identity, identity, receipt.block_number)
    assert registry.identityOwner(identity) == identity


def test_change_owner__to_nobody_or_to_who_owns_it__is_refused(registry, identity):
    with refused(registry.OwnerZero, identity=identity):
        registry.changeOwner(identity, NOBODY, sender=identity)
    with refused(registry.OwnerUnchanged, identity=identity, owner=identity):
        registry.changeOwner(identity, identity, sender=identity)


def test_delegate__may_act_until_its_last_second(registry, identity, delegate, world: World):
    start = world.now() + 10
    world.at(start)
    receipt = registry.addDelegate(identity, VERI_KEY, delegate, 100, sender=identity)
    until = start + 100
    check_said(receipt, registry.DIDDelegateChanged)(identity, VERI_KEY, delegate, until, 0)
    assert registry.validDelegate(identity, VERI_KEY, delegate)
    assert not registry.validDelegate(identity, SIG_AUTH, delegate)
    world.at(until)
    registry.revokeSignatures(identity, sender=identity)
    assert registry.validDelegate(identity, VERI_KEY, delegate)
    world.at(until + 1)
    registry.revokeSignatures(identity, sender=identity)
    assert not registry.validDelegate(identity, VERI_KEY, delegate)
    with refused(
        registry.DelegateNotValid,
        identity=identity,
        delegateType=VERI_KEY,
        delegate=delegate,
        validTo=until,
    ):
        registry.revokeDelegate(identity, VERI_KEY, delegate, sender=identity)


def test_revoke_delegate__counts_from_its_own_second(registry, identity, delegate):
    first = registry.addDelegate(identity, SIG_AUTH, delegate, DAY, sender=identity)
    receipt = registry.revokeDelegate(identity, SIG_AUTH, delegate, sender=identity)
    check_said(receipt, registry.DIDDelegateChanged)(
        identity, SIG_AUTH, delegate, 0, first.block_number
    )
    assert not registry.validDelegate(identity, SIG_AUTH, delegate)
    nothing = {"identity": identity, "delegateType": SIG_AUTH, "delegate": delegate, "validTo": 0}
    with refused(registry.DelegateNotValid, **nothing):
        registry.revokeDelegate(identity, SIG_AUTH, delegate, sender=identity)


def test_attribute__is_said_and_taken_back(registry, identity, world: World):
    world.at(world.now() + 10)
    first = registry.setAttribute(identity, FILES, VALUE, DAY, sender=identity)
    until = world.now() + DAY
    check_said(first, registry.DIDAttributeChanged)(identity, FILES, VALUE, until, 0)
    receipt = registry.revokeAttribute(identity, FILES, VALUE, sender=identity)
    check_said(receipt, registry.DIDAttributeChanged)(identity, FILES, VALUE, 0, first.block_number)
    assert registry.changed(identity) == receipt.block_number


def test_changes__lead_back_to_the_first(registry, identity, world: World):
    blocks = [0]
    for act in (ADD_DELEGATE, SET_ATTRIBUTE, REVOKE_ATTRIBUTE, REVOKE_DELEGATE, DEACTIVATE):
        receipt = act.do(registry, identity, world, identity)
        assert arguments_of(receipt, act.event(registry))["previousChange"] == blocks[-1]
        blocks.append(receipt.block_number)
        assert registry.changed(identity) == receipt.block_number
    assert all(former < later for former, later in pairwise(blocks))


@pytest.mark.parametrize("length", [1, MOST_BYTES])
def test_value__of_the_shortest_and_the_longest_length__is_said(registry, identity, length: int):
    receipt = registry.setAttribute(identity, FILES, b"\1" * length, MOST, sender=identity)
    assert arguments_of(receipt, registry.DIDAttributeChanged)["value"] == b"\1" * length


@pytest.mark.parametrize("length", [0, MOST_BYTES + 1])
def test_value__that_is_empty_or_too_long__is_refused(registry, identity, world, length: int):
    bounds = {"field": term_name("value"), "had": length, "least": 1, "most": MOST_BYTES}
    for call in (
        lambda value: registry.setAttribute(identity, FILES, value, DAY, sender=identity),
        lambda value: registry.revokeAttribute(identity, FILES, value, sender=identity),
    ):
        with refused(registry.OutOfBounds, **bounds):
            call(b"\1" * length)


@pytest.mark.parametrize("validity", [0, MOST + 1, 2**256 - 1])
def test_validity__out_of_range__is_refused(registry, identity, world: World, validity: int):
    """In ERC-1056 the largest validity goes round, and what is added is valid in the past."""
    bounds = {"field": term_name("validity"), "had": validity, "least": 1, "most": MOST}
    for act in (ADD_DELEGATE, SET_ATTRIBUTE):
        with refused(registry.OutOfBounds, **bounds):
            act.do(registry, identity, world, identity, validity)


@pytest.mark.parametrize("late", [0, MOST + 1])
def test_signed_end__that_is_past_or_too_far__is_refused(
    registry, identity, outsider, world: World, late: int
):
    for act in (ADD_DELEGATE, SET_ATTRIBUTE):
        at = world.now() + 10
        statement = act.sign(registry, identity, world, identity, at, at + late)
        bounds = {"field": term_name("validTo"), "had": at + late}
        world.at(at)
        with refused(registry.OutOfBounds, **bounds, least=at + 1, most=at + MOST):
            act.bring(registry, identity, statement, outsider)


def test_names_and_delegates__that_are_empty__are_refused(registry, identity, delegate):
    empty = b"\0" * 32
    with refused(registry.NameMissing, identity=identity):
        registry.addDelegate(identity, empty, delegate, DAY, sender=identity)
    with refused(registry.NameMissing, identity=identity):
        registry.setAttribute(identity, empty, VALUE, DAY, sender=identity)
    with refused(registry.DelegateZero, identity=identity):
        registry.addDelegate(identity, VERI_KEY, NOBODY, DAY, sender=identity)


@EACH
def test_statement__has_the_effect_of_the_call_whoever_sends_it(
    registry, identity, outsider, world: World, project, act: Act
):
    twin = world.deployer.deploy(project.DidRegistry)
    for each in (registry, twin):
        prepare(act, each, identity, world)
    at = world.now() + 10
    statement = act.sign(registry, identity, world, identity, at, at + DAY)
    world.at(at)
    signed = act.bring(registry, identity, statement, outsider)
    world.at(at + 5)
    sent = act.do(twin, identity, world, identity, DAY - 5)
    made, expected = (
        arguments_of(receipt, act.event(each))
        for receipt, each in ((signed, registry), (sent, twin))
    )
    assert made | {"previousChange": 0} == expected | {"previousChange": 0}
    assert registry.identityOwner(identity) == twin.identityOwner(identity)
    assert registry.nonces(identity) == twin.nonces(identity)


def test_deactivation__is_for_good(registry, identity, heir, delegate, outsider, world: World):
    """ERC-1056 falls back to the identity itself; here its key, and every other, is refused."""
    registry.addDelegate(identity, VERI_KEY, delegate, DAY, sender=identity)
    registry.changeOwner(identity, heir, sender=identity)
    before = registry.changed(identity)
    receipt = registry.deactivate(identity, sender=heir)
    check_said(receipt, registry.DIDOwnerChanged)(identity, NOBODY, before)
    assert registry.identityOwner(identity) == NOBODY
    assert not registry.validDelegate(identity, VERI_KEY, delegate)
    for act in ACTS:
        for sender in (identity, heir, delegate, outsider):
            with refused(registry.IdentityDeactivated, identity=identity):
                act.do(registry, identity, world, sender)
        until = world.now() + DAY
        statement = act.sign(registry, identity, world, identity, until, until)
        with refused(registry.IdentityDeactivated, identity=identity):
            act.bring(registry, identity, statement, outsider)
    with refused(registry.IdentityDeactivated, identity=identity):
        registry.revokeSignatures(identity, sender=identity)


def test_revoke_signatures__is_the_owners_own(registry, identity, outsider):
    receipt = registry.revokeSignatures(identity, sender=identity)
    check_said(receipt, registry.DIDSignaturesRevoked)(identity, 0)
    assert (registry.nonces(identity), registry.changed(identity)) == (1, 0)
    with refused(registry.NotIdentityOwner, identity=identity, had=outsider, needed=identity):
        registry.revokeSignatures(identity, sender=outsider)
