"""ChannelEscrow: what is paid out of an open channel, and who signs in it; what is refused."""

from __future__ import annotations

import pytest
from tests.contracts.trading.escrow_world import EscrowWorld
from tests.contracts.world import refused, twin_of
from tests.offchain.systems.trading.channel_cast import (
    DEPOSIT,
    signer,
)

from edgemark.systems.trading.contract.records import ChannelPhase, Signers
from edgemark.systems.trading.contract.statements import EscrowDomain

NONE, OPEN, ENDED = ChannelPhase.NONE, ChannelPhase.OPEN, ChannelPhase.ENDED
NEXT = ("payer's next key", "seller's next key")


def next_signers(world: EscrowWorld, epoch: int = 1, controller: str = "tower") -> Signers:
    return Signers(*map(signer, NEXT), world.who(controller), epoch)


def test_checkpoint__pays_the_difference_and_the_channel_stays_open(world: EscrowWorld):
    channel = world.open()
    for index, amount in ((7, 300), (3, 450)):  # an index orders nothing here
        receipt = world.escrow.checkpoint(
            [world.claim(channel, amount, index)], sender=world.people["outsider"]
        )
        (log,) = receipt.decode_logs(world.escrow.AmountPaid)
        assert (bytes(log.channel), log.index, log.paid) == (channel.id, index, amount)
        assert world.anchor.freeBalanceOf(world.who("seller")) == 10**9 + amount
    assert world.escrow.channelOf(channel.id).phase == OPEN
    with refused(world.escrow.AmountNotAbove, channel=channel.id, had=450, above=450):
        world.escrow.checkpoint([world.claim(channel, 450)], sender=world.people["seller"])


def test_checkpoint__above_the_deposit__pays_the_deposit_and_no_more(world: EscrowWorld):
    channel = world.open()
    claim = world.claim(channel, DEPOSIT + 500)
    world.escrow.checkpoint([claim], sender=world.people["seller"])
    assert world.anchor.freeBalanceOf(world.who("seller")) == 10**9 + DEPOSIT
    world.escrow.topUp([(channel.terms.as_abi(), 200)], sender=world.people["payer"])
    world.escrow.checkpoint([claim], sender=world.people["seller"])
    assert world.anchor.freeBalanceOf(world.who("seller")) == 10**9 + DEPOSIT + 200


@pytest.mark.parametrize(
    ("sender", "payer", "seller", "missing"),
    [
        ("outsider", "", "seller's key", "payer's key"),
        ("outsider", "payer's key", "", "seller's key"),
        ("seller", "", "", "payer's key"),
        ("seller", "a thief", "", "payer's key"),
        ("payer", "", "payer's key", "seller's key"),
    ],
)
def test_checkpoint__without_the_word_of_a_party__reverts(
    world: EscrowWorld, sender, payer, seller, missing
):
    channel = world.open()
    claim = world.claim(channel, 10, payer=payer, seller=seller)
    had = {"payer's key": payer, "seller's key": seller}[missing]
    wanted = {"channel": channel.id, "signer": signer(had), "needed": signer(missing)}
    with refused(world.escrow.NotSigned, **wanted):
        world.escrow.checkpoint([claim], sender=world.people[sender])


@pytest.mark.parametrize(
    ("sender", "keys"), [("seller", ("payer's key", "")), ("payer", ("", "seller's key"))]
)
def test_checkpoint__sent_by_a_party__needs_the_others_signature_only(world, sender, keys):
    channel = world.open()
    claim = world.claim(channel, 10, payer=keys[0], seller=keys[1])
    world.escrow.checkpoint([claim], sender=world.people[sender])
    assert world.escrow.channelOf(channel.id).paid == 10


def test_a29_checkpoint__a_second_form_of_a_signature__reverts(world: EscrowWorld):
    channel = world.open()
    terms, voucher, by_payer, by_seller = world.claim(channel, 10)
    twin = twin_of(by_payer)
    with refused(world.escrow.ECDSAInvalidSignatureS, s=twin[32:64]):
        world.escrow.checkpoint([(terms, voucher, twin, by_seller)], sender=world.people["tower"])
    with refused(world.escrow.ECDSAInvalidSignatureLength, length=64):
        short = (terms, voucher, by_payer[:64], by_seller)
        world.escrow.checkpoint([short], sender=world.people["tower"])


def test_a28_a_voucher__for_another_chain_or_escrow__counts_for_nothing(world: EscrowWorld):
    channel, own = world.open(), world.domain
    for domain in (
        EscrowDomain(own.chain_id + 1, own.contract),
        EscrowDomain(own.chain_id, world.who("outsider")),
    ):
        world.domain = domain
        claim = world.claim(channel, 10)
        world.domain = own
        assert world.refusal_of("checkpoint", claim, "tower", world.now() + 1)[0] == "NotSigned"


def test_checkpoint__of_several__passes_over_what_others_have_changed(world: EscrowWorld):
    """A payer that closes in front of a list of checkpoints stops the others' not."""
    closing, paid, good = world.open(), world.open(), world.open()
    world.escrow.checkpoint([world.claim(paid, 20)], sender=world.people["outsider"])
    world.escrow.closeBare([closing.terms.as_abi()], sender=world.people["payer"])
    claims = [world.claim(channel, 20) for channel in (closing, paid, good)]
    receipt = world.escrow.checkpoint(claims, sender=world.people["seller"])
    (log,) = receipt.decode_logs(world.escrow.AmountPaid)
    assert bytes(log.channel) == good.id
    for channel, reason in ((closing, "ChannelNotOpen"), (paid, "AmountNotAbove")):
        item = world.claim(channel, 20)
        assert world.refusal_of("checkpoint", item, "seller", world.now() + 1)[0] == reason


def test_amend__pays_and_then_others_sign(world: EscrowWorld):
    channel, signers = world.open(), next_signers(world)
    assert world.escrow.signersOf(channel.terms.as_abi()) == channel.signers.as_abi()
    item = world.amendment(channel, 0, 300, signers)
    receipt = world.escrow.amend([item], sender=world.people["outsider"])
    (log,) = receipt.decode_logs(world.escrow.ChannelAmended)
    assert (bytes(log.channel), log.number, log.signers[3]) == (channel.id, 0, 1)
    assert world.anchor.freeBalanceOf(world.who("seller")) == 10**9 + 300
    assert world.escrow.signersOf(channel.terms.as_abi()) == signers.as_abi()
    assert world.escrow.agreementsOf(channel.id) == 1


def test_amend__the_former_keys__sign_nothing_that_counts(world: EscrowWorld):
    """A53: the payer gains nothing by changing its key, nor a thief by one that was changed."""
    channel = world.open()
    world.escrow.amend(
        [world.amendment(channel, 0, 300, next_signers(world))], sender=world.people["payer"]
    )
    wanted = {"signer": signer("payer's key"), "needed": signer("payer's next key")}
    with refused(world.escrow.NotSigned, channel=channel.id, **wanted):
        world.escrow.checkpoint([world.claim(channel, 900)], sender=world.people["seller"])
    world.escrow.closeBare([channel.terms.as_abi()], sender=world.people["payer"])
    with refused(world.escrow.NotSigned, channel=channel.id, **wanted):
        world.escrow.respond([world.response(channel, 900)], sender=world.people["tower"])
    delegated = world.response(channel, 900, "rival", 9, payer="payer's next key")
    wanted = {"signer": signer("seller's key"), "needed": signer("seller's next key")}
    with refused(world.escrow.NotSigned, channel=channel.id, **wanted):
        world.escrow.respond([delegated], sender=world.people["tower"])
    newest = world.response(
        channel, 900, "tower", 1, payer="payer's next key", victim="seller's next key"
    )
    world.escrow.respond([newest], sender=world.people["outsider"])
    assert world.escrow.windowOf(channel.id).amount == 900


@pytest.mark.parametrize(
    ("controller", "epoch", "needed"), [("tower", 0, 1), ("tower", 2, 1), ("outsider", 1, 0)]
)
def test_amend__another_epoch_than_the_next__reverts(world: EscrowWorld, controller, epoch, needed):
    channel = world.open()
    item = world.amendment(channel, 0, 0, next_signers(world, epoch, controller))
    with refused(world.escrow.EpochWrong, channel=channel.id, had=epoch, needed=needed):
        world.escrow.amend([item], sender=world.people["payer"])


def test_amend__amount_keys_or_number_that_cannot_be__reverts(world: EscrowWorld):
    channel, payer = world.open(), world.people["payer"]
    world.escrow.checkpoint([world.claim(channel, 50)], sender=payer)
    for amount in (49, DEPOSIT + 1):
        item = world.amendment(channel, 0, amount, next_signers(world))
        bounds = {"had": amount, "least": 50, "most": DEPOSIT}
        with refused(world.escrow.AmountOutside, channel=channel.id, **bounds):
            world.escrow.amend([item], sender=payer)
    one = Signers(*[signer("seller's key")] * 2, world.who("outsider"), 0)
    keys = {"payerKey": one.payer_key, "sellerKey": one.seller_key}
    parties = {"payer": channel.terms.payer, "seller": channel.terms.seller}
    with refused(world.escrow.PartiesInvalid, **parties, **keys):
        world.escrow.amend([world.amendment(channel, 0, 60, one)], sender=payer)
    item = world.amendment(channel, 1, 60, next_signers(world))
    with refused(world.escrow.AgreementNumberWrong, channel=channel.id, had=1, needed=0):
        world.escrow.amend([item], sender=payer)
