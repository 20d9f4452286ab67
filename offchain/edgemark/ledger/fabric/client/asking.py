"""What both faces of the client are given, and how a call of theirs becomes a flow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from edgemark.closing import Closing
from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput
from edgemark.ledger.fabric.client.blocks import seek_request
from edgemark.ledger.fabric.client.calls import Call, Endorsed
from edgemark.ledger.fabric.client.checkpoints import (
    Ask,
    check_history,
    make_checkpoint,
    read_chain,
)
from edgemark.ledger.fabric.client.events import Checkpoint
from edgemark.ledger.fabric.client.flows import Clocks, Flow, Flows
from edgemark.ledger.fabric.client.keeping.records import Kept, Name
from edgemark.ledger.fabric.client.submission import Outcome
from edgemark.ledger.fabric.client.submissions import Submissions
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.limits import NONCE_BYTES
from edgemark.ledger.fabric.wire.messages import encode_text, octets
from edgemark.ledger.fabric.wire.names import BLOCKS

NAME_BYTES = 16  # of a submission that its caller gave no name
REAL = Clocks(time.monotonic, time.time_ns, Randomness().octets)


@dataclass(frozen=True)
class Waits:
    """Longest times of calls that are given none, seconds.

    Attributes:
        evaluate_s: for an answer; a chaincode has 30 s by default.
        endorse_s: for endorsements.
        submit_s: for a transaction to be endorsed, ordered and committed.
        status_s: for the status of a commit.
        stream_s: of one stream of events or blocks, before it is asked for anew.
    """

    evaluate_s: float = 40.0
    endorse_s: float = 40.0
    submit_s: float = 120.0
    status_s: float = 60.0
    stream_s: float = 600.0


@dataclass(frozen=True)
class Transmission:
    """What goes with a call, beside its arguments.

    Attributes:
        transient: for the endorsers alone, and in no block.
        organisations: who has to answer; empty for whoever the ledger chooses.
    """

    transient: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    organisations: Sequence[str] = ()


PLAIN = Transmission()


@dataclass(frozen=True)
class Desk(Closing):
    """Makes flows of calls, on one channel; closing it closes its journal.

    Args:
        channel: its name.
        signer: who asks.
        submissions: its journal; None for a client that submits nothing.
        waits: longest times.
        clocks: where times and nonces come from.
    """

    channel: str
    signer: Signer
    submissions: Submissions | None = None
    waits: Waits = Waits()
    clocks: Clocks = REAL

    @cached_property
    def flows(self) -> Flows:
        """Of this signer."""
        return Flows(self.signer, self.clocks)

    def close(self) -> None:
        """Close the journal, if there is one."""
        if self.submissions is not None:
            self.submissions.close()

    def call(
        self,
        chaincode: str,
        arguments: Sequence[bytes | str],
        sent: Transmission = PLAIN,
        *,
        is_init: bool = False,
    ) -> Call:
        """A call on this channel; texts are UTF-8.

        Raises:
            RefusedInput: a text that has no UTF-8, or what is neither text nor bytes.
        """
        for what, text in (("channel", self.channel), ("name of a chaincode", chaincode)):
            encode_text(what, text)
        for text in (*sent.transient, *sent.organisations):
            encode_text("name", text)
        raw = tuple(_argument(each) for each in arguments)
        transient = {
            name: octets(f"transient value {name}", each) for name, each in sent.transient.items()
        }
        return Call(self.channel, chaincode, raw, transient, tuple(sent.organisations), is_init)

    def evaluate(self, call: Call, wait_s: float | None) -> Flow[bytes]:
        """See `Flows.evaluate`."""
        return self.flows.evaluate(call, _wait(wait_s, self.waits.evaluate_s))

    def endorse(self, call: Call, wait_s: float | None) -> Flow[Endorsed]:
        """See `Flows.endorse`."""
        return self.flows.endorse(call, _wait(wait_s, self.waits.endorse_s))

    def submit(
        self, call: Call, name: str | None, retries: int, wait_s: float | None
    ) -> Flow[Outcome]:
        """See `Flows.submit`."""
        wait = _wait(wait_s, self.waits.submit_s)
        return self.flows.submit(call, self._name(name), self.journal(), retries, wait)

    def order(self, endorsed: Endorsed, name: str | None, wait_s: float | None) -> Flow[Outcome]:
        """See `Flows.order`."""
        wait = _wait(wait_s, self.waits.submit_s)
        return self.flows.order(endorsed, self._name(name), self.journal(), wait)

    def finish(self, kept: Kept, wait_s: float | None) -> Flow[Outcome]:
        """See `Flows.finish`."""
        return self.flows.finish(kept, self.journal(), _wait(wait_s, self.waits.submit_s))

    def give_up(self, name: str) -> Flow[Outcome]:
        """See `GatewayClient.give_up`."""
        found = next((each for each in self.open_ones() if each.name == name), None)
        if found is None:
            raise RefusedInput("is not open", who=f"submission {name[:80]!r}")
        return self.flows.finish(found, self.journal(), self.waits.submit_s, gives_up=True)

    def status(self, transaction_id: str, wait_s: float | None) -> Flow[tuple[Code, int]]:
        """See `Flows.status`."""
        wait = _wait(wait_s, self.waits.status_s)
        return self.flows.status(self.channel, transaction_id, wait)

    def height(self, wait_s: float | None) -> Flow[int]:
        """Number of blocks of the channel, as the peer's `qscc` says."""
        height: int = (yield from read_chain(self._asks(wait_s))).height
        return height

    def checkpoint(self, block: int | None, wait_s: float | None) -> Flow[Checkpoint]:
        """See `checkpoints.make_checkpoint`."""
        return make_checkpoint(self._asks(wait_s), block)

    def check_history(self, after: Checkpoint, wait_s: float | None) -> Flow[None]:
        """See `checkpoints.check_history`."""
        return check_history(self._asks(wait_s), after)

    def _asks(self, wait_s: float | None) -> Ask:
        def ask(function: str, argument: str) -> Flow[bytes]:
            words = [function, self.channel, *([argument] if argument else [])]
            return self.evaluate(self.call(BLOCKS, words), wait_s)

        return ask

    def seek(self, first: int, last: int | None) -> bytes:
        """See `blocks.seek_request`."""
        return seek_request(
            self.channel,
            self.signer,
            first=first,
            last=last,
            nonce=self.clocks.octets(NONCE_BYTES),
            timestamp_ns=self.clocks.time_ns(),
        )

    def journal(self) -> Submissions:
        """The journal of submissions.

        Raises:
            RefusedInput: there is none.
        """
        if self.submissions is None:
            raise RefusedInput(
                "submits nothing",
                who="client",
                needed="a journal of submissions",
                remedy="Open it with `Submissions.open`.",
            )
        return self.submissions

    def open_ones(self) -> Iterator[Kept]:
        """Submissions of this channel whose code is not known."""
        return (each for each in self.journal().open_ones() if each.channel == self.channel)

    def _name(self, told: str | None) -> Name:
        """What its caller calls it, or a name that nobody else has."""
        if told is not None:
            return Name(told)
        return Name(self.clocks.octets(NAME_BYTES).hex(), is_drawn=True)


def _argument(given: bytes | str) -> bytes:
    if isinstance(given, str):
        return encode_text("argument", given)
    return octets("argument", given, "bytes or text")


def _wait(told: float | None, default: float) -> float:
    return default if told is None else told
