"""Whether the chain at the address is still the one that this party began with.

A development chain that was started anew has the same address and the same id, and no contracts; it
looks like a node that lags, until its head has passed the old one's.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from edgemark.errors import LedgerUnavailable
from edgemark.identifiers import Hash32
from edgemark.ledger.evm.faults import OtherChain
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.logs import get_logger

APART_S = 5.0  # between two looks


class SameChain:
    """Looks at the first block now and then, and has the log say when it is another.

    Args:
        chain: at the address.
        genesis: hash of the first block that this party saw.
        clock: monotonic seconds.
    """

    def __init__(
        self, chain: EvmChain, genesis: Hash32, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._chain, self._genesis, self._clock = chain, genesis, clock
        self._log = get_logger("chain")
        self._looked_at = clock()
        self._is_other = False

    def check(self, chain: EvmChain) -> None:
        """Check it through a connection of the caller's.

        Raises:
            OtherChain: it is another one.
            LedgerUnavailable: it does not answer.
        """
        shown = chain.block(0).hash
        if shown != self._genesis:
            raise OtherChain(
                "another chain answers, which has another first block",
                who=chain.place,
                had=shown.hex(),
                needed=self._genesis.hex(),
                remedy="Bring the chain of this home back, or use another home for this one.",
            )

    def look(self) -> None:
        """Check it when it is time to; one that does not answer is told of by others."""
        now = self._clock()
        if now - self._looked_at < APART_S:
            return
        self._looked_at = now
        with suppress(LedgerUnavailable):
            self._look()

    def _look(self) -> None:
        try:
            self.check(self._chain)
        except OtherChain as other:
            if not self._is_other:
                self._log.error("another chain answers", error=other)
            self._is_other = True
            return
        if self._is_other:
            self._log.info("the chain is back")
        self._is_other = False
