"""What every shell of this system stands on: keys, chain, contracts, peers, functions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgemark.anchoring.accounts import AnchorAccounts
from edgemark.closing import Closing
from edgemark.errors import LedgerUnavailable, PeerFault, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.identity.keys import KeyStore
from edgemark.identity.registry import ParticipantRegistry, ServerEntry
from edgemark.ledger.blocks import Receipt
from edgemark.ledger.deployment import Deployment
from edgemark.ledger.evm import EvmChain
from edgemark.ledger.faults import ContractRefused, NoFunds
from edgemark.ledger.intent import Call
from edgemark.ledger.lane import TransactionLane
from edgemark.logs import get_logger
from edgemark.machine import TryAgain
from edgemark.settings import Settings
from edgemark.systems.outsourcing.functions import FunctionStore
from edgemark.systems.outsourcing.messages import MAX_SMALL_BYTES
from edgemark.systems.outsourcing.settlement import SettlementContract
from edgemark.token.metacoin import MetaCoin
from edgemark.transport.http import HttpClient

FUNCTION_NEEDED = b"function needed"
TAKEN = b"taken"


@dataclass(frozen=True)
class Station(Closing):
    """Everything a shell uses, opened once."""

    settings: Settings
    keys: KeyStore
    chain: EvmChain
    deployment: Deployment
    lane: TransactionLane
    settlement: SettlementContract
    registry: ParticipantRegistry
    accounts: AnchorAccounts
    token: MetaCoin
    client: HttpClient
    functions: FunctionStore

    @staticmethod
    def open(settings: Settings) -> Station:
        """Open keys and chain as the settings say, and check that the contracts are there.

        Raises:
            NoChain, ChainIdMismatch, NoCode, ManifestInvalid: with what to do about it.
        """
        home = Path(settings.home)
        keys = KeyStore.of(settings)
        chain = EvmChain(
            settings.chain_url,
            chain_id=settings.chain_id or None,
            confirmations=settings.confirmations,
        ).connect()
        deployment = Deployment.load(settings.manifest_file(chain.chain_id), chain.chain_id)
        deployment.verify(chain)
        lane = TransactionLane(
            chain, keys.account, home / "lane.journal", max_fee_gwei=settings.max_fee_gwei
        )
        return Station(
            settings=settings,
            keys=keys,
            chain=chain,
            deployment=deployment,
            lane=lane,
            settlement=SettlementContract(chain, deployment),
            registry=ParticipantRegistry(chain, deployment.contract("ParticipantRegistry")),
            accounts=AnchorAccounts(chain, deployment.contract("AssetAnchor")),
            token=MetaCoin(chain, deployment.contract("MetaCoin")),
            client=HttpClient(timeout_s=settings.request_timeout_s),
            functions=FunctionStore(home / "functions"),
        )

    def close(self) -> None:
        """Let another process send for this account."""
        self.lane.close()

    @property
    def address(self) -> Address:
        """This party's account."""
        return self.keys.account.address

    def submit(self, call: Call) -> Receipt:
        """Send a call that others may send too.

        Raises:
            TryAgain: the contract refuses it now, and the next view of the chain tells why; or the
                account cannot pay for it, and somebody may fund it.
        """
        try:
            return self.lane.send(call)
        except NoFunds as poor:
            raise TryAgain(poor.what, who=poor.who, had=poor.had, needed=poor.needed) from poor
        except ContractRefused as refused:
            raise TryAgain(
                f"{call.function} is refused for the moment",
                who=refused.contract,
                had=refused.error_name,
            ) from refused

    def ask(
        self, server: Address, path: str, body: bytes, *, most: int, method: str = "POST"
    ) -> bytes:
        """Ask a registered server over TLS, with the key that it registered.

        Raises:
            PeerUnreachable, WrongCertificate, PeerRefused, AnswerTooLarge, AnswerMalformed.
            TryAgain: it registered no endpoint; a stranger's entry must not stop this party.
        """
        try:
            entry = self.server(server)
        except RefusedInput as unusable:
            raise TryAgain(unusable.what, who=server, had=unusable.had) from unusable
        return self.client.request(entry.endpoint, entry.pin, method, path, body, most_bytes=most)

    def hand(self, server: Address, path: str, body: bytes, function_hash: Hash32) -> None:
        """Hand over a message that names a function; give the function too when it is asked for.

        Raises:
            TryAgain: the server does not take it yet.
        """
        with self.functions.handing_to(server):
            if self.ask(server, path, body, most=MAX_SMALL_BYTES) != FUNCTION_NEEDED:
                return
            self._give_function(server, function_hash)
            if self.ask(server, path, body, most=MAX_SMALL_BYTES) == FUNCTION_NEEDED:
                raise TryAgain("does not keep the function", who=server, had=function_hash.hex())

    def _give_function(self, server: Address, function_hash: Hash32) -> None:
        function = self.functions.find(function_hash)
        if function is None:
            raise TryAgain("function is not here yet", who="this party", had=function_hash.hex())
        raw = function.to_bytes()
        path = f"/v1/functions/{function_hash.hex()}"
        self.ask(server, path, raw, most=MAX_SMALL_BYTES, method="PUT")
        self.functions.note_given(len(raw))

    def server(self, account: Address) -> ServerEntry:
        """Endpoint and TLS pin of a registered server."""
        return self.registry.server(account)


class Watcher:
    """Reads the chain every `poll_s` and tells the loop what is new, in a thread of its own.

    Args:
        look: one round; what it cannot do now it leaves to the next.
        poll_s: seconds between rounds.
        name: of the thread, in logs.
        on_fault: told of an exception that nobody planned; the watch ends with it.
    """

    def __init__(
        self,
        look: Callable[[], None],
        poll_s: float,
        name: str,
        on_fault: Callable[[Exception], None],
    ) -> None:
        self.looked_at: float | None = None  # monotonic; end of the last round
        self._look = look
        self._on_fault = on_fault
        self._poll_s = poll_s
        self._log = get_logger(name)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round in hand; also when it never began, as after a start that failed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopping.wait(self._poll_s):
            try:
                self._look()
            except (LedgerUnavailable, RefusedInput, PeerFault, TryAgain) as error:
                self._log.debug("round put off", error=error)
            except Exception as error:  # noqa: BLE001 - handed to the owner, who stops the process
                self._on_fault(error)
                return
            self.looked_at = time.monotonic()
