"""P10: how many settlements a chain takes as evidence a second, by how many come together (fig. 3).

M settlement credentials are recorded together, in calls of up to 100; the contract recovers all
three signatures of each. A block has as many of them as fit a limit that is out of the way, so that
the node's speed is the bound: the figure is the time in which it makes the block, by the evidences
in it. The peer is what cannot be saved: the recovery of the same signatures by libsecp256k1, on one
core. The paper's figure and our target are times, so the ratio to them is that of the limit to
ours. Notes say the gas and the bytes that an evidence leaves on chain, and what fits a chain of
30 M gas a block.

Beside it, under its own name: settlements that are *anchored*, not verified. Their figure is the
time in which a controller makes leaves and root of 65536 of them; one call anchors these.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import Scale, main
from benchmarks.findings import Findings, Point
from benchmarks.measuring import Timing
from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.merkle import MAX_LEAVES, MerkleTree
from edgemark.crypto.ethereum.secp256k1 import SecretKey, recover
from edgemark.deployment.deployment import deploy
from edgemark.identifiers import Hash32, Tokens
from edgemark.ledger.evm.development.anvil import AnvilNode, AnvilOptions
from edgemark.ledger.evm.development.node import dev_key
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.lane import TransactionLane
from edgemark.party.evm.contracts import BaseContracts
from edgemark.systems.trading.contract.evidence.pieces import SettlementPiece
from edgemark.systems.trading.contract.evidence.records import MAX_PIECES, Claim, Signatures
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, compute_leaf
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.contract.statements import EscrowDomain
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.station.contracts import draft_contracts

TOGETHER = (1, 2, 4, 8, 16, 32, 64, 128, 256)
IN_A_BLOCK = 512  # evidences, whatever M is
QUICK, QUICK_IN_A_BLOCK, QUICK_LEAVES = (1, 100), 100, 256
RECORDED, ALONE = "recorded, each signature verified", "signatures alone, one core"
PAPER, TARGET, ANCHORED = "the paper", "the target", "anchored, not verified"
ANCHORING_TARGET = "the target, anchored"
PAPER_PER_S, TARGET_PER_S, ANCHORED_PER_S = 1_200, 3_000, 50_000
BLOCK_GAS, BLOCK_S = 30_000_000, (1, 12)
NO_LIMIT = 2**40  # gas of a block
GAS_OF_A_CALL = 16_000_000
KEYS = tuple(SecretKey(bytes([number]) * 32) for number in (7, 8, 9))  # payer, seller, controller


@dataclass
class World:
    """A chain with the registry, and settlements that nobody recorded yet."""

    chain: EvmChain
    registry: EvidenceContract
    escrow: EscrowDomain
    controllers: ControllersDomain
    sender: str
    made: int = 0

    def make(self, count: int) -> list[SettlementPiece]:
        """Settlements of as many channels, signed by all three."""
        return [self._make() for _ in range(count)]

    def _make(self) -> SettlementPiece:
        self.made += 1
        channel = ChannelId(keccak256(b"channel", self.made.to_bytes(8, "big")))
        voucher = Voucher(self.made, Tokens(self.made), Hash32(bytes(32)), KEYS[2].address)
        claim = Claim(channel, voucher, keccak256(channel))
        said = self.escrow.voucher(channel, voucher)
        signed = (KEYS[0].sign(said), KEYS[1].sign(said))
        issued = KEYS[2].sign(self.controllers.issuance(claim, said))
        return SettlementPiece(claim, Signatures(*signed, issued))

    def recover(self, piece: SettlementPiece) -> None:
        """Recover all three signers, as the contract does."""
        said = self.escrow.voucher(piece.claim.channel, piece.claim.voucher)
        payer, seller, controller = piece.signatures.as_abi()
        issued = self.controllers.issuance(piece.claim, said)
        for digest, signature in ((said, payer), (said, seller), (issued, controller)):
            recover(digest, signature)

    def queue(self, pieces: Sequence[SettlementPiece], together: int) -> tuple[int, int]:
        """Send calls that the next block takes; answers how many, and their bytes."""
        calls = octets = 0
        for first in range(0, len(pieces), together):
            batch = pieces[first : first + together]
            for begin in range(0, len(batch), MAX_PIECES):
                call = self.registry.record_settlements(batch[begin : begin + MAX_PIECES])
                data = call.contract.interface.encode_call(call.function, call.args)
                told = {"from": self.sender, "to": self.registry.address, "data": f"0x{data.hex()}"}
                self.chain.rpc("eth_sendTransaction", {**told, "gas": hex(GAS_OF_A_CALL)})
                calls, octets = calls + 1, octets + len(data)
        return calls, octets

    def mine(self, calls: int) -> tuple[float, int]:
        """Make the block; its seconds, and its gas.

        Raises:
            ArithmeticError: the block lacks calls, or one of them failed.
        """
        began = time.perf_counter()
        self.chain.rpc("evm_mine")
        took = time.perf_counter() - began
        block = self.chain.rpc("eth_getBlockByNumber", "latest", False)
        found = [self.chain.rpc("eth_getTransactionReceipt", tx) for tx in block["transactions"]]
        if len(found) != calls or any(int(each["status"], 16) != 1 for each in found):
            raise ArithmeticError(f"{len(found)} calls of {calls} in the block, or one failed")
        return took, int(block["gasUsed"], 16)


def measure(findings: Findings, scale: Scale) -> None:
    """Record by every M, then anchor."""
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        options = AnvilOptions(block_time_s=None, extra=("--gas-limit", str(NO_LIMIT)))
        with AnvilNode.start(Path(folder) / "anvil", options) as node:
            world = open_world(EvmChain(node.url, chain_id=31337, confirmations=0), Path(folder))
            for together in QUICK if scale.quick else TOGETHER:
                scale.tell(f"M = {together}")
                record(findings, scale, world, together)
            scale.tell("anchored")
            anchor(findings, scale, world)


def open_world(chain: EvmChain, folder: Path) -> World:
    """Deploy, then let blocks be made when they are asked for."""
    chain.connect()
    deployer = SecretKey(dev_key(0))
    with TransactionLane(chain, deployer, folder / "lane.journal") as lane:
        base = BaseContracts(deployer.address, SecretKey(dev_key(9)).address)
        deployment = deploy(chain, lane, draft_contracts(base, deployer.address))
    chain.rpc("evm_setAutomine", False)
    return World(
        chain,
        EvidenceContract(chain, deployment.contract("EvidenceRegistry")),
        EscrowDomain(chain.chain_id, deployment.contracts["ChannelEscrow"]),
        ControllersDomain(chain.chain_id, deployment.contracts["Controllers"]),
        SecretKey(dev_key(1)).address,
    )


def record(findings: Findings, scale: Scale, world: World, together: int) -> None:
    """Blocks of evidences, M together; beside each, the same signatures recovered alone."""
    count = QUICK_IN_A_BLOCK if scale.quick else IN_A_BLOCK
    ours, alone = list[float](), list[float]()
    gas = octets = 0
    for _ in range(scale.rounds):
        pieces = world.make(count)
        calls, octets = world.queue(pieces, together)
        took, gas = world.mine(calls)
        ours.append(took / count)
        began = time.perf_counter()
        for piece in pieces:
            world.recover(piece)
        alone.append((time.perf_counter() - began) / count)
    timings = {RECORDED: Timing.from_samples(ours), ALONE: Timing.from_samples(alone)}
    findings.add(together, timings)
    for name, per_s in ((PAPER, PAPER_PER_S), (TARGET, TARGET_PER_S)):
        findings.points.append(Point(name, together, 1 / per_s, 1 / per_s, 1 / per_s, "s", 1))
    findings.compare(f"M = {together}", together, RECORDED, ALONE)
    findings.compare(f"M = {together}", together, RECORDED, PAPER, "> 1")
    if together == max(QUICK if scale.quick else TOGETHER):
        findings.compare(f"M = {together}", together, RECORDED, TARGET, ">= 1")
    in_block = BLOCK_GAS * count // gas
    by_blocks = " and ".join(f"{in_block / each:,.0f} with blocks of {each} s" for each in BLOCK_S)
    findings.notes.append(
        f"M = {together}: {1 / timings[RECORDED].median_s:,.0f} recorded a second,"
        f" {gas / count:,.0f} gas and {octets / count:,.0f} bytes of calls each;"
        f" {in_block} fit {BLOCK_GAS:,} gas: {by_blocks} a second"
    )


def anchor(findings: Findings, scale: Scale, world: World) -> None:
    """Leaves and root of a full list, as a controller makes them of what it signed."""
    count = QUICK_LEAVES if scale.quick else MAX_LEAVES
    (piece,) = world.make(1)
    issued = keccak256(b"an issuance's digest")
    samples = []
    for _ in range(min(scale.rounds, 3)):
        began = time.perf_counter()
        leaves = [compute_leaf(piece.claim, issued, piece.signatures) for _ in range(count)]
        if len(MerkleTree(leaves).root) != len(leaves[0]):
            raise ArithmeticError("the root is no hash")
        samples.append((time.perf_counter() - began) / count)
    findings.add(count, {ANCHORED: Timing.from_samples(samples)})
    limit = 1 / ANCHORED_PER_S
    findings.points.append(Point(ANCHORING_TARGET, count, limit, limit, limit, "s", 1))
    findings.compare(f"{count} leaves", count, ANCHORED, ANCHORING_TARGET, ">= 1")
    median_s = findings.point(ANCHORED, count).value
    findings.notes.append(f"anchored, not verified: {1 / median_s:,.0f} a second by one core")


if __name__ == "__main__":
    sys.exit(main("p10_evidence", "settlements as evidence on chain", "M, together", measure))
