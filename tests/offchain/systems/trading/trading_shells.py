"""Rooms of the system, and files of its rooms, that touch the world; all others are pure.

Credentials are named with them for what they stand on: keys of identities, told by a chain.
"""

SHELLS = frozenset(
    {
        "contract.events",
        "credentials",
        "evidence.events",
        "market.events",
        "market.registry",
        "station",
        "tower.events",
        "work.engine",
        "work.executing",
        "work.spool",
    }
)
