"""What a settlement credential means to the party that it comes to, seller or buyer.

The voucher in it bears the signatures of both; what it is for, fee and readings, bears its
controller's alone. So a party keeps what says the same as its own bill, in every field: whatever
else its controller signed under that index shows nothing but what a controller can sign.
"""

from __future__ import annotations

from edgemark.errors import PeerFault, RefusedInput
from edgemark.identity.credentials.agreement import AgreementKeyMissing
from edgemark.systems.trading.credentials.keeping import KeptCredentials, check_settled
from edgemark.systems.trading.credentials.settlement import check_billed
from edgemark.systems.trading.protocol import events as on
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.protocol.messages import Credential, Proposal
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.station.post.seals import Seals
from edgemark.systems.trading.station.station import TradingStation

MAX_WHY = 300  # characters of a reason that are noted


class BillMissing(RefusedInput):
    """A credential came of a bill that this party does not have any more."""


class Issuances:
    """Credentials of one party's channels as they come; safe for many threads.

    Args:
        station: knows domains and deals.
        me: which party of its channels it is.

    Attributes:
        kept: settlement credentials of this home.
        seals: open those that are sealed.
    """

    def __init__(self, station: TradingStation, me: Role) -> None:
        self.kept = KeptCredentials(station.home)
        self.seals = Seals.of_station(station)
        self._station, self._me = station, me

    def hear(
        self, side: Side, credential: Credential
    ) -> on.HeardCredential | on.FoundCredentialWrong | None:
        """What a credential means; None when it came before.

        Raises:
            BillMissing: there is no bill here to compare it with.
            EdgemarkError: it is none of its voucher, or cannot be opened in this home as it is.
        """
        index = credential.index
        is_refused = any(each.index == index for each in side.wrong_credentials)
        if is_refused or not self.kept.is_new(side, credential):
            return None
        deal = self._station.deals.get(side.known.channel)
        domains = self._station.domain, self._station.controllers_domain
        template = deal.templates.settlement
        check_settled(credential, side.known.channel, side.in_force, template, *domains)
        bill = side.bill(index)
        if bill is None and side.has_bills:
            raise BillMissing(
                "is of no bill that waits for one here",
                who=f"credential {index}",
                needed=", ".join(str(each.voucher.index) for each in side.bills[-4:]) or "none",
            )
        return self._compare(side, credential, deal, bill)

    def _compare(
        self, side: Side, credential: Credential, deal: Deal, bill: Proposal | None
    ) -> on.HeardCredential | on.FoundCredentialWrong:
        trade = deal.trade
        try:
            found = self.seals.read_issued(side.known.channel, self._me, credential)
            if bill is not None:
                check_billed(found, trade, bill, credential.voucher)
        except AgreementKeyMissing:
            raise
        except (RefusedInput, PeerFault) as error:
            return on.FoundCredentialWrong(credential.index, str(error)[:MAX_WHY])
        return on.HeardCredential(credential)
