"""Threats A28, A29, A30 at the registry of identities, and those of ERC-1056's own form.

`PlantedErc1056` has that form: there the old key takes a deactivated identity back, and a signature
counts on every chain with a contract at this address, for ever.
"""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from tests.contracts.forms import malformed
from tests.contracts.identity.did_acts import (
    ADD_DELEGATE,
    CHANGE_OWNER,
    DAY,
    EACH,
    FILES,
    REVOKE_DELEGATE,
    VALUE,
    VERI_KEY,
    Act,
    prepare,
)
from tests.contracts.permits import parts_of
from tests.contracts.world import CURVE_ORDER, World, refused, sign, signer_of

NOBODY = "0x" + "00" * 20
FIELDS = {
    "OwnerChange": "address identity,address newOwner",
    "Deactivation": "address identity",
    "DelegateAddition": "address identity,bytes32 delegateType,address delegate,uint256 validTo",
    "DelegateRevocation": "address identity,bytes32 delegateType,address delegate",
    "AttributeSetting": "address identity,bytes32 name,bytes32 valueHash,uint256 validTo",
    "AttributeRevocation": "address identity,bytes32 name,bytes32 valueHash",
}
ENDS = ",uint256 nonce,uint256 deadline"


@pytest.fixture
def registry(world: World, project):
    return world.deployer.deploy(project.DidRegistry)


@pytest.fixture
def planted(world: World, project):
    return world.deployer.deploy(project.PlantedErc1056)


@pytest.fixture
def identity(world: World):
    return world.nodes[0]


@pytest.fixture
def heir(world: World):
    return world.nodes[2]


def typed_digest(world: World, registry, name: str, *values, chain_id: int | None = None) -> bytes:
    """By a library that knows nothing of the contract."""
    members = [member.split(" ") for member in (FIELDS[name] + ENDS).split(",")]
    message = encode_typed_data(
        {
            "name": "Edgemark Identities",
            "version": "1",
            "chainId": chain_id or world.chain.provider.web3.eth.chain_id,
            "verifyingContract": str(registry.address),
        },
        {name: [{"type": kind, "name": field} for kind, field in members]},
        {
            field: str(value) if kind == "address" else value
            for (kind, field), value in zip(members, values, strict=True)
        },
    )
    return keccak(b"\x19" + message.version + message.header + message.body)


def test_digests__equal_those_of_an_independent_library(registry, identity, heir, world: World):
    registry.revokeSignatures(identity, sender=identity)
    ends, hashed = (1, 77), keccak(VALUE)
    pairs = {
        "OwnerChange": (registry.ownerChangeDigest(identity, heir, 77), (heir,)),
        "Deactivation": (registry.deactivationDigest(identity, 77), ()),
        "DelegateAddition": (
            registry.delegateAdditionDigest(identity, VERI_KEY, heir, 99, 77),
            (VERI_KEY, heir, 99),
        ),
        "DelegateRevocation": (
            registry.delegateRevocationDigest(identity, VERI_KEY, heir, 77),
            (VERI_KEY, heir),
        ),
        "AttributeSetting": (
            registry.attributeSettingDigest(identity, FILES, VALUE, 99, 77),
            (FILES, hashed, 99),
        ),
        "AttributeRevocation": (
            registry.attributeRevocationDigest(identity, FILES, VALUE, 77),
            (FILES, hashed),
        ),
    }
    assert set(pairs) == set(FIELDS)
    for name, (digest, values) in pairs.items():
        assert digest == typed_digest(world, registry, name, identity, *values, *ends), name


def refuse(act: Act, registry, identity, statement, sender) -> None:
    """Refused because it seems to come from somebody else than its owner."""
    digest = getattr(registry, act.digest)(identity, *statement[:-1])
    owner = registry.identityOwner(identity)
    stranger = signer_of(digest, statement[-1])
    with refused(registry.StatementNotSigned, signer=stranger, needed=owner):
        act.bring(registry, identity, statement, sender)


@EACH
def test_a30_statement__of_another_account_or_about_another_identity__is_refused(
    registry, identity, outsider, world: World, act: Act
):
    for each in (identity, outsider):
        prepare(act, registry, each, world)
    until = world.now() + DAY
    forged = act.sign(registry, identity, world, outsider, until, until)
    refuse(act, registry, identity, forged, world.payer)
    own = act.sign(registry, outsider, world, outsider, until, until)
    refuse(act, registry, identity, own, world.payer)
    refuse(
        act,
        registry,
        identity,
        act.sign(registry, outsider, world, identity, until, until),
        outsider,
    )


@EACH
def test_a30_statement__with_anything_changed__is_refused(
    registry, identity, outsider, world: World, act: Act
):
    prepare(act, registry, identity, world)
    until = world.now() + DAY
    statement = act.sign(registry, identity, world, identity, until, until)
    other = {int: lambda value: value + 1, bytes: lambda value: value[:-1] + b"\x77"}
    for place, value in enumerate(statement[:-1]):
        changed = other.get(type(value), lambda _: outsider)(value)
        refuse(
            act,
            registry,
            identity,
            (*statement[:place], changed, *statement[place + 1 :]),
            world.payer,
        )
    act.bring(registry, identity, statement, outsider)


@EACH
def test_statement__counts_until_its_deadline_and_once(
    registry, identity, outsider, world: World, act: Act
):
    prepare(act, registry, identity, world)
    deadline = world.now() + 100
    statement = act.sign(registry, identity, world, identity, deadline, deadline + DAY)
    world.at(deadline + 1)
    with refused(registry.StatementExpired, deadline=deadline, nowAt=deadline + 1):
        act.bring(registry, identity, statement, outsider)
    deadline = world.now() + 100
    statement = act.sign(registry, identity, world, identity, deadline, deadline + DAY)
    world.at(deadline)
    act.bring(registry, identity, statement, outsider)
    if act.name == "deactivate":
        with refused(registry.IdentityDeactivated, identity=identity):
            act.bring(registry, identity, statement, outsider)
    else:
        later = world.now() + 100
        again = (*statement[:-2], later, statement[-1])
        refuse(act, registry, identity, again, outsider)


@EACH
def test_a29_the_other_forms_of_a_signature__are_refused(
    registry, identity, outsider, world: World, act: Act
):
    prepare(act, registry, identity, world)
    before = registry.nonces(identity)
    until = world.now() + DAY
    statement = act.sign(registry, identity, world, identity, until, until)
    for name, changed in malformed(statement[-1]).items():
        error, values = registry.ECDSAInvalidSignature, {}
        if name == "high s":
            assert int.from_bytes(changed[32:64], "big") > CURVE_ORDER // 2
            error, values = registry.ECDSAInvalidSignatureS, {"s": changed[32:64]}
        elif len(changed) != 65:
            error, values = registry.ECDSAInvalidSignatureLength, {"length": len(changed)}
        with refused(error, **values):
            act.bring(registry, identity, (*statement[:-1], changed), outsider)
    assert registry.nonces(identity) == before


def test_a30_whatever_the_owner_does_itself__voids_what_it_had_signed(
    registry, identity, heir, outsider, world: World
):
    """Else a statement of before brings back what was revoked, or a former owner's comes again."""
    until = world.now() + DAY
    signed = ADD_DELEGATE.sign(registry, identity, world, identity, until, until)
    ADD_DELEGATE.do(registry, identity, world, identity)
    REVOKE_DELEGATE.do(registry, identity, world, identity)
    refuse(ADD_DELEGATE, registry, identity, signed, outsider)
    signed = ADD_DELEGATE.sign(registry, identity, world, identity, until, until)
    registry.changeOwner(identity, heir, sender=identity)
    registry.changeOwner(identity, identity, sender=heir)
    refuse(ADD_DELEGATE, registry, identity, signed, outsider)
    signed = ADD_DELEGATE.sign(registry, identity, world, identity, until, until)
    registry.revokeSignatures(identity, sender=identity)
    refuse(ADD_DELEGATE, registry, identity, signed, outsider)


def test_a30_a_former_owners_statement__counts_again_in_the_planted_registry(
    planted, identity, heir, outsider, world: World
):
    thief = world.nodes[3]
    signed = sign(identity, planted.ownerChangeDigest(identity, thief))
    planted.changeOwner(identity, heir, sender=identity)
    planted.changeOwner(identity, identity, sender=heir)
    world.at(world.now() + 10 * 365 * DAY)
    planted.changeOwnerSigned(identity, *parts_of(signed), thief, sender=outsider)
    assert planted.identityOwner(identity) == thief


def test_a30_an_identity__is_nobody_elses_before_its_first_change(
    registry, identity, outsider, heir, world: World
):
    """There is no registration to be first at: a squatter changes its own identity alone."""
    registry.setAttribute(outsider, FILES, VALUE, DAY, sender=outsider)
    with refused(registry.NotIdentityOwner, identity=identity, had=outsider, needed=identity):
        registry.changeOwner(identity, outsider, sender=outsider)
    assert registry.identityOwner(identity) == identity
    # Who sends somebody's statement first has the effect that its signer wanted.
    until = world.now() + DAY
    statement = CHANGE_OWNER.sign(registry, identity, world, identity, until, until)
    CHANGE_OWNER.bring(registry, identity, statement, outsider)
    assert registry.identityOwner(identity) == heir


def test_deactivated__the_old_key_takes_it_back_in_the_planted_registry_and_not_here(
    planted, registry, identity, heir, world: World
):
    """The identity was rotated because its key is stolen; then its owner ends it."""
    for each in (planted, registry):
        each.changeOwner(identity, heir, sender=identity)
    planted.changeOwner(identity, NOBODY, sender=heir)
    registry.deactivate(identity, sender=heir)
    thief = identity  # who has the stolen key
    planted.changeOwner(identity, world.nodes[3], sender=thief)
    assert planted.identityOwner(identity) == world.nodes[3]
    with refused(registry.IdentityDeactivated, identity=identity):
        registry.changeOwner(identity, world.nodes[3], sender=thief)
    assert registry.identityOwner(identity) == NOBODY


def test_a28_chain_id_changed_by_a_fork__erc1056_signature_counts_and_ours_does_not(
    planted, registry, identity, heir, outsider, world: World
):
    """The same addresses and nonces on another chain: `anvil_setChainId` plays it."""
    provider = world.chain.provider
    chain_id = provider.web3.eth.chain_id
    until = world.now() + DAY
    statement = CHANGE_OWNER.sign(registry, identity, world, identity, until, until)
    theirs = sign(identity, planted.ownerChangeDigest(identity, heir))
    call = planted.changeOwnerSigned.encode_input(identity, *parts_of(theirs), heir)
    ours = registry.changeOwnerBySignature.encode_input(identity, *statement)
    here = registry.ownerChangeDigest(identity, heir, until)
    try:
        provider.make_request("anvil_setChainId", [chain_id + 1])
        there = registry.ownerChangeDigest(identity, heir, until)
        assert there == typed_digest(
            world, registry, "OwnerChange", identity, heir, 0, until, chain_id=chain_id + 1
        )
        assert there != here
        assert answer_of(provider, planted, call, outsider) == b""
        refusal = answer_of(provider, registry, ours, outsider)
        words = [
            bytes.fromhex(who[2:]).rjust(32, b"\0")
            for who in (signer_of(there, statement[-1]), str(identity))
        ]
        assert refusal == keccak(text="StatementNotSigned(address,address)")[:4] + b"".join(words)
    finally:
        provider.make_request("anvil_setChainId", [chain_id])
    assert answer_of(provider, registry, ours, outsider) == b""


def answer_of(provider, contract, data: bytes, sender) -> bytes:
    """What a call answers, or what it is refused with."""
    call = {"from": str(sender), "to": str(contract.address), "data": "0x" + data.hex()}
    answer = provider.web3.provider.make_request("eth_call", [call, "latest"])
    found = answer["error"]["data"] if "error" in answer else answer["result"]
    return bytes.fromhex(found[2:])
