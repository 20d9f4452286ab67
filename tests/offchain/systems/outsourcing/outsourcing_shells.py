"""Rooms of the system, and files of its rooms, that touch the world; all others are pure."""

SHELLS = frozenset(
    {
        "contract.committed",
        "contract.events",
        "contract.settlement",
        "demo",
        "device.beginning",
        "device.device",
        "device.means",
        "device.metrics",
        "device.refusals",
        "evidence.exporting",
        "judge.holding",
        "judge.judge",
        "judge.calls",
        "judge.opening",
        "judge.waiting",
        "node.accepting",
        "node.node",
        "node.speed",
        "node.turns",
        "offline.rehearsal",
        "offline.sharing_files",
        "order.looking",
        "order.ordering",
        "station",
        "story.claiming",
        "story.folding",
        "story.history",
        "story.reading",
    }
)
