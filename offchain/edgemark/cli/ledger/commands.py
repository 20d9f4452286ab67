"""The commands of `edgemark ledger`: a line each, imported when they are called."""

from __future__ import annotations

from edgemark.cli.terminal.lazy import Place

LEDGER = {
    "advance": Place("ledger.owning", "advance", "Move the ledger's clocks ahead."),
    "clock": Place("ledger.clocks", "clock", "The clock of an organisation."),
    "chaincode": Place("ledger.chaincode", "chaincode", "Bring chaincode to a channel; run it."),
    "down": Place("ledger.serving", "down", "Stop the ledger of this home."),
    "events": Place("ledger.asking.telling", "events", "Print a chaincode's events as they come."),
    "finish": Place("ledger.asking.calling", "finish", "Go on with calls that were left open."),
    "history": Place("ledger.asking.telling", "history", "Print every value that a key had."),
    "identity": Place("ledger.identity", "identity", "Issue, revoke and list certificates."),
    "init": Place("ledger.serving", "init", "Make organisations and channels, without starting."),
    "invoke": Place("ledger.asking.calling", "invoke", "Call a chaincode, until it is committed."),
    "profile": Place("ledger.profile", "profile", "Print a connection profile."),
    "query": Place("ledger.asking.calling", "query", "Ask a chaincode; nothing is changed."),
    "revert": Place("ledger.owning", "revert", "Take the ledger back to a snapshot."),
    "serve": Place("ledger.serving", "serve", "Serve the ledger here, until interrupted."),
    "snapshot": Place("ledger.owning", "snapshot", "Remember the ledger's state."),
    "status": Place("ledger.serving", "status", "Print whether the ledger runs, and where."),
    "up": Place("ledger.serving", "up", "Start a development ledger, or find it running."),
    "verify": Place("ledger.owning", "verify", "Check all that the ledger keeps."),
}
