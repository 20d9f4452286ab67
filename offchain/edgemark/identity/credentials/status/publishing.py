"""Changing a list so that neither this machine nor the chain ever says more than the other knows.

| phase | on the disk | on the chain | what others see |
|---|---|---|---|
| before | text n | text n | text n |
| prepared | text n, and n + 1 beside it | text n | text n |
| confirmed | the same | text n + 1 | its CID; this machine holds the text |
| published | text n + 1 | text n + 1 | text n + 1 |

Law 1: local state never leads: what counts here is text n until the chain has confirmed n + 1.
Law 2: it never lags for good: whatever died where, `settle` finishes what the chain confirmed, and
       gives the prepared text again where it did not; a text is never prepared over another one
       that may still be confirmed.
Law 3: an index is drawn at random, is on the disk before any credential has it, and is nobody
       else's, also when the credential never came to be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemark.crypto.field.randomness import Randomness
from edgemark.errors import RefusedInput, Unrecoverable
from edgemark.files import (
    OWNER_ONLY_FILE,
    hold_folder,
    make_private_folder,
    read_limited,
    sync_folder,
    write_whole,
)
from edgemark.identifiers import Timestamp
from edgemark.identity.credentials.jose.compact import MAX_TOKEN_BYTES
from edgemark.identity.credentials.reading import read_signed
from edgemark.identity.credentials.signing import CredentialSigner
from edgemark.identity.credentials.status.announced import Announcement
from edgemark.identity.credentials.status.bitstring import (
    LEAST_ENTRIES,
    Bitstring,
    decode_bitstring,
)
from edgemark.identity.credentials.status.entries import (
    ListName,
    Purpose,
    StatusEntry,
    list_facts,
)
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.canonical_json import number, text

MOST_DRAWN = LEAST_ENTRIES // 2  # then a list is full: one draw in two would be somebody else's
PUBLISHED, PREPARED, DRAWN = "published.json", "prepared.json", "drawn.bits"


class ListFull(RefusedInput):
    """So many credentials have an entry in a list that it takes no more."""


class ChangePending(RefusedInput):
    """A change of a list is under way; the next one has to wait until the chain has decided."""


class ListFileInvalid(RefusedInput):
    """A file of a list is none."""


class ListLost(Unrecoverable):
    """The chain names a text of a list that this home did not make, or has no more."""


@dataclass(frozen=True)
class ListText:
    """A text of a list.

    Attributes:
        announcement: what the chain says of it.
        token: the signed list.
    """

    announcement: Announcement
    token: str

    def bits(self) -> Bitstring:
        """Its bits."""
        subject = read_signed(self.token).credential.facts["credentialSubject"]
        return decode_bitstring(subject.get("encodedList"))


FORM = FileForm(
    "edgemark status list", 1, "status list", 2 * MAX_TOKEN_BYTES, ListFileInvalid, True
)
Put = Callable[[bytes], str]  # keeps a text where others find it, and answers its CID


class StatusKeeper:
    """One list of this home's identity.

    Args:
        folder: of all lists of the identity; made where it is missing.
        listed: which list.
        purpose: of its bits.
        signer: of the issuer.
        compute_cid: of a text.
    """

    def __init__(
        self,
        folder: Path,
        listed: ListName,
        purpose: Purpose,
        signer: CredentialSigner,
        compute_cid: Callable[[bytes], str],
    ) -> None:
        self.listed = listed
        self.purpose = purpose
        self._folder = folder / listed.name
        self._signer = signer
        self._compute_cid = compute_cid

    def draw(self, randomness: Randomness) -> StatusEntry:
        """An entry for a credential to be: set aside, whatever becomes of it.

        Raises:
            ListFull: of `MOST_DRAWN`.
        """
        make_private_folder(self._folder)
        with hold_folder(self._folder):
            drawn = self._drawn()
            if drawn.count() >= MOST_DRAWN:
                needed = f"fewer than {MOST_DRAWN}"
                raise ListFull("is full", who=self.listed.name, had=drawn.count(), needed=needed)
            while drawn[index := _draw_index(randomness)]:
                pass  # at most one in two is taken
            drawn[index] = True
            write_whole(self._folder / DRAWN, drawn.octets(), mode=OWNER_ONLY_FILE)
        return StatusEntry(self.listed, self.purpose, index)

    def current(self) -> Bitstring:
        """The bits that count, as far as this home knows: those that the chain confirmed."""
        published = self._read(PUBLISHED)
        return Bitstring() if published is None else published.bits()

    def published(self) -> Announcement | None:
        """Which text counts, as far as this home knows; None before the first."""
        published = self._read(PUBLISHED)
        return None if published is None else published.announcement

    def pending(self) -> ListText | None:
        """The text that was prepared and is not published."""
        published, prepared = self._read(PUBLISHED), self._read(PREPARED)
        if prepared is None or (published is not None and prepared == published):
            return None  # killed between its last two steps
        return prepared

    def draft(self, changes: Mapping[int, bool], now: Timestamp) -> ListText | None:
        """The next text, written nowhere; None when it would say what the current one says.

        Args:
            changes: bits by index.
            now: Unix seconds.

        Raises:
            RefusedInput: a revocation is to be taken back.
        """
        published = self._read(PUBLISHED)
        bits = self.current()
        before = Bitstring(bits.octets())
        for index, is_set in changes.items():
            if self.purpose is Purpose.REVOCATION and bits[index] and not is_set:
                raise RefusedInput(
                    "is for good",
                    who="revocation",
                    had=f"entry {index} is set",
                    needed="a suspension",
                )
            bits[index] = is_set
        if bits == before:
            return None
        facts = list_facts(self.listed, self.purpose, bits, now)
        token = self._signer.sign(facts)
        count = 1 if published is None else published.announcement.number + 1
        cid = self._compute_cid(token.encode())
        return ListText(Announcement(self.listed.name, count, cid), token)

    def prepare(self, drafted: ListText) -> None:
        """Keep the next text, before anything is sent to the chain.

        Raises:
            ChangePending: another one is under way.
        """
        make_private_folder(self._folder)
        with hold_folder(self._folder):
            pending = self.pending()
            if pending is not None and pending != drafted:
                raise ChangePending(
                    "is changing already",
                    who=self.listed.name,
                    had=f"text {pending.announcement.number} is prepared",
                    needed="what the chain says of it",
                    remedy="Ask for that change again: it is finished first.",
                )
            self._write(PREPARED, drafted)

    def settle(self, announced: Announcement | None, put: Put) -> ListText | None:
        """Take over what the chain has confirmed; answers what has to be announced (again).

        Args:
            announced: what counts on the chain, as deep as nothing is taken back any more.
            put: gives a text to others.

        Raises:
            ListLost: the chain names another text.
        """
        if not self._folder.exists():
            self._check_known(announced, None)
            return None
        with hold_folder(self._folder):
            published, prepared = self._read(PUBLISHED), self._read(PREPARED)
            if prepared is None:
                self._check_known(announced, published)
                return None
            if announced == prepared.announcement:
                self._publish(prepared, put)
                return None
            self._check_known(announced, published)
            return prepared

    def _publish(self, prepared: ListText, put: Put) -> None:
        """Steps that may each be the last one of a process: all of them are done again then."""
        put(prepared.token.encode())
        self._write(PUBLISHED, prepared)
        (self._folder / PREPARED).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _check_known(self, announced: Announcement | None, published: ListText | None) -> None:
        known = None if published is None else published.announcement
        if announced == known:
            return
        raise ListLost(
            "is not the text that the chain names",
            who=self.listed.name,
            had="none" if known is None else f"text {known.number}, {known.cid}",
            needed="none" if announced is None else f"text {announced.number}, {announced.cid}",
            remedy="Restore this home's lists from a copy, or bring the index up to date.",
        )

    def _drawn(self) -> Bitstring:
        path = self._folder / DRAWN
        if not path.exists():
            return Bitstring()
        return Bitstring(read_limited(path, LEAST_ENTRIES // 8, ListFileInvalid))

    def _read(self, name: str) -> ListText | None:
        path = self._folder / name
        if not path.exists():
            return None
        return FORM.read(read_limited(path, FORM.most, ListFileInvalid), _parse, _facts)

    def _write(self, name: str, held: ListText) -> None:
        write_whole(self._folder / name, FORM.write(_facts(held)), mode=OWNER_ONLY_FILE)


def _draw_index(randomness: Randomness) -> int:
    # Each is as likely as any other: 2^32 is a multiple of 131,072.
    return int.from_bytes(randomness.octets(4), "big") % LEAST_ENTRIES


def _facts(held: ListText) -> dict[str, Any]:
    said = held.announcement
    return {"list": said.name, "number": said.number, "cid": said.cid, "token": held.token}


def _parse(facts: Mapping[str, Any]) -> ListText:
    name, cid, token = (text(facts[part]) for part in ("list", "cid", "token"))
    return ListText(Announcement(name, number(facts["number"]), cid), token)
