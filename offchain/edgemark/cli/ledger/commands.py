"""The commands of `edgemark ledger`: a line each, imported when they are called."""

from __future__ import annotations

from edgemark.cli.terminal.lazy import Place

LEDGER = {
    "down": Place("ledger.serving", "down", "Stop the ledger of this home."),
    "init": Place("ledger.serving", "init", "Make organisations and channels, without starting."),
    "serve": Place("ledger.serving", "serve", "Serve the ledger here, until interrupted."),
    "status": Place("ledger.serving", "status", "Print whether the ledger runs, and where."),
    "up": Place("ledger.serving", "up", "Start a development ledger, or find it running."),
}
