"""Who signed for a channel at which time, and up to which amount. Pure.

The payer's signature alone makes an amount: one under a key that was replaced counts up to what was
paid with the amendment that replaced it, and no further. A seller's key that was replaced bounds
nothing: its seller signs the same amounts anew, by itself.

Rule: `ChannelAmended` stands before the `AmountPaid` of the same amendment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.contract.records import Signers, Voucher
from edgemark.systems.trading.story.story import Amended, ChannelStory, Deed, PaidUp

SHOWN = 4  # pairs of keys that an error names


class NeverInForce(RefusedInput):
    """A voucher names a controller, or bears signatures, that its channel had at no time."""


class KeyOutlived(RefusedInput):
    """A voucher is above all that its payer's key was ever good for."""


@dataclass(frozen=True)
class Era:
    """Who signed for a channel at a time.

    Attributes:
        most: of amounts that these signed; None: there is no bound.
    """

    signers: Signers
    most: int | None = None


def list_eras(story: ChannelStory) -> tuple[Era, ...]:
    """Who signed, in order; a key of the payer that is in force at the end has no bound."""
    signers = [story.terms.signers]
    paid_by: dict[Address, int] = {}
    for amended, paid in _amendments(story.deeds):
        paid_by[signers[-1].payer_key] = paid
        signers.append(amended.signers)
    paid_by.pop(signers[-1].payer_key, None)
    return tuple(Era(each, paid_by.get(each.payer_key)) for each in signers)


def _amendments(deeds: Sequence[Deed]) -> Iterator[tuple[Amended, int]]:
    """Each with what was paid in all once it counted."""
    paid = 0
    for deed, following in pairwise([*deeds, None]):
        if isinstance(deed, PaidUp):
            paid = deed.paid
        if isinstance(deed, Amended):
            yield deed, _paid_with(deed, following) or paid


def _paid_with(amended: Amended, following: Deed | None) -> int:
    """What was paid in all by an amendment itself; 0 where it paid nothing more."""
    if not isinstance(following, PaidUp) or following.index or following.mark != amended.mark:
        return 0
    return following.paid


class Eras:
    """All times of one channel, to find the one of a voucher: two keys are recovered, no more."""

    def __init__(self, story: ChannelStory) -> None:
        eras = list_eras(story)
        self._most = {era.signers: era.most for era in eras}
        self._issuers = {(era.signers.controller, era.signers.epoch) for era in eras}
        shown = dict.fromkeys(era.signers.keys for era in eras[-SHOWN:])
        self._keys = ", ".join(f"{payer} and {seller}" for payer, seller in shown)

    def find(
        self, voucher: Voucher, digest: Hash32, payer_signature: bytes, seller_signature: bytes
    ) -> Signers:
        """Who signed a voucher.

        Args:
            voucher: of this channel.
            digest: that was signed.
            payer_signature: 65 bytes.
            seller_signature: 65 bytes.

        Raises:
            NeverInForce: controller and epoch, or both keys, were never named together.
            KeyOutlived: the payer's key was replaced, and is worth less.
            BadSignature: nobody signs like that.
        """
        issuer = (voucher.controller, voucher.epoch)
        if issuer not in self._issuers:
            what = "names a controller or epoch that this channel never had"
            raise NeverInForce(what, who="voucher", had=issuer)
        keys = recover(digest, payer_signature), recover(digest, seller_signature)
        signers = Signers(*keys, *issuer)
        if signers not in self._most:
            had, what = f"{keys[0]} and {keys[1]}", "is signed by keys that were not in force"
            raise NeverInForce(what, who="voucher", had=had, needed=self._keys)
        most = self._most[signers]
        if most is not None and voucher.amount > most:
            what = "is above what was paid when its payer's key was replaced"
            needed = f"<= {most}"
            raise KeyOutlived(what, who="voucher", had=voucher.amount, needed=needed)
        return signers
