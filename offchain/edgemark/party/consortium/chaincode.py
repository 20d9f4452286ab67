"""One chaincode on one channel, as a party asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from edgemark.files import make_private_folder
from edgemark.ledger.fabric.client.asking import PLAIN, Transmission
from edgemark.ledger.fabric.client.blocking import GatewayClient
from edgemark.ledger.fabric.client.calls import Endorsed
from edgemark.ledger.fabric.client.checkpoints import CheckpointFile
from edgemark.ledger.fabric.client.events import ChaincodeEvent, Checkpoint
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.messages import encode_text

MAX_NAME_BYTES = 200  # a file's may have 255, and others are made of it while it is written


@dataclass(frozen=True)
class ChaincodeDoor:
    """What a party asks of a chaincode.

    Attributes:
        client: of the party's identity.
        chaincode: its name on the channel.
        folder: of cursors; made when it is needed.
        retries: new proposals that may follow a conflict with others.
        is_rehearsed: what would be submitted is endorsed, and ordered never.
    """

    client: GatewayClient
    chaincode: str
    folder: Path
    retries: int = 0
    is_rehearsed: bool = False

    def rehearsed(self) -> ChaincodeDoor:
        """The same, but that nothing is ordered."""
        return replace(self, is_rehearsed=True)

    @property
    def channel(self) -> str:
        """That it is asked on."""
        return self.client.desk.channel

    def evaluate(self, function: str, *arguments: str) -> bytes:
        """What it answers; nothing is changed. Raises as `GatewayClient.evaluate`."""
        return self.client.evaluate(self.chaincode, function, *arguments)

    def endorse(
        self, function: str, *arguments: str, organisations: Sequence[str] = ()
    ) -> Endorsed:
        """What these organisations answer, or whoever is needed; nothing is ordered."""
        sent = Transmission(organisations=organisations) if organisations else PLAIN
        return self.client.endorse(self.chaincode, function, *arguments, sent=sent)

    def order(self, endorsed: Endorsed, name: str | None = None) -> Outcome:
        """Have ordered what was endorsed before. Raises as `submit`."""
        return self.client.order(endorsed, name=name)

    def submit(
        self, name: str | None, function: str, *arguments: str, wait_s: float | None = None
    ) -> Outcome:
        """Have a call counted once.

        Args:
            name: the same call by the same name is the same transaction, also after a crash; None
                for one that nobody goes on with.
            function: of the chaincode.
            arguments: of the function.
            wait_s: longest time; None for that of the client.

        Raises:
            TransactionInvalid: it stands in a block and does not count.
            LedgerSilent: it may still count; the same call by its name goes on with it.
            ChaincodeRefused, NotEndorsed, EndorsementsDiffer: nothing was ordered.
        """
        if self.is_rehearsed:
            told = self.endorse(function, *arguments)
            return Outcome(told.asked.transaction_id, Code.NOT_VALIDATED, 0, told.response, "")
        return self.client.submit(
            self.chaincode, function, *arguments, name=name, retries=self.retries, wait_s=wait_s
        )

    def listen(
        self, name: str, handle: Callable[[ChaincodeEvent], None], *, wait_s: float | None = None
    ) -> None:
        """Hand each event to `handle`; the cursor of this name is kept after it returned.

        Args:
            name: of the listener.
            handle: what is done with one; an exception of it ends this and keeps the event.
            wait_s: longest time; None until the client is closed.

        Raises:
            FileInUse: a listener of this name listens already.
            EdgemarkError: see `GatewayClient.chaincode_events`.
        """
        make_private_folder(self.folder)
        cursor = CheckpointFile(self.folder / cursor_name(name, self.channel, self.chaincode))
        self.client.listen(self.chaincode, handle, cursor, wait_s=wait_s)

    def list_events(self, *, wait_s: float, first: int = 0) -> Iterator[ChaincodeEvent]:
        """Events of all blocks from `first`, oldest first, then those that come, for so long."""
        return self.client.chaincode_events(self.chaincode, Checkpoint(first), wait_s=wait_s)


def cursor_name(*names: str) -> str:
    """The name of the file of a cursor, another one for each listener, channel and chaincode.

    Args:
        names: of these three; what is no letter, digit, `_`, `-` or `~` in them is escaped, so that
            a point stands between two of them and nowhere else.

    Raises:
        RefusedInput: one has no UTF-8.
    """
    for each in names:
        encode_text("name of a listener", each)
    whole = ".".join(quote(each, safe="").replace(".", "%2E") for each in names)
    if len(whole) > MAX_NAME_BYTES:
        whole = sha256(whole.encode()).hexdigest()  # no other has: it has no point
    return f"{whole}.cursor"
