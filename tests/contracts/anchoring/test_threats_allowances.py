"""Signed allowances: replay (A21), another chain (A28), other forms (A29), front-running (A30)."""

from __future__ import annotations

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from tests.contracts.world import World, compact_of, refused, sign, signer_of, twin_of

AMOUNT = 500
FIELDS = ("account", "locker", "amount", "expiresAt", "nonce")


@pytest.fixture
def anchor(world: World):
    return world.anchor


@pytest.fixture
def locker(world: World):
    return world.guardian


@pytest.fixture
def statement(world: World, anchor, locker):
    """What the payer signed: arguments of `allowLockerSigned`."""
    until = world.now() + 100
    digest = anchor.allowanceDigest(world.payer, locker, AMOUNT, until)
    return world.payer, locker, AMOUNT, until, sign(world.payer, digest)


def test_digest__is_what_another_library_makes_of_the_same_fields(world: World, anchor, locker):
    kinds = ("address", "address", "uint256", "uint256", "uint256")
    values = (str(world.payer), str(locker), AMOUNT, 77, 0)
    message = encode_typed_data(
        {
            "name": "Edgemark Anchor",
            "version": "1",
            "chainId": world.chain.provider.web3.eth.chain_id,
            "verifyingContract": str(anchor.address),
        },
        {"Allowance": [{"name": n, "type": kind} for n, kind in zip(FIELDS, kinds, strict=True)]},
        dict(zip(FIELDS, values, strict=True)),
    )
    digest = keccak(b"\x19" + message.version + message.header + message.body)
    assert bytes(anchor.allowanceDigest(world.payer, locker, AMOUNT, 77)) == digest


def test_a21_allowance__counts_once(world: World, anchor, locker, statement, outsider):
    tx = anchor.allowLockerSigned(*statement, sender=outsider)
    (log,) = tx.decode_logs(anchor.LockerAllowed)
    assert (log.account, log.locker, log.amount, log.expiresAt) == statement[:4]
    anchor.allowLocker(locker, 1, statement[3], sender=world.payer)
    signer = signer_of(anchor.allowanceDigest(*statement[:4]), statement[4])
    with refused(anchor.AllowanceNotSigned, signer=signer, needed=world.payer):
        anchor.allowLockerSigned(*statement, sender=outsider)
    assert tuple(anchor.lockerAllowance(world.payer, locker)) == (1, statement[3])


def test_a21_allowance__taken_back_by_setting_it_to_zero__is_not_restored_by_an_older_signature(
    world: World, anchor, locker, statement, outsider
):
    tx = anchor.allowLocker(locker, 0, 0, sender=world.payer)
    (log,) = tx.decode_logs(anchor.SignaturesRevoked)
    assert (log.account, log.nonce) == (world.payer, 0)
    signer = signer_of(anchor.allowanceDigest(*statement[:4]), statement[4])
    with refused(anchor.AllowanceNotSigned, signer=signer, needed=world.payer):
        anchor.allowLockerSigned(*statement, sender=outsider)
    assert tuple(anchor.lockerAllowance(world.payer, locker)) == (0, 0)


def test_a21_allowance__revoked_before_it_is_used__is_void(
    world: World, anchor, statement, outsider
):
    tx = anchor.revokeSignatures(sender=world.payer)
    (log,) = tx.decode_logs(anchor.SignaturesRevoked)
    assert (log.account, log.nonce) == (world.payer, 0)
    signer = signer_of(anchor.allowanceDigest(*statement[:4]), statement[4])
    with refused(anchor.AllowanceNotSigned, signer=signer, needed=world.payer):
        anchor.allowLockerSigned(*statement, sender=outsider)


def test_a28_allowance__for_another_anchor_or_chain__is_refused(
    world: World, project, anchor, statement, outsider
):
    other = world.deployer.deploy(project.AssetAnchor, world.token)
    signer = signer_of(other.allowanceDigest(*statement[:4]), statement[4])
    with refused(other.AllowanceNotSigned, signer=signer, needed=world.payer):
        other.allowLockerSigned(*statement, sender=outsider)
    # The separator is derived from the chain id that the block has, not one it remembers.
    _, name, version, chain_id, contract, _, _ = anchor.eip712Domain()
    assert (name, version, contract) == ("Edgemark Anchor", "1", anchor)
    assert chain_id == world.chain.provider.web3.eth.chain_id


@pytest.mark.parametrize("other", [twin_of, compact_of])
def test_a29_allowance__in_another_form_of_its_signature__is_refused(
    world: World, anchor, statement, outsider, other
):
    changed = other(statement[4])
    if len(changed) == 65:
        expected = refused(anchor.ECDSAInvalidSignatureS, s=changed[32:64])
    else:
        expected = refused(anchor.ECDSAInvalidSignatureLength, length=len(changed))
    with expected:
        anchor.allowLockerSigned(*statement[:4], changed, sender=outsider)
    assert anchor.nonces(world.payer) == 0


def test_a30_allowance__with_anything_changed__is_refused(
    world: World, anchor, locker, statement, outsider
):
    account, _, amount, until, signature = statement
    for changed in (
        (outsider, locker, amount, until),
        (account, outsider, amount, until),
        (account, locker, amount + 1, until),
        (account, locker, amount, until + 1),
    ):
        signer = signer_of(anchor.allowanceDigest(*changed), signature)
        with refused(anchor.AllowanceNotSigned, signer=signer, needed=changed[0]):
            anchor.allowLockerSigned(*changed, signature, sender=outsider)


def test_a30_allowance__sent_first_by_another__has_the_same_effect(
    world: World, anchor, locker, statement, outsider
):
    """Who waits for it finds it there; the account's own later word stays the last."""
    anchor.allowLockerSigned(*statement, sender=outsider)
    assert tuple(anchor.lockerAllowance(world.payer, locker)) == (AMOUNT, statement[3])
    anchor.allowLocker(locker, 1, statement[3], sender=world.payer)
    assert anchor.lockerAllowance(world.payer, locker).amount == 1
