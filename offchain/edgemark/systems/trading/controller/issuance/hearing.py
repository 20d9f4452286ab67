"""Letters that a controller hears: vouchers of which a credential is to be, and that one arrived.

Law 1: nobody waits here. A letter is checked against the desk as it is on the disk; what follows is
       queued, and the desk decides once more: of two letters at once one is taken.
Law 2: whoever asks for a credential that is here gets the same again, whether or not blocks come.
Law 3: no letter has the chain asked, nor anything that another letter waits for.
"""

from __future__ import annotations

from collections.abc import Callable

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.systems.trading.controller.checking import check_settlement
from edgemark.systems.trading.controller.desk import Desk
from edgemark.systems.trading.controller.issuance.issuing import Issuer
from edgemark.systems.trading.credentials.settlement import Trade
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol import issuing as at
from edgemark.systems.trading.protocol.agreement import Head
from edgemark.systems.trading.protocol.letters import ChannelDomain, Kind, Letter, Role
from edgemark.systems.trading.protocol.messages import Credential, Settlement, Taken

FOR_ME = frozenset({Kind.SETTLEMENT, Kind.TAKEN})

Post = Callable[[ChannelId, at.ControllerEvent], None]
Send = Callable[[ChannelId, Role, bytes], None]


class Hearing:
    """Of one controller; for any thread.

    Args:
        key: of the account, under its letters.
        domain: of the escrow.
        trade_of: a channel that has a desk.
        issuer: makes credentials.
        stale_after_s: age of the newest block from which on nothing is issued.
    """

    def __init__(
        self,
        key: SecretKey,
        domain: ChannelDomain,
        trade_of: Callable[[ChannelId], Trade],
        issuer: Issuer,
        stale_after_s: int,
    ) -> None:
        self._key, self._domain = key, domain
        self._trade_of, self._issuer = trade_of, issuer
        self._stale_after_s = stale_after_s

    def take(self, desk: Desk, raw: bytes, head: Head, post: Post, send: Send) -> None:
        """What a letter leads to.

        Args:
            desk: of its channel.
            raw: the letter, whoever wrote it and for whom.
            head: time.
            post: queues an event of the channel.
            send: hands a letter to a party.

        Raises:
            EdgemarkError: it says nothing that counts, and why.
        """
        letter = Letter.from_wire(raw)
        if letter.kind not in FOR_ME:
            return
        channel, signers = desk.known.channel, desk.in_force
        keys = {Role.BUYER: signers.payer_key, Role.SELLER: signers.seller_key}
        role, message = letter.open(self._domain, channel, keys)
        match message:
            case Settlement():
                again = _issued_of(desk, message)
                if again is not None:
                    send(channel, role, self.letter_of(channel, again))
                elif (heard := self._check(desk, message, head)) is not None:
                    post(channel, heard)
            case Taken(Kind.CREDENTIAL, index):
                post(channel, at.HeardCredentialTaken(index, is_buyer=role is Role.BUYER))
            case _:  # for the other party, as receipts of other letters are
                return

    def letter_of(self, channel: ChannelId, credential: Credential) -> bytes:
        """A credential as it travels to a party."""
        letter = Letter.of(channel, credential)
        signature = self._key.sign(letter.digest(self._domain))
        return Letter(letter.kind, channel, letter.message, signature).to_wire()

    def _check(self, desk: Desk, settlement: Settlement, head: Head) -> at.HeardSettlement | None:
        me = self._key.address
        heard = check_settlement(desk, settlement, self._domain, head, me, self._stale_after_s)
        if heard is not None:
            self._issuer.check(self._trade_of(desk.known.channel), settlement)
        return heard


def _issued_of(desk: Desk, settlement: Settlement) -> Credential | None:
    """The credential of this very voucher, while it is here."""
    voucher = settlement.proposal.voucher
    found = desk.credential(voucher.index)
    return None if found is None or found.voucher != voucher else found
