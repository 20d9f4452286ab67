"""Whom the controller admits to the topics of a channel: who signs for a nonce that it gave. Pure.

The paper has the party decrypt a random number and send it back: who may choose what is decrypted
has an oracle, and a relay passes it on. Here a key of the DID signs, for this service, controller,
TLS key, channel and nonce; a signature shown elsewhere, or again, admits nobody (A55).

| paper (EFSC), fig. 4                    | here                                              |
|-----------------------------------------|---------------------------------------------------|
| DID in the admission list               | `admitted`: keys of the parties' DID documents    |
| document from the chain                 | of whoever hands them in; nothing of it is cached |
| random challenge, encrypted             | `Door.give_nonce`                                 |
| plaintext back                          | `Door.admit`: a signature, bound; a nonce once     |

A nonce is its last second (8 bytes), 8 bytes drawn at random, and 16 bytes of an HMAC-SHA256 of
these under a secret of the door. So nothing is kept of one that is given: however many strangers
ask for, the next one counts. What is kept is which were used, and that takes a party's signature.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.protocol.letters import NONCE_BYTES, ChannelDomain, Login, Role

NONCE_S = 60  # for which a nonce counts
TIME_BYTES, DRAWN_BYTES, MARK_BYTES = 8, 8, 16  # of a nonce
SECRET_BYTES = 32
MAX_USED = 16_384  # that count still; a party asks a server 200 times a second at most


class LoginRefused(RefusedInput):
    """A party is not admitted; the words say by which of its values."""


@dataclass(frozen=True)
class Here:
    """What a login has to be for.

    Args:
        service: host and port that parties dial.
        controller: the account.
        pin: SHA-256 of the public key of its TLS certificate.
    """

    service: str
    controller: Address
    pin: Hash32


@dataclass(frozen=True)
class Door:
    """Gives nonces, and knows which of them were used, with their last second.

    Both are in memory only: after a restart there is another secret, no nonce counts, and who
    wanted to enter asks for another.

    Args:
        secret: 32 bytes drawn at random.
    """

    secret: bytes = field(repr=False)
    used: Mapping[bytes, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            had, needed = len(self.secret), SECRET_BYTES
            raise RefusedInput("is no secret of a door", who="door", had=had, needed=needed)

    def give_nonce(self, drawn: bytes, now: int) -> bytes:
        """One that counts once, for `NONCE_S`.

        Args:
            drawn: 8 bytes at random.
            now: own clock, Unix seconds.

        Raises:
            RefusedInput: another number of them.
        """
        if len(drawn) != DRAWN_BYTES:
            raise RefusedInput("is no nonce", who="door", had=len(drawn), needed=DRAWN_BYTES)
        told = (now + NONCE_S).to_bytes(TIME_BYTES, "big") + drawn
        return told + self._mark(told)

    def until(self, nonce: bytes) -> int | None:
        """Last second of a nonce that was given and not used; None for anything else."""
        told, mark = nonce[:-MARK_BYTES], nonce[-MARK_BYTES:]
        is_ours = len(nonce) == NONCE_BYTES and hmac.compare_digest(mark, self._mark(told))
        if not is_ours or nonce in self.used:
            return None
        return int.from_bytes(told[:TIME_BYTES], "big")

    def admit(
        self,
        login: Login,
        here: Here,
        admitted: Mapping[Role, Collection[Address]],
        domain: ChannelDomain,
        now: int,
    ) -> tuple[Door, Role]:
        """Who enters, and the door behind it, at which the nonce counts no more.

        Args:
            login: with its signature.
            here: what this controller is.
            admitted: keys of the DIDs of the channel's parties, as the chain has them now.
            domain: of the escrow.
            now: own clock, Unix seconds.

        Raises:
            LoginRefused: the nonce was not given or was used, or it is for another, too late, or
                by nobody of the channel.
            BadSignature: it has no signature in the one form.
            Overloaded: parties of channels entered more often than anybody has to.
        """
        until = check_place(self, login, here, now)
        role = check_signer(login, admitted, domain)
        left = {nonce: last for nonce, last in self.used.items() if last >= now}
        if len(left) >= MAX_USED:
            raise Overloaded("too many want to enter", who="door", had=len(left), retry_after_s=5)
        return replace(self, used={**left, login.nonce: until}), role

    def _mark(self, told: bytes) -> bytes:
        return hmac.digest(self.secret, told, hashlib.sha256)[:MARK_BYTES]


def check_place(door: Door, login: Login, here: Here, now: int) -> int:
    """Check all but the signature, before anything is read for it; last second of the nonce.

    Raises:
        LoginRefused: it is for another, too late, or its nonce was not given or was used.
    """
    for what, had, needed in (
        ("service", login.service, here.service),
        ("controller", login.controller, here.controller),
        ("TLS key", login.pin.hex(), here.pin.hex()),
    ):
        if had != needed:
            raise LoginRefused(f"is for another {what}", who="login", had=had, needed=needed)
    until = door.until(login.nonce)
    if until is None:
        raise LoginRefused(
            "nonce was not given, or was used",
            who="login",
            had=login.nonce.hex()[:64],
            remedy="Ask for another nonce and sign that.",
        )
    if now > (last := min(until, login.expiry)):
        raise LoginRefused("is too late", who="login", had=now, needed=f"<= {last}")
    return until


def check_signer(
    login: Login, admitted: Mapping[Role, Collection[Address]], domain: ChannelDomain
) -> Role:
    """Which party of the channel signed.

    Raises:
        LoginRefused: none of them.
        BadSignature: it has no signature in the one form.
    """
    signer = signer_of(login, domain)
    for role, keys in admitted.items():
        if signer in keys:
            return role
    raise LoginRefused("is by nobody of the channel", who="login", had=signer)


def signer_of(login: Login, domain: ChannelDomain) -> Address:
    """Whose key signed; raises `BadSignature` when there is no signature in the one form."""
    return recover(domain.login(login), login.signature)
