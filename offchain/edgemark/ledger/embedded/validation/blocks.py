"""Validates a block: every check in Fabric's order, and what counts of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fabric_protos.common import common_pb2

from edgemark.errors import LedgerUnavailable, Overloaded, Unrecoverable
from edgemark.ledger.embedded.eras import make_position
from edgemark.ledger.embedded.validation import endorsements, headers
from edgemark.ledger.embedded.validation.candidates import Candidate
from edgemark.ledger.embedded.validation.configuring import check_configuration, configuration_of
from edgemark.ledger.embedded.validation.conflicts import (
    BlockSoFar,
    Conflict,
    check_ranges,
    check_reads,
    check_reads_in_block,
)
from edgemark.ledger.embedded.validation.ground import Ground, Members
from edgemark.ledger.fabric.configuration.configurations import Configuration
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.read_write_sets import NamespaceSet, Version

Check = Callable[[Candidate, Ground], Code | None]
MarksDuplicates = Callable[[Sequence[Candidate], list[Code]], None]
# What says nothing of an envelope: the state could not be read, or there was no room.
NOBODYS = (LedgerUnavailable, Overloaded, Unrecoverable, OSError, MemoryError)

OF_ALL: tuple[Check, ...] = (
    headers.check_envelope,
    headers.check_payload,
    headers.check_common_header,
    headers.check_order_of_fields,
    headers.check_creator,
    headers.check_kind,
)
OF_CONFIGURATIONS: tuple[Check, ...] = (check_configuration,)
OF_TRANSACTIONS: tuple[Check, ...] = (
    headers.check_transaction_id,
    headers.check_one_action,
    headers.check_action_header,
    headers.check_asked,
    headers.check_proposal_hash,
    headers.check_channel,
    headers.check_is_new,
    endorsements.check_parts,
    endorsements.check_chaincode,
    endorsements.check_event,
    endorsements.check_namespaces,
    endorsements.check_supported,
    endorsements.check_policies,
    endorsements.check_written,
)
OF_READS: tuple[Conflict, ...] = (check_reads_in_block, check_reads, check_ranges)


def mark_duplicates(candidates: Sequence[Candidate], flags: list[Code]) -> None:
    """Of good transactions of one id in one block, the first alone stays so."""
    seen: set[str] = set()
    for place, each in enumerate(candidates):
        if flags[place] is not Code.VALID or not (own_id := each.own_id):
            continue
        if own_id in seen:
            flags[place] = Code.DUPLICATE_TXID
        seen.add(own_id)


@dataclass(frozen=True)
class Outcome:
    """What became of a block.

    Attributes:
        flags: a code for each of its transactions.
        candidates: them, taken apart.
        configuration: that it brings, counting from the next block on; None for none.
        faults: what nobody foresaw, by the place of the transaction that made a check raise it,
            whose flag is INVALID_OTHER_REASON.
    """

    flags: tuple[Code, ...]
    candidates: tuple[Candidate, ...]
    configuration: Configuration | None
    faults: Mapping[int, Exception] = field(default_factory=dict)


@dataclass(frozen=True)
class Validator:
    """All checks, in their order; a test takes one away to see that it is needed.

    Attributes:
        of_all: of every envelope.
        of_configurations: of a configuration.
        of_transactions: of an endorsed transaction.
        marks_duplicates: of ids within the block.
        of_reads: of each namespace of what was read.
    """

    of_all: tuple[Check, ...] = OF_ALL
    of_configurations: tuple[Check, ...] = OF_CONFIGURATIONS
    of_transactions: tuple[Check, ...] = OF_TRANSACTIONS
    marks_duplicates: MarksDuplicates = mark_duplicates
    of_reads: tuple[Conflict, ...] = OF_READS

    def validate(self, number: int, envelopes: Sequence[bytes], ground: Ground) -> Outcome:
        """Say of each envelope of a block whether it counts.

        An envelope that makes a check raise what nobody foresaw is INVALID_OTHER_REASON: one alone
        stops no channel. It is looked at twice, the second time with nothing remembered, so that
        the verdict is the one that anybody finds who looks later.

        Args:
            number: of the block.
            envelopes: in their order.
            ground: what the block stands on; `size` is set here.

        Raises:
            LedgerUnavailable, Overloaded, Unrecoverable, OSError, MemoryError: the state cannot be
                read, or there is no room: this says nothing of any envelope.
        """
        ground.size = len(envelopes)
        faults: dict[int, Exception] = {}
        judged = [self._judge(raw, ground, faults, at) for at, raw in enumerate(envelopes)]
        candidates, flags = tuple(each for each, _ in judged), [code for _, code in judged]
        self.marks_duplicates(candidates, flags)
        so_far = BlockSoFar(ground.state)
        configuration = None
        for place, each in enumerate(candidates):
            if flags[place] is not Code.VALID:
                continue
            if each.channel_header.type == common_pb2.CONFIG:
                configuration = configuration_of(each)
                continue
            try:
                flags[place] = self._check_reads(each.sets, so_far)
            except NOBODYS:
                raise
            except Exception as error:  # noqa: BLE001 - the outcome tells it
                faults[place], flags[place] = error, Code.INVALID_OTHER_REASON
            if flags[place] is Code.VALID:
                for one in each.sets:
                    so_far.write(one, Version(number, make_position(ground.era, place)))
        return Outcome(tuple(flags), candidates, configuration, faults)

    def accept_first(self, envelopes: Sequence[bytes], configuration: Configuration) -> Outcome:
        """What becomes of a channel's first block, whose configuration was read and checked."""
        candidates = tuple(map(Candidate, envelopes))
        return Outcome((Code.VALID,) * len(candidates), candidates, configuration)

    def _judge(
        self, raw: bytes, ground: Ground, faults: dict[int, Exception], place: int
    ) -> tuple[Candidate, Code]:
        candidate = Candidate(raw)
        try:
            return candidate, self._check_alone(candidate, ground)
        except NOBODYS:
            raise
        except Exception:  # noqa: BLE001 - it is looked at again
            ground = replace(ground, members=Members(ground.configuration), _rules={})
        candidate = Candidate(raw)
        try:
            return candidate, self._check_alone(candidate, ground)
        except NOBODYS:
            raise
        except Exception as error:  # noqa: BLE001 - the outcome tells it
            faults[place] = error
        return candidate, Code.INVALID_OTHER_REASON

    def _check_alone(self, candidate: Candidate, ground: Ground) -> Code:
        code = _first(self.of_all, candidate, ground)
        if code is not Code.VALID:
            return code
        is_config = candidate.channel_header.type == common_pb2.CONFIG
        checks = self.of_configurations if is_config else self.of_transactions
        return _first(checks, candidate, ground)

    def _check_reads(self, sets: Sequence[NamespaceSet], so_far: BlockSoFar) -> Code:
        for each in sets:
            for check in self.of_reads:
                code = check(each, so_far)
                if code is not None:
                    return code
        return Code.VALID


def _first(checks: Sequence[Check], candidate: Candidate, ground: Ground) -> Code:
    for check in checks:
        code = check(candidate, ground)
        if code is not None:
            return code
    return Code.VALID


def identify(candidate: Candidate) -> tuple[str, int]:
    """Id and timestamp of a transaction, as far as its header can be read; "" and 0 if not.

    An id that nonce and creator do not give is none: who claims another's stands in the block, and
    is not what anybody finds by that id.
    """
    try:
        return candidate.own_id, candidate.timestamp_ns
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, it is no id
        return "", 0
