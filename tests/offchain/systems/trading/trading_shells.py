"""Rooms of the system, and files of its rooms, that touch the world; all others are pure.

Credentials are named with them for what they stand on: keys of identities, told by a chain.
"""

SHELLS = frozenset(
    {
        "contract.events",
        "credentials",
        "contract.evidence.events",
        "contract.market.events",
        "contract.market.registry",
        "station",
        "contract.towers.events",
        "work.engine",
        "work.executing",
        "work.spool",
    }
)
