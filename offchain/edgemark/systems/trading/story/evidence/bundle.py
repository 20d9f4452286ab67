"""The bundle of a channel: what a party holds of it, and what a chain says, for a stranger to try.

Canonical JSON, version 1: keys sorted, no spaces, one newline at the end. One bundle has one
encoding, and a file that is not exactly it is refused. What is signed in it, and by whom:

| part                        | signed by                                               |
|-----------------------------|---------------------------------------------------------|
| `initiation_credential`     | the seller's identity; its digest stands in the terms   |
| both templates              | nobody: the credential has their digests                |
| `settlements`, the token    | the controller's key; the voucher in it by both parties |
| `settlements`, the issuance | the controller: voucher and credential, for the chain   |
| `voucher`                   | both parties                                            |
| `anchored`                  | nobody: a branch leads from a settlement to a root      |
| `channel`, `amounts`        | nobody: what the chain says, and what follows from it   |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgemark.chronicle.telling import facts_of_checks
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32, Timestamp
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.identity.credentials.reading import read_signed
from edgemark.systems.trading.contract.evidence.facts import facts_of, value_of
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain, EvidenceDomain
from edgemark.systems.trading.contract.records import Voucher
from edgemark.systems.trading.credentials.keeping import MAX_KEPT
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.credentials.payloads import parse_signature, write_hex
from edgemark.systems.trading.credentials.settlement import read_settlement
from edgemark.systems.trading.protocol.letters import ChannelDomain
from edgemark.systems.trading.protocol.messages import Countersigned
from edgemark.systems.trading.story.story import ChannelStory, check_amounts
from edgemark.systems.trading.templates.template import MAX_TEXT_BYTES, read_template
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.canonical_json import NotThatFormat, items, text

MAX_BUNDLE_BYTES = 64 * 2**20  # 4,096 settlements of 4 KB are 17 MB
MAX_ANCHORED = 4096


class MalformedChannelBundle(RefusedInput):
    """A file that is no bundle of a channel of this version."""


FORM = FileForm("edgemark-channel", 1, "bundle", MAX_BUNDLE_BYTES, MalformedChannelBundle)


@dataclass(frozen=True)
class Leaf:
    """Where a settlement stands under an anchored root.

    Attributes:
        index: of the settlement; its credential is in the bundle.
        controller: that anchored the root, over so many leaves.
        cid: of the list, as the chain has it.
        block, time, tx: of the transaction that anchored it.
        position: of the leaf, from 0; `branch` leads from there to the root.
    """

    index: int
    controller: Address
    root: Hash32
    leaves: int
    cid: str
    block: int
    time: Timestamp
    tx: Hash32
    position: int
    branch: tuple[Hash32, ...]


@dataclass(frozen=True)
class Bundle:
    """Evidence of one channel.

    Attributes:
        story: what the chain says of it until a block.
        controllers, registry: contracts that issuances and evidence are signed for.
        token: the initiation credential, as it was signed.
        initiation_text, settlement_text: canonical texts of both templates.
        settlements: credentials that the party keeps, ascending by index.
        voucher: the newest that both signed, where the party has one.
        anchored: where settlements stand under roots, ascending by index.
    """

    story: ChannelStory
    controllers: Address
    registry: Address
    token: str = field(repr=False)
    initiation_text: bytes = field(repr=False)
    settlement_text: bytes = field(repr=False)
    settlements: tuple[KeptSettlement, ...]
    voucher: Countersigned | None
    anchored: tuple[Leaf, ...]

    @property
    def domain(self) -> ChannelDomain:
        """Of what parties of the channel sign."""
        return ChannelDomain(self.story.chain_id, self.story.escrow)

    @property
    def controllers_domain(self) -> ControllersDomain:
        """Of what its controllers sign."""
        return ControllersDomain(self.story.chain_id, self.controllers)

    @property
    def evidence_domain(self) -> EvidenceDomain:
        """Of what both sign of its first credential."""
        return EvidenceDomain(self.story.chain_id, self.registry)

    @property
    def reveals(self) -> str:
        """What whoever reads the bundle learns, in words that the bundle carries."""
        many = len(self.settlements)
        return (
            "Who traded with whom, at which price, what was locked, paid and returned, and what "
            f"{many} settlements say: readings and fees, but for claims that are sealed, which "
            "stay so. Nothing of what was computed."
        )

    def to_json(self) -> bytes:
        """The one encoding.

        Raises:
            MalformedChannelBundle: it is larger than anybody reads.
        """
        raw = FORM.write(self.facts())
        if len(raw) > MAX_BUNDLE_BYTES:
            raise MalformedChannelBundle(
                "is larger than anybody reads",
                who=f"bundle of {len(self.settlements)} settlements",
                had=f"{len(raw)} bytes",
                needed=f"<= {MAX_BUNDLE_BYTES}",
                remedy="Put fewer in: --last N.",
            )
        return raw

    def facts(self) -> dict[str, Any]:
        """What the file says beside what it is."""
        texts = {"initiation": self.initiation_text, "settlement": self.settlement_text}
        return {
            "reveals": self.reveals,
            "controllers": self.controllers,
            "registry": self.registry,
            "initiation_credential": self.token,
            "templates": {
                name: {"text": raw.decode(), "hash": read_template(raw).content_hash.hex()}
                for name, raw in texts.items()
            },
            "settlements": [
                {"token": each.credential.token, "issuance": write_hex(each.issuance)}
                for each in self.settlements
            ],
            "voucher": None if self.voucher is None else _facts_of_voucher(self.voucher),
            "anchored": facts_of(tuple[Leaf, ...], self.anchored),
            "channel": facts_of(ChannelStory, self.story),
            "amounts": facts_of_checks(check_amounts(self.story)),
        }

    @staticmethod
    def from_json(raw: bytes) -> Bundle:
        """Parse and check the form; what it says is checked by `retrial.py`.

        Raises:
            MalformedChannelBundle: not the one encoding of a bundle of this version.
        """
        return FORM.read(raw, _bundle_of, Bundle.facts)


def _bundle_of(facts: Mapping[str, Any]) -> Bundle:
    templates = facts["templates"]
    bundle = Bundle(
        story=value_of(ChannelStory, facts["channel"]),
        controllers=value_of(Address, facts["controllers"]),
        registry=value_of(Address, facts["registry"]),
        token=_token_of(facts["initiation_credential"]),
        initiation_text=_text_of(templates["initiation"]["text"]),
        settlement_text=_text_of(templates["settlement"]["text"]),
        settlements=tuple(map(_settlement_of, items(facts["settlements"], most=MAX_KEPT))),
        voucher=None if facts["voucher"] is None else _voucher_of(facts["voucher"]),
        anchored=value_of(tuple[Leaf, ...], items(facts["anchored"], most=MAX_ANCHORED)),
    )
    for what, order in (
        ("settlements", [each.said.voucher.index for each in bundle.settlements]),
        ("anchored", [each.index for each in bundle.anchored]),
    ):
        if order != sorted(set(order)):
            needed = "ascending by index, each once"
            raise MalformedChannelBundle("is out of order", who=f"bundle, {what}", needed=needed)
    return bundle


def _settlement_of(facts: Mapping[str, Any]) -> KeptSettlement:
    signed = read_signed(_token_of(facts["token"]))
    return KeptSettlement(signed, read_settlement(signed), parse_signature(facts["issuance"]))


def _voucher_of(facts: Mapping[str, Any]) -> Countersigned:
    voucher: Voucher = value_of(Voucher, facts["voucher"])
    signed = (parse_signature(facts[name]) for name in ("seller_signature", "payer_signature"))
    return Countersigned(voucher, *signed)


def _facts_of_voucher(signed: Countersigned) -> dict[str, Any]:
    return {
        "voucher": facts_of(Voucher, signed.voucher),
        "seller_signature": write_hex(signed.seller_signature),
        "payer_signature": write_hex(signed.payer_signature),
    }


def _token_of(value: Any) -> str:
    token = text(value)
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():
        raise NotThatFormat(f"signed text of at most {MAX_TOKEN_BYTES} bytes needed")
    return token


def _text_of(value: Any) -> bytes:
    raw = text(value).encode()
    if len(raw) > MAX_TEXT_BYTES:
        raise NotThatFormat(f"text of at most {MAX_TEXT_BYTES} bytes needed")
    return raw
