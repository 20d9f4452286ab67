"""A member is dismissed by name: the contract does nothing, and says so to nobody, for others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, parse_address
from edgemark.identity.records import Role
from edgemark.party.evm import membership

ORGANISATION, MEMBER, STRANGER = (parse_address("0x" + f"{n:02x}" * 20) for n in (1, 2, 3))


def act_for(role: Role, sent: list[Address]) -> Any:
    """The station of an account, with one member admitted; what it would dismiss is `sent`."""
    return SimpleNamespace(
        address=ORGANISATION,
        registry=SimpleNamespace(
            participant=lambda _: SimpleNamespace(role=role, provider=ORGANISATION),
            is_admitted=lambda _, account: account == MEMBER,
            dismiss=sent.append,
        ),
    )


@pytest.fixture(autouse=True)
def taken_by_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership, "send_as_asked", lambda *_: None)


def test_dismiss__a_member__is_sent() -> None:
    sent: list[Address] = []
    membership.dismiss_server(act_for(Role.PROVIDER, sent), MEMBER)
    assert sent == [MEMBER]


def test_dismiss__who_was_never_admitted__is_refused_and_nothing_is_sent() -> None:
    sent: list[Address] = []
    with pytest.raises(RefusedInput, match="is not admitted") as refused:
        membership.dismiss_server(act_for(Role.PROVIDER, sent), STRANGER)
    assert STRANGER in str(refused.value)
    assert not sent


def test_dismiss__by_who_acts_for_no_organisation__is_refused() -> None:
    with pytest.raises(RefusedInput, match="acts for no organisation"):
        membership.dismiss_server(act_for(Role.DEVICE, []), MEMBER)
