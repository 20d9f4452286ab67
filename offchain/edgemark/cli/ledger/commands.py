"""The commands of `edgemark ledger`: a line each, imported when they are called."""

from __future__ import annotations

from edgemark.cli.terminal.lazy import Place

LEDGER = {
    "advance": Place("ledger.owning", "advance", "Move the ledger's clocks ahead."),
    "down": Place("ledger.serving", "down", "Stop the ledger of this home."),
    "identity": Place("ledger.identity", "identity", "Issue, revoke and list certificates."),
    "init": Place("ledger.serving", "init", "Make organisations and channels, without starting."),
    "profile": Place("ledger.profile", "profile", "Print a connection profile."),
    "revert": Place("ledger.owning", "revert", "Take the ledger back to a snapshot."),
    "serve": Place("ledger.serving", "serve", "Serve the ledger here, until interrupted."),
    "snapshot": Place("ledger.owning", "snapshot", "Remember the ledger's state."),
    "status": Place("ledger.serving", "status", "Print whether the ledger runs, and where."),
    "up": Place("ledger.serving", "up", "Start a development ledger, or find it running."),
    "verify": Place("ledger.owning", "verify", "Check all that the ledger keeps."),
}
