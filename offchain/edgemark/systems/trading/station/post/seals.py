"""What is said in channels whose claims are sealed: for both parties' eyes, and for nobody else's.

| what                              | sealed by, and when                                      |
|-----------------------------------|----------------------------------------------------------|
| claims of the TIC                 | the seller, before it signs them (`market.promising`)    |
| request, answer, bill             | who says it, each time that it is sent                   |
| claims of a settlement credential | the seller, each time that it asks for one               |

Broker and controller carry them; the controller issues over what it cannot read. Both parties look
at what a credential says when they have it: what the seller sealed for it need not be its bill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from edgemark.crypto.field.randomness import Randomness
from edgemark.identity.credentials.agreement import AgreementKeyMissing, AgreementKeys
from edgemark.identity.credentials.jose.encryption import Reader, SealBroken, encrypt
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.did.identifier import Did, is_same
from edgemark.systems.trading.credentials.sealing import (
    SEALED,
    check_travel,
    open_claims,
    seal,
)
from edgemark.systems.trading.credentials.settlement import (
    check_said,
    draft_claims,
    read_settlement,
)
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import Credential, Settlement
from edgemark.systems.trading.station.deals import DealBook
from edgemark.systems.trading.station.documents import Documents
from edgemark.systems.trading.station.station import TradingStation
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.schema import check_claims
from edgemark.systems.trading.templates.settlement import SettlementClaims
from edgemark.untrusted.jcs import encode_jcs

T = TypeVar("T")


class Seals:
    """Of one home; safe for many threads.

    Args:
        deals: say which channels are sealed, and for which keys.
        home: has its keys for agreement.
        randomness: of what is sealed.
    """

    @staticmethod
    def of_station(station: TradingStation) -> Seals:
        """Of a party's home."""
        return Seals(station.deals, station.home)

    def __init__(self, deals: DealBook, home: Path, randomness: Randomness | None = None) -> None:
        self._deals, self._home = deals, home
        self._randomness = randomness or Randomness()
        self._keys: AgreementKeys | None = None

    def is_sealed(self, channel: ChannelId) -> bool:
        """Whether what is said in a channel is sealed; not, where nothing was agreed on here."""
        deal = self._deals.find(channel)
        return deal is not None and deal.encryption is Encryption.JWE

    def seal(self, channel: ChannelId, text: bytes) -> bytes:
        """For both parties of a channel.

        Raises:
            DealUnknown: nothing was agreed on here.
            RefusedInput: it is too long.
        """
        return encrypt(text, self._deals.get(channel).readers, self._randomness)

    def open(self, channel: ChannelId, me: Role, raw: bytes) -> bytes:
        """What was sealed for this party.

        Raises:
            DealUnknown: nothing was agreed on here.
            EdgemarkError: it is for others, was changed, or cannot be opened; see `AgreementKeys`.
        """
        identity = self._deals.get(channel).dids[me]
        return self._trying(lambda keys: keys.decrypt(raw, identity))

    def open_claims(self, part: Mapping[str, Any], identity: Did) -> Mapping[str, Any]:
        """Claims of a credential; raises as `sealing.open_claims`."""
        return self._trying(lambda keys: open_claims(part, keys, identity))

    def hide(self, channel: ChannelId, settlement: Settlement) -> Settlement:
        """What the controller is asked to issue: as it is, or with its claims sealed.

        Raises:
            DealUnknown: nothing was agreed on here.
            ClaimsRefused: the template does not take such claims.
            RefusedInput: they are too long.
        """
        deal = self._deals.get(channel)
        if deal.encryption is Encryption.NONE:
            return settlement
        claims, template = draft_claims(deal.trade, settlement.proposal), deal.trade.template
        check_claims(claims, template.schema, who="claims", text=template.text)
        return settlement.hide(encode_jcs(seal(claims, deal.readers, self._randomness)[SEALED]))

    def read_issued(self, channel: ChannelId, me: Role, credential: Credential) -> SettlementClaims:
        """What a credential that was issued says, in the clear or sealed for this party.

        Raises:
            TravelsOtherwise: it is not sealed where it should be, or the other way round.
            EdgemarkError: it cannot be opened, or does not say what its template asks for.
        """
        deal = self._deals.get(channel)
        signed = read_signed(credential.content.decode("ascii", "replace"))
        said = read_settlement(signed)
        check_travel(said.carried, deal.encryption)
        claims = self.open_claims(said.carried, deal.dids[me])
        return check_said(signed, said, claims, deal.templates.settlement)

    def _trying(self, use: Callable[[AgreementKeys], T]) -> T:
        """By the keys that are known, else by all that the home has by now."""
        if self._keys is not None:
            with suppress(AgreementKeyMissing, SealBroken):
                return use(self._keys)
        self._keys = AgreementKeys.of(self._home)
        return use(self._keys)


def find_readers(
    documents: Documents, home: Path, seller: Did, buyer: Did, mine: Did
) -> tuple[Reader, Reader]:
    """For which keys claims are sealed: those that both documents have now.

    Args:
        documents: know them.
        home: of one of the two.
        seller: of the channel.
        buyer: of the channel.
        mine: which of them is of the home.

    Raises:
        KeyUnusable: a document has none, with the command that makes one.
        AgreementKeyMissing: the document of this home has one that is not in it.
        EdgemarkError: a document is not known as it is now.
    """
    found = documents.reader(seller), documents.reader(buyer)
    own = found[0] if is_same(mine, seller) else found[1]
    AgreementKeys.of(home).check_has(own.key, mine)
    return found
