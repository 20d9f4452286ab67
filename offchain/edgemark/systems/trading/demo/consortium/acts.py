"""The acts: what is written, what is refused, what does not count, what survives.

Each act notes checks that compare what the ledger says with what a client recorded.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from edgemark.demo.commands import run_command
from edgemark.errors import EdgemarkError, Unrecoverable
from edgemark.identifiers import Address, Hash32
from edgemark.ledger.embedded.channel.ledger import verify_folder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.fabric.client.events import ChaincodeEvent
from edgemark.ledger.fabric.faults import EndorsementsDiffer, TransactionInvalid
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.party.consortium.clocks import stop_clocks
from edgemark.process import tether
from edgemark.receipt import Receipt
from edgemark.settings.loading import without_settings
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.kept import Kept
from edgemark.systems.trading.contract.evidence.pieces import RootProof
from edgemark.systems.trading.controller.recording.lists import EvidencePiece, describe, plant
from edgemark.systems.trading.credentials.settlement import Issued
from edgemark.systems.trading.demo.consortium.scene import (
    FIRST,
    SECOND,
    VISITOR,
    Scene,
    begin_registry,
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
DYING = "edgemark.systems.trading.demo.consortium.dying"
DYING_S = 120.0
EVENTS_S = 60.0
BEHIND_S = 5.0  # in which what was told twice would come again
MOMENT = 4  # recordings after which the ledger is killed
MOST_TOLD = 700  # characters of what differs
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
    has_name = refused is not None and "EvidenceExists" in _words_of(refused)
    receipt.require("again: it is refused", has_name, _words_of(refused), "EvidenceExists")
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
    told = _words_of(differing)
    key = f"evidence/{scene.id_of(issued).hex()}"
    is_told = isinstance(differing, EndorsementsDiffer)
    is_told &= all(each in told for each in (key, FIRST, SECOND))
    if stage.development is None:  # Fabric says that they differ, and not in what
        is_told = differing is not None
        key = "that they differ"
    receipt.require("organisations disagree: what differs", is_told, told[-MOST_TOLD:], key)
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
    anchored = _anchor(scene, head.root, head.leaves, str(head.cid))
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
        has_name = "TooLate" in _words_of(late)
        receipt.require("held back: asked anew", has_name, _words_of(late), "TooLate")
        nothing = scene.rival.root(FIRST, trade.controller.address, Hash32(bytes.fromhex(root[1])))
        receipt.compare("held back: kept of the root", nothing, None)
        code = scene.recorder.door.order(recording).code
        scene.counted.append(scene.id_of(held_piece))
        receipt.compare("held back: what no deadline decides", code.name, Code.VALID.name)

    return submit


def _anchor(scene: Scene, root: Hash32, leaves: int, cid: str) -> int:
    """Anchor it, again where a tick came between; when, by the organisations' clocks."""
    for _ in range(10):
        try:
            return scene.anchorer.anchor_root(root, leaves, cid).anchored_at
        except TransactionInvalid as invalid:
            if not invalid.is_conflict:
                raise
    raise Unrecoverable("conflicts with every tick", who="root", needed="a moment between two")


def act_killed_client(scene: Scene, receipt: Receipt) -> None:
    """A client dies between Submit and its answer: typed again, it goes on with the same."""
    stage = scene.stage
    home = stage.write_home("mortal", FIRST, "User1")
    issued, path = scene.trade.settle_into(scene.files)
    died = subprocess.run(  # noqa: S603 - our own program
        tether([sys.executable, "-m", DYING, str(home), str(path)]),
        env=without_settings(os.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=DYING_S,
        check=False,
    )
    receipt.compare("killed client: died of", -died.returncode, int(signal.SIGKILL))
    words = ["trading", "settlement", "record", str(path), "--ledger", "profile"]
    done = json.loads(run_command(stage.folder, [*words, "--home", str(home), "--json"]))
    scene.counted.append(scene.id_of(issued))
    receipt.compare("killed client: recorded by the same call", done["recorded"], 1)
    kept = scene.rival.find(scene.id_of(issued))
    receipt.require("killed client: it is kept", kept is not None, kept is not None, True)


def act_killed_ledger(scene: Scene, receipt: Receipt) -> None:
    """The ledger is killed while clients submit: all that was reported committed is there."""
    ledger = scene.stage.development
    if ledger is None:
        receipt.caveats.append("Fabric's own programs were not killed, and cannot be verified so.")
        return
    issued = [scene.trade.settle() for _ in range(PARALLEL)]

    def record(each: Issued) -> bool:
        try:
            scene.recorder.record_settlements(scene.trade.domains, [piece_of(each)])
        except EdgemarkError:
            return False
        return True

    wanted = {scene.id_of(each) for each in issued}
    first = scene.station.gateway.height()
    with ThreadPoolExecutor(5) as threads:
        hearing = threads.submit(_hear, scene, first, wanted)  # over a stream that the kill cuts
        futures = [threads.submit(record, each) for each in issued]

        def count() -> int:
            return sum(each.done() and each.result() for each in futures)

        scene.wait("some are recorded", lambda: count() >= MOMENT)
        before = count()
        ledger.kill()
        ledger.start()
        reported = [each for each, done in zip(issued, futures, strict=True) if done.result()]
        kept = [each for each in reported if scene.rival.find(scene.id_of(each)) is not None]
        told = len(reported) >= before >= MOMENT
        receipt.require("killed ledger: some were reported before", told, before, MOMENT)
        receipt.compare("killed ledger: reported committed and kept", len(kept), len(reported))
        for each in issued:  # the same calls again: those that were lost count now, none twice
            scene.recorder.record_settlements(scene.trade.domains, [piece_of(each)])
        heard = Counter(each for each in hearing.result() if each in wanted)
    receipt.compare("killed ledger: told over it, once each", heard == Counter(wanted), True)
    scene.counted += [scene.id_of(each) for each in issued]
    receipt.evidence["settlements under way when the ledger was killed"] = PARALLEL - before


def _hear(scene: Scene, first: int, wanted: set[Hash32]) -> list[Hash32]:
    """Ids of evidence that the ledger tells of, until all wanted ones and those behind are told."""
    found = list[tuple[int, Hash32]]()
    controller = scene.trade.controller.address  # others may record on the same ledger
    until, last = time.monotonic() + EVENTS_S, first
    for event in scene.rival.door.list_events(wait_s=EVENTS_S, first=first):
        found += [(event.block, each) for each in _evidence_in(event, controller)]
        last = event.block
        if wanted <= {each for _, each in found} or time.monotonic() > until:
            break
    behind = [  # the last block whole, and what comes after it
        each
        for event in scene.rival.door.list_events(wait_s=BEHIND_S, first=last)
        for each in _evidence_in(event, controller)
    ]
    return [each for block, each in found if block < last] + behind


def _evidence_in(event: ChaincodeEvent, controller: Address) -> list[Hash32]:
    if event.event.name != requests.RECORDED:
        return []
    kept = requests.parse(tuple[Kept, ...], event.event.payload.decode(), who="event")
    return [each.found.evidence for each in kept if controller in each.found.signers]


def act_events(scene: Scene, receipt: Receipt) -> None:
    """What the ledger tells of is what was reported committed: all of it, and nothing twice."""
    found = _hear(scene, scene.begun, set(scene.counted))
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
    change_byte(next((place / "channels").glob("*.sqlite")), scene.counted[0].hex().encode())
    fault = refusal_of(lambda: verify_folder(place, orderer))
    receipt.require("verify: one byte changed", fault is not None, _words_of(fault), "a fault")


def change_byte(path: Path, text: bytes) -> None:
    """Change one bit of the first block in the file of a channel that holds this text."""
    with closing(sqlite3.connect(path)) as store:
        for number, raw in store.execute("SELECT number, raw FROM blocks ORDER BY number"):
            at = raw.find(text)
            if at >= 0:
                changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
                store.execute("UPDATE blocks SET raw = ? WHERE number = ?", (changed, number))
                store.commit()
                return


def tell_of(kept: Kept | None) -> str:
    """A piece of evidence as it is kept, in a line."""
    if kept is None:
        return "nothing"
    return f"{kept.found.evidence.hex()[:16]} told at {kept.told_at}"


def _words_of(error: EdgemarkError | None) -> str:
    """All that an error says, every endorser's words among it."""
    if error is None:
        return "nothing was refused"
    said = [each.message for each in getattr(error, "endorsers", ())]
    return "; ".join([str(error), *said])


def _code_of(error: EdgemarkError | None) -> str:
    """The code of a transaction that does not count."""
    return error.code.name if isinstance(error, TransactionInvalid) else _words_of(error)
