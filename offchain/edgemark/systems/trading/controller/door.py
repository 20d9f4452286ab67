"""Whom the controller admits to the topics of a channel: who signs for a nonce that it gave. Pure.

The paper has the party decrypt a random number and send it back: who may choose what is decrypted
has an oracle, and a relay passes it on. Here a key of the DID signs, for this service, controller,
TLS key, channel and nonce; a signature shown elsewhere, or again, admits nobody (A55).

| paper (EFSC), fig. 4                    | here                                              |
|-----------------------------------------|---------------------------------------------------|
| DID in the admission list               | `admitted`: keys of the parties' DID documents    |
| document from the chain                 | of whoever hands them in; nothing of it is cached |
| random challenge, encrypted             | `Door.give_nonce`                                 |
| plaintext back                          | `check_login`: a signature, bound; a nonce once   |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from edgemark.crypto.ethereum.secp256k1 import recover
from edgemark.errors import Overloaded, RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.systems.trading.protocol.letters import NONCE_BYTES, ChannelDomain, Login, Role

NONCE_S = 60  # for which a nonce counts
MAX_NONCES = 4096  # given and not used: 32 bytes each, and whoever asks for more waits


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
    """Nonces that were given and not used, with their last second.

    They are in memory only: after a restart none counts, and who wanted to enter asks for another.
    """

    nonces: Mapping[bytes, int] = field(default_factory=dict)

    def give_nonce(self, nonce: bytes, now: int) -> Door:
        """One that was drawn at random counts from now on.

        Raises:
            Overloaded: so many are out that nobody is admitted with another.
            RefusedInput: it is no nonce.
        """
        if len(nonce) != NONCE_BYTES:
            raise RefusedInput("is no nonce", who="door", had=len(nonce), needed=NONCE_BYTES)
        left = {each: until for each, until in self.nonces.items() if until >= now}
        if len(left) >= MAX_NONCES:
            raise Overloaded("too many want to enter", who="door", had=len(left), retry_after_s=5)
        return replace(self, nonces={**left, nonce: now + NONCE_S})

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
        """
        role = check_login(self, login, here, admitted, domain, now)
        left = {nonce: until for nonce, until in self.nonces.items() if nonce != login.nonce}
        return replace(self, nonces=left), role


def check_login(
    door: Door,
    login: Login,
    here: Here,
    admitted: Mapping[Role, Collection[Address]],
    domain: ChannelDomain,
    now: int,
) -> Role:
    """Which party of the channel logs in; raises as `Door.admit`."""
    for what, had, needed in (
        ("service", login.service, here.service),
        ("controller", login.controller, here.controller),
        ("TLS key", login.pin.hex(), here.pin.hex()),
    ):
        if had != needed:
            raise LoginRefused(f"is for another {what}", who="login", had=had, needed=needed)
    until = door.nonces.get(login.nonce)
    if until is None:
        raise LoginRefused(
            "nonce was not given, or was used",
            who="login",
            had=login.nonce.hex()[:64],
            remedy="Ask for another nonce and sign that.",
        )
    if now > min(until, login.expiry):
        raise LoginRefused("is too late", who="login", had=now, needed=f"<= {login.expiry}")
    signer = recover(domain.login(login), login.signature)
    for role, keys in admitted.items():
        if signer in keys:
            return role
    raise LoginRefused("is by nobody of the channel", who="login", had=signer)
