"""Credentials of a controller that may contradict each other."""

from __future__ import annotations

from tests.offchain.systems.trading.credentials.trade_cast import TST, did_of, say

from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.identifiers import Tokens
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.credentials.kept import KeptSettlement, read_kept, write_kept
from edgemark.systems.trading.credentials.payloads import Period
from edgemark.systems.trading.credentials.settlement import draft_settlement, issue_settlement
from edgemark.systems.trading.station.station import TradingStation


def issue(
    station: TradingStation, key: SecretKey, amount: int = 10, at: int = 0, index: int = 1
) -> KeptSettlement:
    """A credential of the controller's, whoever signed what is inside."""
    voucher = Voucher(index, Tokens(amount), TST.version_id, key.address)
    said = say(voucher)
    facts = draft_settlement(said, TST, did_of(key), Period(1_800_000_000 + at))
    signer = CredentialSigner(key, did_of(key))
    made = issue_settlement(signer, facts, said, station.domain, station.controllers_domain)
    return read_kept(write_kept(made.token, made.signatures.controller))
