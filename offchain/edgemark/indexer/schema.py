"""Tables of an index file, and under which keys an event is found.

facts     what the file is an index of, and its version
blocks    the cursor (highest number), the tail, every block with an event, some in between
events    the logs as the chain holds them, with the names of contract and event
mentions  account, hash or subject of a lock -> the events that name it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edgemark.ledger.evm.contract.chain_event import ChainEvent
from edgemark.ledger.evm.contract.interface import Contract, snake_case

SCHEMA_VERSION = 2  # since locks are known by locker and subject

TABLES = ("facts", "blocks", "events", "mentions")
SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL, parent BLOB NOT NULL, timestamp INTEGER NOT NULL
);
CREATE TABLE events (
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    place INTEGER NOT NULL, contract TEXT NOT NULL, event TEXT NOT NULL,
    tx BLOB NOT NULL, topics BLOB NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (block, place)
) WITHOUT ROWID;
CREATE INDEX events_by_kind ON events (event, block, place);
CREATE TABLE mentions (
    key BLOB NOT NULL, block INTEGER NOT NULL, place INTEGER NOT NULL, field TEXT NOT NULL,
    PRIMARY KEY (key, block, place, field),
    FOREIGN KEY (block, place) REFERENCES events (block, place) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX mentions_by_place ON mentions (block, place);
"""


SELECT = (
    "SELECT events.block, place, contract, tx, topics, data, hash, timestamp "
    "FROM events JOIN blocks ON blocks.number = events.block "
)

KEYS = "SELECT DISTINCT key FROM mentions JOIN events USING (block, place) "


def those_of(
    kinds: Iterable[type[ChainEvent]], contracts: Iterable[Contract]
) -> tuple[str, list[str]]:
    """Condition on the rows of events of these kinds, and the values of its question marks.

    It asks for the contracts that log the kind itself: another's event may have the same name.
    """
    parts, values, known = [], list[str](), list(contracts)
    for kind in kinds:
        name = kind.__name__
        loggers = [each.name for each in known if each.events.get(name) is kind]
        parts.append(f"event = ? AND contract IN ({', '.join('?' * len(loggers))})")
        values += [name, *loggers]
    return " OR ".join(parts), values


def mentions_of(contract: Contract, event: ChainEvent) -> Iterator[tuple[str, bytes]]:
    """(field, key) for each account, hash and subject of a lock that an event names."""
    for at, part in enumerate(contract.interface.events[type(event).__name__]["inputs"]):
        field = snake_case(part["name"], at)
        value = getattr(event, field)
        match part["type"]:
            case "address":
                yield field, bytes.fromhex(value[2:])
            case "address[]":
                yield from ((field, bytes.fromhex(each[2:])) for each in value)
            case "bytes32" if part["indexed"]:
                yield field, value
