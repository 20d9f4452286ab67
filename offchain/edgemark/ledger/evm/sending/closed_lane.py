"""The lane of who only looks at an account, while another process may be sending for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from edgemark.errors import RefusedInput
from edgemark.ledger.evm.reading.blocks import Receipt
from edgemark.ledger.evm.sending.intent import Call, Intent
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.ledger.evm.sending.transaction import SigningKey
from edgemark.words import count


class ClosedLane(TransactionLane):
    """Takes no lock, opens no file, and sends nothing.

    Args:
        key: of the account.
    """

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def push(self, call: Call) -> Receipt | None:
        """Refuse."""
        self._refuse(call.function)

    def is_undecided(self, intent: Intent) -> bool:
        """Refuse: what may happen is known to who sends."""
        self._refuse(intent.function)

    def has_begun(self, intent: Intent) -> bool:
        """Refuse, as `is_undecided`."""
        self._refuse(intent.function)

    def keep_on(self) -> None:
        """Help nothing on."""

    def close(self) -> None:
        """Nothing is held."""

    def _carry_out(self, intents: Sequence[Intent], confirmations: int | None) -> list[Receipt]:  # noqa: ARG002
        self._refuse(count(len(intents), "transaction"))

    def _refuse(self, what: str) -> NoReturn:
        raise RefusedInput("is opened to look only", who=self.address, had=what, needed="no call")
