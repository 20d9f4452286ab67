"""Rooms of the system, and files of its rooms, that touch the world; all others are pure."""

SHELLS = frozenset(
    {
        "contract.events",
        "evidence.events",
        "station",
        "work.engine",
        "work.executing",
        "work.spool",
    }
)
