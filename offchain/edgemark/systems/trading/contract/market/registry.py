"""TemplateRegistry on one chain: what it has of a version, and the call that registers one."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.ledger.evm.contract.interface import Contract
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.ledger.evm.sending.intent import Call
from edgemark.systems.trading.contract.market.records import TemplateDraft
from edgemark.systems.trading.identifiers import (
    TemplateVersionId,
    compute_template_id,
    pack_name,
)


class VersionUnknown(RefusedInput):
    """Nobody registered this version of a template on this chain."""


@dataclass(frozen=True)
class RegisteredVersion:
    """What a chain keeps of a version.

    Attributes:
        number: of the version.
        text_bytes: length of its text.
        registered_at, deprecated_at: Unix seconds; 0: it is not deprecated.
        content_hash: Keccak-256 of its text.
        settlement: of an initiation template, the version of its settlement template.
    """

    number: int
    text_bytes: int
    registered_at: Timestamp
    deprecated_at: Timestamp
    content_hash: Hash32
    settlement: TemplateVersionId


class TemplateRegistry:
    """The registry on chain.

    Args:
        chain: where it is.
        contract: its address and interface.
    """

    def __init__(self, chain: EvmChain, contract: Contract) -> None:
        self._chain = chain
        self._contract = contract

    def version_of(self, version: TemplateVersionId) -> RegisteredVersion:
        """What is kept of a version, as of the latest block.

        Raises:
            VersionUnknown: nobody registered it.
        """
        found = self._chain.call(self._contract, "versionOf", version, block="latest")
        kind, number, text_bytes, registered_at, deprecated_at, content_hash, settlement = found
        if not kind:
            raise VersionUnknown(
                "is registered by nobody",
                who=f"template version {version.hex()}",
                needed="an id of `edgemark trading template list`",
            )
        return RegisteredVersion(
            int(number),
            int(text_bytes),
            Timestamp(registered_at),
            Timestamp(deprecated_at),
            Hash32(bytes(content_hash)),
            TemplateVersionId(bytes(settlement)),
        )

    def latest_of(self, registrant: Address, name: str) -> int:
        """Number of the last version of a template; 0 when there is none."""
        template = compute_template_id(registrant, name)
        _, latest = self._chain.call(self._contract, "templateOf", template, block="latest")
        return int(latest)

    def register(self, draft: TemplateDraft) -> Call:
        """Register the next version of a template of the sender's."""
        return Call(self._contract, "register", (draft.as_abi(),))

    def deprecate(self, name: str, number: int) -> Call:
        """Let a version of a template of the sender's be for no new offer, for good."""
        return Call(self._contract, "deprecate", (pack_name(name), number))
