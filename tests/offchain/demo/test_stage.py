"""A stage on a chain that somebody else runs: set on it, and gone from it without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.mining import BlockMaking
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.systems.outsourcing.demo.cast import OutsourcingStage

pytestmark = pytest.mark.chain


def test_stage__on_a_running_chain__makes_blocks_regular_and_leaves_them_as_they_were(
    tmp_path: Path,
) -> None:
    with AnvilNode.start(tmp_path / "chain", AnvilOptions(block_time_s=None)) as node:
        chain = EvmChain(node.url, confirmations=0).connect()
        with OutsourcingStage(tmp_path / "stage", chain_url=node.url, node_count=1) as stage:
            stage.set()
            stage.deployment.verify(chain)
            assert stage.url == node.url
            assert not BlockMaking.of(chain).is_by_transaction
        assert BlockMaking.of(chain).is_by_transaction
        assert chain.head() > 0  # still there
