"""A sharing made away from any chain: by a sensor, say, that has an input and nothing else.

| file          | for              | holds                                                  |
|---------------|------------------|--------------------------------------------------------|
| `public.json` | everybody        | H(F), sizes, the job's public key, H(share_j)          |
| `share-NN.json` | node NN        | one share                                              |
| `secret.json` | the owner        | alpha, w(1)..w(m), the key that reads the answers      |

Every file is canonical JSON and names its sharing by the hash of `public.json`, so that files of
two sharings are never mixed. Who holds t + 1 share files holds the input.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgemark.crypto.ethereum.hashing import keccak256
from edgemark.crypto.ethereum.secp256k1 import SecretKey
from edgemark.crypto.field.field import ELEMENT_BYTES, FIELD, Q
from edgemark.crypto.field.randomness import Randomness
from edgemark.crypto.polynomial import Polynomial
from edgemark.crypto.sharing.verification import compute_least_nodes
from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, ShareIndex, parse_hash32, parse_share_index
from edgemark.systems.outsourcing.contract.hashes import compute_share_hash, split_share
from edgemark.systems.outsourcing.contract.terms import (
    JOB_KEY_BYTES,
    check_sharing,
    check_volume,
    check_work,
)
from edgemark.systems.outsourcing.limits import MAX_NODES, MAX_SHARE_BYTES, MAX_SHARING_FILE_BYTES
from edgemark.systems.outsourcing.steps.share import SharingSecrets, make_shares
from edgemark.untrusted.canonical_file import FileForm
from edgemark.untrusted.canonical_json import (
    NotThatFormat,
    items,
    number,
    octets,
    text,
)
from edgemark.words import in_words

PUBLIC, SHARE, SECRET = "edgemark-sharing", "edgemark-share", "edgemark-sharing-secret"
VERSION = 1
SECRET_VERSION = 2  # 1 had no checksum: it is read as it is
SECRET_KEY_BYTES = 32
RESTORE_OR_SHARE = "Restore the file as `outsourcing share` wrote it, or share afresh."
DOMAIN = b"edgemark sharing 1"


class SharingRefused(RefusedInput):
    """Files that are no whole sharing of this version, or one for something else."""


def _form(kind: str) -> FileForm:
    return FileForm(kind, VERSION, kind, MAX_SHARING_FILE_BYTES, SharingRefused)


SECRET_FORM = FileForm(
    SECRET,
    SECRET_VERSION,
    SECRET,
    MAX_SHARING_FILE_BYTES,
    SharingRefused,
    has_checksum=True,  # so that damage makes no honest node look like a liar
    older=VERSION,
)


@dataclass(frozen=True)
class Announcement:
    """`public.json`: what everybody may know of a sharing."""

    function_hash: Hash32
    inputs: int
    outputs: int
    degree: int
    batch: int
    threshold: int
    errors: int
    job_key: bytes
    share_hashes: tuple[Hash32, ...]

    @property
    def id(self) -> Hash32:
        """Names the sharing."""
        return keccak256(DOMAIN, self.to_json())

    @property
    def node_count(self) -> int:
        """M."""
        return len(self.share_hashes)

    def to_json(self) -> bytes:
        """The one encoding."""
        return _form(PUBLIC).write(self.facts())

    def facts(self) -> dict[str, Any]:
        """What the file says beside what it is."""
        return {
            "function_hash": self.function_hash.hex(),
            "inputs": self.inputs,
            "outputs": self.outputs,
            "degree": self.degree,
            "batch": self.batch,
            "threshold": self.threshold,
            "errors": self.errors,
            "job_key": self.job_key.hex(),
            "share_hashes": [each.hex() for each in self.share_hashes],
        }

    @staticmethod
    def from_json(raw: bytes) -> Announcement:
        """Parse and check.

        Raises:
            SharingRefused: not the one encoding, or numbers that no job can have.
        """
        return _form(PUBLIC).read(raw, _announcement_of, Announcement.facts)


@dataclass(frozen=True)
class OwnerSecret:
    """`secret.json`: what reads and checks the answers, without any share.

    Attributes:
        alpha: checking key.
        weights: w(1)..w(m), packed.
        job_secret: key that reads the answers.
    """

    announcement: Announcement
    alpha: int = field(repr=False)
    weights: bytes = field(repr=False)
    job_secret: bytes = field(repr=False)

    def to_json(self) -> bytes:
        """The one encoding."""
        return SECRET_FORM.write(self.facts())

    def facts(self) -> dict[str, Any]:
        """What the file says beside what it is."""
        return {
            "sharing": json.loads(self.announcement.to_json()),
            "alpha": FIELD.pack([self.alpha]).hex(),
            "weights": self.weights.hex(),
            "job_secret": self.job_secret.hex(),
        }

    @staticmethod
    def from_json(raw: bytes) -> OwnerSecret:
        """Parse and check.

        Raises:
            SharingRefused: not the one encoding, secrets that do not fit the sharing, or a part
                that was changed since it was written.
        """
        return SECRET_FORM.read(raw, _secret_of, OwnerSecret.facts)


@dataclass(frozen=True)
class Sharing:
    """All of it, checked: what it takes to order a job over these shares."""

    announcement: Announcement
    shares: tuple[bytes, ...] = field(repr=False)
    secret: OwnerSecret = field(repr=False)

    @property
    def id(self) -> Hash32:
        """Names the sharing."""
        return self.announcement.id

    @property
    def batch(self) -> int:
        """Inputs under it."""
        return self.announcement.batch

    @property
    def job_key(self) -> bytes:
        """Compressed public key of who may read the answers."""
        return self.announcement.job_key

    def check_fits(self, function: Polynomial, threshold: int, errors: int) -> None:
        """Check that the shares were made for this function and these numbers.

        Raises:
            SharingRefused: they were not.
        """
        made = self.announcement
        for name, had, needed in (
            ("function", made.function_hash.hex(), bytes(function.hash).hex()),
            ("inputs", made.inputs, function.inputs),
            ("outputs", made.outputs, function.outputs),
            ("degree", made.degree, function.degree),
            ("threshold", made.threshold, threshold),
            ("errors", made.errors, errors),
        ):
            if had != needed:
                raise SharingRefused(
                    f"was made for another {name}", who="sharing", had=had, needed=needed
                )

    def share_json(self, index: int) -> bytes:
        """The file of one node."""
        share = self.shares[index - 1].hex()
        return _form(SHARE).write({"sharing": self.id.hex(), "index": index, "share": share})


def count_inputs(function: Polynomial, batch: bytes) -> int:
    """Inputs of a packed batch, at least 1.

    Raises:
        RefusedInput: of the wrong length, or something in it is no element.
    """
    elements = FIELD.check(batch, who="input")
    if elements == 0 or elements % function.inputs:
        raise RefusedInput(
            "input has the wrong length",
            who="input",
            had=f"{elements} elements",
            needed=f"a multiple of k = {function.inputs}",
        )
    return elements // function.inputs


def make_sharing(
    function: Polynomial, batch: bytes, *, threshold: int, errors: int, randomness: Randomness
) -> Sharing:
    """Split packed inputs, with masks that are drawn here and never used again.

    Raises:
        RefusedInput: inputs of the wrong length or outside the field, or numbers out of range.
    """
    count = count_inputs(function, batch)
    nodes = compute_least_nodes(function.degree, threshold, errors)
    check_sharing(degree=function.degree, threshold=threshold, errors=errors, node_count=nodes)
    check_volume(count, function.inputs, function.outputs, nodes)
    check_work(count, function.term_count, function.header.total_bytes)
    secrets = SharingSecrets.draw(randomness, threshold=threshold, elements=count * function.inputs)
    shares = make_shares(batch, node_count=nodes, threshold=threshold, secrets=secrets)
    key = SecretKey.generate(randomness)
    announcement = Announcement(
        function_hash=Hash32(function.hash),
        inputs=function.inputs,
        outputs=function.outputs,
        degree=function.degree,
        batch=count,
        threshold=threshold,
        errors=errors,
        job_key=key.public_key,
        share_hashes=tuple(compute_share_hash(each) for each in shares),
    )
    weights = b"".join(each[-ELEMENT_BYTES:] for each in shares)
    secret = OwnerSecret(announcement, secrets.alpha, weights, key.reveal())
    return Sharing(announcement, shares, secret)


def assemble(public: bytes, shares: Iterable[bytes], secret: bytes) -> Sharing:
    """Put a sharing together from its files.

    Raises:
        SharingRefused: a file is malformed or of another sharing, or a share is missing, there
            twice, at index 0 or above m, or not the one that was announced.
    """
    announcement, owner = Announcement.from_json(public), OwnerSecret.from_json(secret)
    if owner.announcement != announcement:
        # secret.json has a checksum of its own: if one of the two was changed, it is the other
        raise SharingRefused(
            "is not what secret.json was written with",
            who="public.json",
            had=announcement.id.hex(),
            needed=owner.announcement.id.hex(),
            remedy=f"It was changed, or the secret belongs to another sharing. {RESTORE_OR_SHARE}",
        )
    found: dict[int, bytes] = {}
    for raw in shares:
        index, share = _read_share(raw, announcement)
        if index in found:
            raise SharingRefused("index is there twice", who="sharing", had=int(index))
        found[index] = share
    missing = [j for j in range(1, announcement.node_count + 1) if j not in found]
    if missing:
        raise SharingRefused(
            "shares are missing",
            who="sharing",
            had=sorted(found),
            needed=f"also {in_words(missing)}",
        )
    ordered = tuple(found[j] for j in sorted(found))
    if b"".join(each[-ELEMENT_BYTES:] for each in ordered) != owner.weights:
        raise SharingRefused("secret does not fit the shares", who="secret.json")
    return Sharing(announcement, ordered, owner)


def _read_share(raw: bytes, announcement: Announcement) -> tuple[ShareIndex, bytes]:
    def parse(facts: Mapping[str, Any]) -> tuple[Hash32, ShareIndex, bytes]:
        index = parse_share_index(number(facts["index"]), announcement.node_count)
        sharing = parse_hash32(text(facts["sharing"]), who="sharing")
        return sharing, index, octets(facts["share"], MAX_SHARE_BYTES)

    def facts_of(parts: tuple[Hash32, ShareIndex, bytes]) -> dict[str, Any]:
        return {"sharing": parts[0].hex(), "index": int(parts[1]), "share": parts[2].hex()}

    sharing, index, share = _form(SHARE).read(raw, parse, facts_of)
    if sharing != announcement.id:
        raise SharingRefused(
            "belongs to another sharing",
            who=f"share {index}",
            had=sharing.hex(),
            needed=announcement.id.hex(),
            remedy=RESTORE_OR_SHARE,
        )
    if compute_share_hash(share) != announcement.share_hashes[index - 1]:
        raise SharingRefused(
            "is not the announced share", who=f"share {index}", remedy=RESTORE_OR_SHARE
        )
    split_share(share, announcement.inputs, announcement.batch)
    return index, share


def _announcement_of(facts: Mapping[str, Any]) -> Announcement:
    made = Announcement(
        function_hash=parse_hash32(text(facts["function_hash"]), who="function_hash"),
        inputs=number(facts["inputs"]),
        outputs=number(facts["outputs"]),
        degree=number(facts["degree"]),
        batch=number(facts["batch"]),
        threshold=number(facts["threshold"]),
        errors=number(facts["errors"]),
        job_key=octets(facts["job_key"], JOB_KEY_BYTES, exactly=True),
        share_hashes=tuple(
            parse_hash32(text(each), who="share hash")
            for each in items(facts["share_hashes"], most=MAX_NODES, least=1)
        ),
    )
    check_sharing(
        degree=made.degree,
        threshold=made.threshold,
        errors=made.errors,
        node_count=made.node_count,
    )
    check_volume(made.batch, made.inputs, made.outputs, made.node_count)
    return made


def _secret_of(facts: Mapping[str, Any]) -> OwnerSecret:
    announcement = _announcement_of(facts["sharing"])
    alpha = int.from_bytes(octets(facts["alpha"], ELEMENT_BYTES, exactly=True), "big")
    weights = octets(facts["weights"], ELEMENT_BYTES * announcement.node_count, exactly=True)
    FIELD.check(weights, who="weights")
    job_secret = octets(facts["job_secret"], SECRET_KEY_BYTES, exactly=True)
    if not 1 <= alpha < Q:
        raise NotThatFormat("alpha is out of range")
    if SecretKey(job_secret).public_key != announcement.job_key:
        raise NotThatFormat("job_secret is not the key of this sharing")
    return OwnerSecret(announcement, alpha, weights, job_secret)
