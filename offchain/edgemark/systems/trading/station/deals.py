"""What a party keeps of each channel's agreement: terms, initiation credential, both templates.

Law 1: a deal is on the disk before anything is said that stands on it, whole or not at all.
Law 2: what is read back is checked as what came from a stranger: the credential is the one that the
       terms name, and the templates are those that both name. Signatures are checked where the
       deal is made; here the digest in the terms, whose hash is the channel, stands for them.
Law 3: claims that are sealed are kept as they were opened by whoever can open them; a controller
       keeps the deal without them.
Law 4: whoever opens them keeps both parties' keys for agreement beside them, as their documents had
       them then: as long as the channel lasts, what is sealed in it is sealed for these. So nobody
       ends a channel by its document, and letters ask no chain of identities.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from edgemark.errors import RefusedInput
from edgemark.files import (
    OWNER_ONLY_FILE,
    make_private_folder,
    read_limited,
    sync_folder,
    write_whole,
)
from edgemark.identifiers import Address
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.identity.credentials.jose.encryption import Reader
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.identity.credentials.schema import check_schema
from edgemark.identity.did.identifier import Did
from edgemark.systems.trading.contract.terms import (
    Terms,
    compute_channel_id,
    facts_of_terms,
    parse_facts_of_terms,
)
from edgemark.systems.trading.credentials.initiation import (
    Templates,
    carried_in,
    check_initiation,
)
from edgemark.systems.trading.credentials.payloads import (
    INITIATION,
    PayloadInvalid,
    party_of,
    schema_of,
    subjects_of,
)
from edgemark.systems.trading.credentials.sealing import check_readers, claims_in
from edgemark.systems.trading.credentials.settlement import Trade
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.agreement import (
    NO_TOKENS,
    Agreement,
    Conditions,
    Pricing,
)
from edgemark.systems.trading.protocol.letters import Role
from edgemark.systems.trading.templates.fields import Encryption
from edgemark.systems.trading.templates.initiation import InitiationClaims
from edgemark.systems.trading.templates.template import (
    MAX_CLAIMS_BYTES,
    MAX_TEXT_BYTES,
    check_named,
    read_template,
)
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.jcs import encode_jcs, parse_hashable

FOLDER = "deals"  # of a home
ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
ENDING, DAMAGED = ".json", ".damaged"
CACHED = 256  # deals in memory
MAX_FILE_BYTES = MAX_TOKEN_BYTES + 4 * (2 * MAX_TEXT_BYTES + MAX_CLAIMS_BYTES)  # with escapes


class DealInvalid(RefusedInput):
    """What is kept, or was handed over, as the agreement of a channel is none."""


class DealUnknown(RefusedInput):
    """Nothing is kept of this channel here."""


class DealDamaged(RefusedInput):
    """What was kept of this channel cannot be used; every other one goes on."""


class DealSealed(RefusedInput):
    """The claims of this deal are for its parties' eyes only, and were not opened here."""


FORM = FileForm("edgemark-deal", 1, "deal", MAX_FILE_BYTES, DealInvalid, has_checksum=True)


@dataclass(frozen=True)
class Deal:
    """What both agreed on, of one channel.

    Attributes:
        terms: whose hash the channel is.
        token: TIC, as it was signed.
        initiation_text, settlement_text: canonical texts of TIT and TST.
        opened: the claims, canonical, of a TIC that is sealed; empty where they are in the clear,
            or were not opened here.
        readers: for whom they were sealed, where they were opened here: the seller's key, then the
            buyer's.
    """

    terms: Terms
    token: str
    initiation_text: bytes = field(repr=False)
    settlement_text: bytes = field(repr=False)
    opened: bytes = field(default=b"", repr=False)
    readers: tuple[Reader, ...] = ()

    @staticmethod
    def of(
        terms: Terms,
        token: str,
        templates: Templates,
        opened: Mapping[str, Any] | None = None,
        readers: Sequence[Reader] = (),
    ) -> Deal:
        """Of what was checked; `opened`: claims that were sealed, for these `readers`.

        Raises:
            RefusedInput: these do not belong together.
        """
        raw = b"" if opened is None else encode_jcs(opened)
        texts = (templates.initiation.text, templates.settlement.text)
        deal = Deal(terms, token, *texts, raw, tuple(readers))
        deal.check()
        return deal

    def check(self) -> None:
        """Check that all parts belong together.

        Raises:
            RefusedInput: with which does not.
        """
        if self.encryption is Encryption.JWE:
            self._check_readers()
        if self.claims is not None:
            check_initiation(self.signed, self.claims, self.templates, self.terms)
            return
        if self.signed.digest != self.terms.initiation:
            had, needed = self.signed.digest, self.terms.initiation
            raise PayloadInvalid(
                "is not the one that the terms name", who="credential", had=had, needed=needed
            )
        tit, tst = self.templates.initiation, self.templates.settlement
        check_schema(self.signed.credential, schema_of(tit))
        check_named(tit, self.terms.initiation_template, who="terms, initiation template")
        check_named(tst, self.terms.settlement_template, who="terms, settlement template")

    def _check_readers(self) -> None:
        """What is sealed is for both parties, and where it was opened, for these keys of theirs."""
        kids = check_readers(carried_in(self.signed), tuple(self.dids.values()))
        had, needed = {each.kid for each in self.readers}, set(kids) if self.opened else set()
        if had != needed:
            who = "readers of sealed claims"
            raise DealInvalid("are others", who=who, had=sorted(had), needed=sorted(needed))

    @cached_property
    def signed(self) -> SignedCredential:
        """The TIC; raises `RefusedInput`."""
        return read_signed(self.token)

    @cached_property
    def templates(self) -> Templates:
        """TIT and TST; raises `RefusedInput`."""
        return Templates(
            read_template(self.initiation_text, who="TIT"),
            read_template(self.settlement_text, who="TST"),
        )

    @cached_property
    def claims(self) -> Mapping[str, Any] | None:
        """Of the TIC; None where they are sealed and were not opened here."""
        clear = claims_in(carried_in(self.signed))
        if clear is not None or not self.opened:
            return clear
        found = parse_hashable(
            self.opened, who="opened claims", most=MAX_CLAIMS_BYTES, refusal=DealInvalid
        )
        if not isinstance(found, dict):
            raise DealInvalid("has no claims", who="opened claims", needed="an object")
        return found

    @cached_property
    def agreed(self) -> InitiationClaims:
        """What the TIC says.

        Raises:
            DealSealed: it is not for this party's eyes.
        """
        if self.claims is None:
            raise DealSealed("is sealed for its parties", who="initiation credential")
        return check_initiation(self.signed, self.claims, self.templates, self.terms)

    @cached_property
    def encryption(self) -> Encryption:
        """How claims of its credentials travel: as those of the TIC do."""
        is_clear = claims_in(carried_in(self.signed)) is not None
        return Encryption.NONE if is_clear else Encryption.JWE

    @property
    def trade(self) -> Trade:
        """What credentials of its intervals say beside what both sign; raises `RefusedInput`."""
        who, template = self.dids, self.templates.settlement
        return Trade(who[Role.SELLER], who[Role.BUYER], template, self.encryption)

    @property
    def pricing(self) -> Pricing:
        """What readings cost; raises as `agreed`."""
        return Pricing(self.agreed)

    @property
    def dids(self) -> Mapping[Role, Did]:
        """Who trades: issuer and subject of the TIC, sealed or not."""
        (subject,) = subjects_of(self.signed, INITIATION, 1)
        return {Role.SELLER: self.signed.issuer, Role.BUYER: party_of(subject)}

    def conditions(self, cycles: int | None = None) -> Conditions:
        """What the TIC fixes beside the terms.

        Args:
            cycles: N of a controller's own where the claims are sealed: all that it needs to know,
                within the most that the TIT fixes.

        Raises:
            DealSealed: the claims are sealed, and no N is given.
        """
        if self.claims is not None or cycles is None:
            return Conditions.of(self.agreed)
        most = int(self.templates.initiation.constant("maxCycles"))
        n = max(1, min(cycles, most))
        return Conditions(1, NO_TOKENS, NO_TOKENS, 0, n, most)


class DealBook:
    """All deals of a home, a file a channel; safe for many threads.

    Args:
        folder: of the files; made when it is needed.
        chain_id: of the escrow.
        escrow: whose channels they are.
    """

    def __init__(self, folder: Path, chain_id: int, escrow: Address) -> None:
        self.folder = folder
        self._chain_id, self._escrow = chain_id, escrow
        self._guard = threading.Lock()
        self._cache: OrderedDict[ChannelId, Deal] = OrderedDict()

    def id_of(self, terms: Terms) -> ChannelId:
        """The channel of these terms."""
        return compute_channel_id(self._chain_id, self._escrow, terms)

    def keep(self, deal: Deal) -> ChannelId:
        """Write a deal down; what is kept of its channel already stays, unless less is known.

        Raises:
            RefusedInput: its parts do not belong together.
            OSError: the disk refuses.
        """
        deal.check()
        channel = self.id_of(deal.terms)
        with self._guard:
            make_private_folder(self.folder)
            path = self._path(channel)
            try:
                had = self._read(channel)
            except DealDamaged:  # it is put aside: an operator may want to look at it
                had = None
                path.replace(path.with_suffix(DAMAGED))
            if had is not None and (had.opened or not deal.opened):
                return channel
            write_whole(path, FORM.write(_facts_of(deal)), mode=OWNER_ONLY_FILE)
            sync_folder(self.folder)
            self._remember(channel, deal)
        return channel

    def find(self, channel: ChannelId) -> Deal | None:
        """The deal of a channel, if one is kept.

        Raises:
            DealDamaged: its file is, or is of another channel.
        """
        with self._guard:
            return self._read(channel)

    def get(self, channel: ChannelId) -> Deal:
        """The same.

        Raises:
            DealUnknown: none is kept.
            DealDamaged: as `find`.
        """
        deal = self.find(channel)
        if deal is None:
            raise DealUnknown(
                "is not kept in this home",
                who=f"deal of channel {channel.hex()}",
                remedy="Use the home that agreed to it.",
            )
        return deal

    def agreement(self, channel: ChannelId, cycles: int | None = None) -> Agreement:
        """What was agreed on; `cycles` as of `Deal.conditions`; raises as `get` and that."""
        deal = self.get(channel)
        return Agreement(channel, deal.terms, deal.conditions(cycles))

    def pricing(self, channel: ChannelId) -> Pricing:
        """What readings cost; raises as `get` and `Deal.agreed`."""
        return self.get(channel).pricing

    def dids(self, channel: ChannelId) -> Mapping[Role, Did]:
        """Who trades; raises as `get`."""
        return self.get(channel).dids

    def channels(self) -> list[ChannelId]:
        """All that are kept, in no order."""
        if not self.folder.is_dir():
            return []
        names = (each.name.removesuffix(ENDING) for each in self.folder.glob(f"*{ENDING}"))
        return [ChannelId(bytes.fromhex(name)) for name in names if ID.fullmatch(name)]

    def forget(self, channel: ChannelId) -> None:
        """Keep nothing of a channel any more: nobody asks for it."""
        with self._guard:
            self._cache.pop(channel, None)
            self._path(channel).unlink(missing_ok=True)
            self._path(channel).with_suffix(DAMAGED).unlink(missing_ok=True)

    def _path(self, channel: ChannelId) -> Path:
        return self.folder / f"{channel.hex()}{ENDING}"

    def _read(self, channel: ChannelId) -> Deal | None:
        if channel in self._cache:
            self._cache.move_to_end(channel)
            return self._cache[channel]
        path = self._path(channel)
        if not path.exists():
            return None
        try:
            raw = read_limited(path, MAX_FILE_BYTES, DealInvalid)
            deal = FORM.read(raw, _parse_deal, _facts_of)
            deal.check()
        except RefusedInput as error:
            raise _damaged(path, error.what) from error
        if self.id_of(deal.terms) != channel:
            raise _damaged(path, "is of another channel, escrow or chain")
        self._remember(channel, deal)
        return deal

    def _remember(self, channel: ChannelId, deal: Deal) -> None:
        self._cache[channel] = deal
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)


def _damaged(path: Path, why: str) -> DealDamaged:
    return DealDamaged(
        f"kept agreement cannot be used: {why}",
        who=f"file {path.name} of the deals",
        remedy="Restore the file from a copy, or ask the other party for its.",
    )


def _facts_of(deal: Deal) -> dict[str, Any]:
    readers = [{"kid": each.kid, "key": each.key.hex()} for each in deal.readers]
    return {
        "terms": facts_of_terms(deal.terms),
        "token": deal.token,
        "initiation_template": deal.initiation_text.decode(),
        "settlement_template": deal.settlement_text.decode(),
        "opened": deal.opened.decode(),
        **({"readers": readers} if readers else {}),  # files of before, and of clear claims: none
    }


def _parse_deal(facts: Mapping[str, Any]) -> Deal:
    texts = ("initiation_template", "settlement_template", "opened")
    initiation, settlement, opened = (str(facts[name]).encode() for name in texts)
    told = facts.get("readers", ())
    readers = [Reader(str(each["kid"]), bytes.fromhex(each["key"])) for each in told]
    terms, token = parse_facts_of_terms(facts["terms"]), str(facts["token"])
    return Deal(terms, token, initiation, settlement, opened, tuple(readers))
