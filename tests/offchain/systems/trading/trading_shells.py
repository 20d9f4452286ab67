"""Rooms of the system, and files of its rooms, that touch the world; all others are pure.

Credentials are named with them for what they stand on: keys of identities, told by a chain.
"""

SHELLS = frozenset(
    {
        "contract.escrow",
        "contract.events",
        "controller.hub",
        "controller.reception",
        "controller.bonding",
        "controller.channels.known",
        "controller.channels.watching",
        "controller.controller",
        "controller.issuance",
        "controller.recording.figures",
        "controller.recording.recorder",
        "credentials",
        "demo",
        "contract.evidence.controllers",
        "contract.evidence.events",
        "contract.evidence.registry",
        "contract.history",
        "contract.market.events",
        "contract.market.offers",
        "contract.market.registry",
        "seller.parts",
        "seller.serving",
        "station",
        "story.folding",
        "story.history",
        "story.listing",
        "story.reading",
        "contract.towers.events",
        "contract.towers.watchtowers",
        "tower.bonding",
        "tower.calls",
        "tower.retainers",
        "tower.taking",
        "tower.tower",
        "work.engine",
        "work.executing",
        "work.spool",
    }
)
