"""The acts: what is written, what is refused, what does not count, what survives.

Each act notes checks that compare what the ledger says with what a client recorded.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from edgemark.demo.commands import run_command
from edgemark.errors import EdgemarkError, Unrecoverable
from edgemark.identifiers import Hash32
from edgemark.ledger.embedded.channel.ledger import verify_folder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.faults import TransactionInvalid
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.party.consortium.clocks import stop_clocks
from edgemark.receipt import Receipt
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.kept import Kept
from edgemark.systems.trading.contract.evidence.pieces import RootProof
from edgemark.systems.trading.controller.recording.lists import EvidencePiece, describe, plant
from edgemark.systems.trading.demo.consortium.checks import (
    check_damage,
    check_disagreement,
    words_of,
)
from edgemark.systems.trading.demo.consortium.scene import (
    FIRST,
    SECOND,
    VISITOR,
    Scene,
    anchor_between_ticks,
    begin_registry,
    hear,
    refusal_of,
)
from edgemark.systems.trading.demo.consortium.trade import piece_of
from edgemark.systems.trading.station.ledgers.consortium import (
    CHAINCODE,
    ConsortiumEvidence,
    call_of,
)

PARALLEL = 32
LEAVES = 5
SPLIT = "split"  # a registry of which one organisation runs older code
OLDER = '''"""The registry as an organisation still runs it: it tells times by the minute."""

from edgemark_chaincode.shim.interface import Timestamp
from edgemark_chaincode.trading.contract import EvidenceRegistry


class OlderRegistry(EvidenceRegistry):
    async def invoke(self, stub):
        exact = stub.get_tx_timestamp
        stub.get_tx_timestamp = lambda: Timestamp(exact().seconds // 60 * 60 - 60)
        return await super().invoke(stub)
'''


def act_commands(scene: Scene, receipt: Receipt) -> None:
    """A settlement is recorded and checked by the commands that a chain has too."""
    stage, trade = scene.stage, scene.trade
    home = stage.write_home(VISITOR, SECOND, "User1")
    issued, path = trade.settle_into(scene.files)
    words = ["trading", "settlement"]
    more = [str(path), "--ledger", "profile", "--home", str(home), "--json"]
    done = json.loads(run_command(stage.folder, [*words, "record", *more]))
    told = json.loads(run_command(stage.folder, [*words, "check", *more]))["settlements"][0]
    scene.counted.append(scene.id_of(issued))
    receipt.compare("commands: settlements recorded", done["recorded"], 1)
    keys = (trade.payer, trade.seller, trade.controller)
    seen = (told["payer_key"], told["seller_key"], told["controller"])
    receipt.compare("commands: who signed it", seen, tuple(key.address for key in keys))
    receipt.compare("commands: evidence is known by", told["evidence"], scene.id_of(issued).hex())
    kept = scene.rival.find(scene.id_of(issued))
    hash_ = None if kept is None else kept.found.credential_hash
    receipt.compare("commands: credential on the ledger", hash_, issued.claim.credential_hash)


def act_parallel(scene: Scene, receipt: Receipt) -> None:
    """Many settlements at once, by two organisations: none conflicts with another."""
    issued = [scene.trade.settle() for _ in range(PARALLEL)]
    sides = (scene.recorder, scene.rival)

    def record(number: int) -> int:
        domains, piece = scene.trade.domains, piece_of(issued[number])
        return sides[number % 2].record_settlements(domains, [piece]).block

    with ThreadPoolExecutor(8) as threads:
        blocks = list(threads.map(record, range(PARALLEL)))
    scene.counted += [scene.id_of(each) for each in issued]
    found = [
        each
        for number, each in enumerate(issued)
        if sides[1 - number % 2].find(scene.id_of(each)) is not None
    ]
    receipt.compare("at once: kept, as the other organisation sees", len(found), len(issued))
    receipt.evidence["settlements at once"] = f"{PARALLEL} in {len(set(blocks))} blocks"


def act_conflict(scene: Scene, receipt: Receipt) -> None:
    """The same evidence again is refused; of two at once, one counts."""
    domains, issued = scene.trade.domains, scene.trade.settle()
    scene.recorder.record_settlements(domains, [piece_of(issued)])
    scene.counted.append(scene.id_of(issued))
    before = scene.recorder.find(scene.id_of(issued))
    refused = refusal_of(lambda: scene.rival.record_settlements(domains, [piece_of(issued)]))
    has_name = refused is not None and "EvidenceExists" in words_of(refused)
    receipt.require("again: it is refused", has_name, words_of(refused), "EvidenceExists")
    after = scene.rival.find(scene.id_of(issued))
    receipt.compare("again: what is kept stays", tell_of(after), tell_of(before))
    both = scene.trade.settle()
    said = call_of(domains, [piece_of(both)])
    held = [side.door.endorse(*said) for side in (scene.recorder, scene.rival)]
    scene.recorder.door.order(held[0])
    scene.counted.append(scene.id_of(both))
    late = refusal_of(lambda: scene.rival.door.order(held[1]))
    receipt.compare("of two at once, the second", _code_of(late), Code.MVCC_READ_CONFLICT.name)


def act_under_endorsed(scene: Scene, receipt: Receipt) -> None:
    """One organisation's endorsement is not enough, whatever it says."""
    issued = scene.trade.settle()
    said = call_of(scene.trade.domains, [piece_of(issued)])
    alone = scene.recorder.door.endorse(*said, organisations=[scene.own])
    invalid = refusal_of(lambda: scene.recorder.door.order(alone))
    code = Code.ENDORSEMENT_POLICY_FAILURE.name
    receipt.compare("endorsed by one alone", _code_of(invalid), code)
    receipt.compare("endorsed by one alone: kept", scene.rival.find(scene.id_of(issued)), None)
    scene.recorder.record_settlements(scene.trade.domains, [piece_of(issued)])
    scene.counted.append(scene.id_of(issued))


def act_disagreement(scene: Scene, receipt: Receipt) -> None:
    """Two organisations whose code differs: which key, which value."""
    stage, trade = scene.stage, scene.trade
    (stage.folder / "older.py").write_text(OLDER)
    stage.deploy(SPLIT, CHAINCODE, {SECOND: "older:OlderRegistry"})
    begin_registry(stage, SPLIT, trade, 0)
    split = ConsortiumEvidence(scene.station.door(SPLIT))
    issued = trade.settle()
    differing = refusal_of(lambda: split.record_settlements(trade.domains, [piece_of(issued)]))
    key = f"evidence/{scene.id_of(issued).hex()}"
    named = () if stage.development is None else (key, FIRST, SECOND)  # Fabric names nothing
    check_disagreement(receipt, differing, named)
    receipt.compare("organisations disagree: kept", split.find(scene.id_of(issued)), None)


def act_root(scene: Scene, receipt: Receipt) -> Callable[[], object]:
    """A root is anchored in time; another is endorsed in time and held back.

    Returns:
        What submits the one that was held back.
    """
    trade, domains = (
        scene.trade,
        (scene.trade.domains.of_vouchers, scene.trade.domains.of_issuances),
    )
    issued = [trade.settle() for _ in range(LEAVES)]
    pieces = [EvidencePiece(each.claim, each.signatures) for each in issued]
    head, _ = describe(pieces, trade.controller.address, *domains)
    scene.wait("the clocks say a time", lambda: scene.station.now(CHAINCODE) > 0)
    anchored = anchor_between_ticks(scene.anchorer, head, scene.stage.clock_s)
    proof = RootProof(trade.controller.address, head.root, 2, plant(pieces, *domains).branch(2))
    signers = scene.rival.verify(FIRST, trade.domains, proof, piece_of(issued[2]))
    keys = (trade.payer, trade.seller, trade.controller)
    receipt.compare("root: signers under it", signers, tuple(key.address for key in keys))
    in_time = anchored <= scene.anchor_until
    receipt.require("root: anchored in time", in_time, anchored, f"<= {scene.anchor_until}")
    root = (requests.ANCHOR_ROOT, trade.settle().issuance.hex(), "3", str(head.cid))
    said = call_of(trade.domains, [piece_of(held_piece := trade.settle())])
    held = scene.anchorer.door.endorse(*root)
    recording = scene.recorder.door.endorse(*said)

    def submit() -> None:
        scene.await_time(scene.anchor_until)
        invalid = refusal_of(lambda: scene.anchorer.door.order(held))
        receipt.compare("held back: the root", _code_of(invalid), Code.MVCC_READ_CONFLICT.name)
        late = refusal_of(lambda: scene.anchorer.door.endorse(*root))
        has_name = "TooLate" in words_of(late)
        receipt.require("held back: asked anew", has_name, words_of(late), "TooLate")
        nothing = scene.rival.root(FIRST, trade.controller.address, Hash32(bytes.fromhex(root[1])))
        receipt.compare("held back: kept of the root", nothing, None)
        code = scene.recorder.door.order(recording).code
        scene.counted.append(scene.id_of(held_piece))
        receipt.compare("held back: what no deadline decides", code.name, Code.VALID.name)

    return submit


def act_events(scene: Scene, receipt: Receipt) -> None:
    """What the ledger tells of is what was reported committed: all of it, and nothing twice."""
    found = hear(scene, scene.begun, set(scene.counted))
    receipt.compare("events: evidence told of", len(found), len(scene.counted))
    missing, more = Counter(scene.counted) - Counter(found), Counter(found) - Counter(scene.counted)
    receipt.compare("events: missing", [each.hex() for each in missing.elements()], [])
    receipt.compare(
        "events: twice, or never reported", [each.hex() for each in more.elements()], []
    )
    receipt.evidence["evidence recorded"] = len(found)


def act_verify(scene: Scene, receipt: Receipt) -> None:
    """Everything is checked anew from the first block; then one byte is changed in a copy."""
    ledger = scene.stage.development
    if ledger is None:
        return
    stop_clocks(ledger.folder)
    seen = scene.station.gateway.height()
    words = ["ledger", "verify", "--home", str(ledger.home), "--json"]
    (channel,) = json.loads(run_command(scene.stage.folder, words))["channels"]
    receipt.compare("verify: blocks that were checked", channel["blocks"], seen)
    ledger.close()
    place, orderer = scene.stage.folder / "copy", Organisations.open(ledger.folder).orderer.read()
    shutil.copytree(ledger.folder / "channels", place / "channels")
    receipt.compare("verify: blocks of a copy", verify_folder(place, orderer)[0].blocks, seen)
    file, text = next((place / "channels").glob("*.sqlite")), scene.counted[0].hex().encode()
    where = f"{channel['channel']}, block {change_byte(file, text)}"
    check_damage(receipt, refusal_of(lambda: verify_folder(place, orderer)), where)


def change_byte(path: Path, text: bytes) -> int:
    """Change one bit of the first block in the file of a channel that holds this text.

    Returns:
        Number of the block.

    Raises:
        Unrecoverable: no block holds it.
    """
    with closing(sqlite3.connect(path)) as store:
        for number, raw in store.execute("SELECT number, raw FROM blocks ORDER BY number"):
            at = raw.find(text)
            if at >= 0:
                changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
                store.execute("UPDATE blocks SET raw = ? WHERE number = ?", (changed, number))
                store.commit()
                return int(number)
    raise Unrecoverable("stands in no block", who=text.decode(), had=path.name)


def tell_of(kept: Kept | None) -> str:
    """A piece of evidence as it is kept, in a line."""
    if kept is None:
        return "nothing"
    return f"{kept.found.evidence.hex()[:16]} told at {kept.told_at}"


def _code_of(error: EdgemarkError | None) -> str:
    """The code of a transaction that does not count."""
    return error.code.name if isinstance(error, TransactionInvalid) else words_of(error)
