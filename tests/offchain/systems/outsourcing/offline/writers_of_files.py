"""Which modules write files, and what tells a changed byte of theirs."""

from __future__ import annotations

import re

WRITERS = {  # modules that write files, and their kind here; "never": docs/operating.md says why
    "cli.credentials.exporting": "never: a signed credential, for whoever checks it",
    "cli.credentials.issuing": "never: a signed credential, for whoever checks it",
    "cli.terminal.outputs": "evidence",
    "cli.terminal.page": "never: a receipt's page",
    "cli.trading.buying.together": "never: results of a purchase, for its user",
    "cli.trading.template": "never: a template's text, known by its hash alone",
    "deployment.deployment": "manifest",
    "identity.credentials.agreement": "never here: a key has its public one beside it",
    "identity.credentials.keeping": "credential",
    "identity.credentials.status.publishing": "status list",
    "identity.did.signed_act": "signed act",
    "identity.keys": "account.key",
    "identity.registration": "registration",
    "journal.journal": "journal",
    "journal.place": "journal",
    "ledger.launching.notes": "chain.json",
    "loop.archive": "archive",
    "metrics.text_file": "never: metrics, for a collector",
    "models.files": "plan",
    "party.evm.cursor": "judge.cursor",
    "party.wishes.asking": "never: a wish is gone with its answer, within its time",
    "party.wishes.wish": "never: as `party.wishes.asking`",
    "settings.editing": "never: settings, which people write too",
    "storage.local": "block",
    "systems.outsourcing.offline.sharing_files": "share",
    "systems.outsourcing.station.functions": "functions",
    "systems.trading.buyer.orders.shelf": "never here: `test_shelf_of_a_buyer` tries its files",
    "systems.trading.controller.recording.recorder": "never here: `test_evidence_recorder` does",
    "systems.trading.credentials.keeping": "never: signed credentials, for whoever checks them",
    "systems.trading.seller.serving.parts": "never here: parts have their digests as names",
    "systems.trading.station.accords.keys": "never here: keys have their accounts as names",
    "systems.trading.station.deals": "never here: `test_deals_kept` changes them",
    "systems.trading.tower.retainers": "never here: `test_book_of_retainers` changes it",
    "systems.trading.work.spool": "never here: `test_spool_on_disk` tries its parts",
    "transport.tls": "tls.pem",
}
PRIVATE = {  # of demonstrations, logs of processes, and pipes to them
    "confinement.inside",
    "confinement.running",
    "demo.evm.network",
    "demo.script",
    "demo.stage",
    "ledger.evm.development.hardhat",
    "ledger.fabric.network.builder",
    "ledger.fabric.network.writing",
    "ledger.launching.program",
    "systems.outsourcing.demo.cast",
    "systems.outsourcing.demo.typed",
    "systems.trading.demo.buying",
    "systems.trading.demo.market",
    "systems.trading.demo.network",
}
WRITING = re.compile(
    r"\b(write_whole|write_parts|write_new|write_text|write_bytes)\(|open\([^)]*\"w|os\.p?write\("
)
