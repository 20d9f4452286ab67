"""What changes an identity: as its owner does it, and as it signs it for somebody else to send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.contracts.world import World, sign, term_name

VERI_KEY, SIG_AUTH = term_name("veriKey"), term_name("sigAuth")
FILES, VALUE = term_name("did/svc/Files"), b"https://files.example"
DAY = 86_400


@dataclass(frozen=True)
class Act:
    """One way of changing an identity, as its owner does it and as it signs it.

    Attributes:
        name: of the function.
        says: name of the event.
        digest: name of the function that answers what is signed.
        of: the arguments after the identity, with what is valid until a second or for as long.
    """

    name: str
    says: str
    digest: str
    of: Callable[[World, int], tuple[Any, ...]]

    def event(self, registry):
        """What it logs."""
        return getattr(registry, self.says)

    def do(self, registry, identity, world: World, sender, seconds: int = DAY):
        return getattr(registry, self.name)(identity, *self.of(world, seconds), sender=sender)

    def sign(self, registry, identity, world: World, signer, deadline: int, until: int):
        """Arguments of the function that takes the signature."""
        values = (*self.of(world, until), deadline)
        return (*values, sign(signer, getattr(registry, self.digest)(identity, *values)))

    def bring(self, registry, identity, statement, sender):
        return getattr(registry, f"{self.name}BySignature")(identity, *statement, sender=sender)


CHANGE_OWNER = Act(
    "changeOwner", "DIDOwnerChanged", "ownerChangeDigest", lambda world, _: (world.nodes[2],)
)
DEACTIVATE = Act("deactivate", "DIDOwnerChanged", "deactivationDigest", lambda *_: ())
ADD_DELEGATE = Act(
    "addDelegate",
    "DIDDelegateChanged",
    "delegateAdditionDigest",
    lambda world, end: (VERI_KEY, world.nodes[1], end),
)
REVOKE_DELEGATE = Act(
    "revokeDelegate",
    "DIDDelegateChanged",
    "delegateRevocationDigest",
    lambda world, _: (VERI_KEY, world.nodes[1]),
)
SET_ATTRIBUTE = Act(
    "setAttribute",
    "DIDAttributeChanged",
    "attributeSettingDigest",
    lambda _, end: (FILES, VALUE, end),
)
REVOKE_ATTRIBUTE = Act(
    "revokeAttribute", "DIDAttributeChanged", "attributeRevocationDigest", lambda *_: (FILES, VALUE)
)
ACTS = (
    CHANGE_OWNER,
    DEACTIVATE,
    ADD_DELEGATE,
    REVOKE_DELEGATE,
    SET_ATTRIBUTE,
    REVOKE_ATTRIBUTE,
)
EACH = pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)


def prepare(act: Act, registry, identity, world: World) -> None:
    """What there has to be before it."""
    if act is REVOKE_DELEGATE:
        ADD_DELEGATE.do(registry, identity, world, identity)


def arguments_of(receipt, event) -> dict[str, Any]:
    """Of the one event of this kind in a transaction, by their names."""
    (log,) = receipt.decode_logs(event)
    return dict(log.event_arguments)


def check_said(receipt, event) -> Callable[..., None]:
    """A transaction logged this event once, with the values that are given then, in order."""

    def check(*values: Any) -> None:
        expected = [getattr(value, "address", value) for value in values]
        assert list(arguments_of(receipt, event).values()) == expected

    return check
