"""`edgemark ledger identity issue|revoke|list`: certificates of an organisation's members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from shlex import quote

import click

from edgemark.cli.ledger.places import check_is_made, place_of
from edgemark.cli.options.plain_numbers import WholeRange
from edgemark.cli.terminal.facts import in_columns
from edgemark.cli.terminal.invocation import Invocation, show_time, takes_home
from edgemark.cli.terminal.naming import NamingGroup
from edgemark.cli.terminal.streams import say
from edgemark.errors import RefusedInput
from edgemark.files import read_limited
from edgemark.identifiers import Moment
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.embedded.organisations.organisations import Organisations
from edgemark.ledger.embedded.running.control import LONG_S, ask_ledger
from edgemark.ledger.embedded.running.process import ledger_status
from edgemark.ledger.fabric.identities.authorities import LIFETIME, read_request
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.wire.limits import MAX_CERTIFICATE_BYTES
from edgemark.words import in_words

ROLES = [role.value for role in MemberRole]
DEFAULT_MSP = "Org1MSP"
COLUMNS = ("msp_id", "name", "role", "attributes", "valid_until", "revoked")

msp_option = click.option(
    "--msp-id", metavar="MSP", default=DEFAULT_MSP, show_default=True, help="Whose member it is."
)
ca_option = click.option(
    "--organisation-folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Of an organisation laid out by cryptogen, with its CA's key, instead of this home's.",
)


@click.group(cls=NamingGroup)
def identity() -> None:
    """Who may speak on the ledger: issue, revoke, list."""


@identity.command("issue")
@takes_home
@click.argument("name")
@msp_option
@ca_option
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="client",
    show_default=True,
    help="What its certificate says it is.",
)
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME=VALUE",
    help="What its certificate says of it; again for more.",
)
@click.option(
    "--request",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Certificate request (PKCS 10, PEM); without one a key is made here.",
)
@click.option(
    "--days",
    type=WholeRange(0, LIFETIME.days),
    default=LIFETIME.days,
    show_default=True,
    help="That its certificate is good, at most as long as its CA's; 0: it has expired at once.",
)
def issue(
    invocation: Invocation,
    name: str,
    msp_id: str,
    organisation_folder: Path | None,
    role: str,
    attributes: tuple[str, ...],
    request: Path | None,
    days: int,
) -> None:
    """Issue a certificate to NAME, with role and attributes.

    Attributes are written as Fabric CA writes them.
    """
    folder = find_folder(invocation, msp_id, organisation_folder)
    public_key = None
    if request is not None:
        raw = read_limited(request, MAX_CERTIFICATE_BYTES)
        public_key = read_request(raw, str(request))
    told = dict(_read_attribute(each) for each in attributes)
    lasts = timedelta(days=days)
    made = folder.issue(name, MemberRole(role), datetime.now(UTC), told, public_key, lasts)
    (issued,) = [each for each in folder.identities() if each.folder == made]
    until = Moment(int(issued.until.timestamp()))
    facts = {"name": name, "msp_id": msp_id, "role": role, "msp_folder": str(made / "msp")}
    invocation.show(
        {**facts, "attributes": told, "valid_until": until},
        f"{name} of {msp_id}, until {show_time(until.second)}: {made / 'msp'}",
    )


@identity.command("revoke")
@takes_home
@click.argument("name")
@msp_option
@ca_option
def revoke(
    invocation: Invocation, name: str, msp_id: str, organisation_folder: Path | None
) -> None:
    """Take the certificate of NAME back, for good.

    On this home's ledger it counts from the next block on, at once when it runs; what NAME
    committed before stays valid. With a folder, its list is written there alone: a network of
    Fabric goes on to take the certificate until each channel's configuration has the list.
    """
    folder = find_folder(invocation, msp_id, organisation_folder)
    place = place_of(invocation)
    if organisation_folder is None:
        Organisations.open(place.folder).with_peer(msp_id)  # channels have no others' lists
    folder.revoke(name, datetime.now(UTC))
    counts = organisation_folder is None and ledger_status(place.folder) is not None
    if counts:
        ask_ledger(place.socket, "revoke", limit_s=LONG_S, msp_id=msp_id)
    facts = {"name": name, "msp_id": msp_id, "counts": counts, "list": str(folder.revocations.path)}
    when = "it counts from the next block on" if counts else "it counts when the ledger starts"
    line = f"{name} of {msp_id} is revoked; {when}"
    if organisation_folder is not None:
        line = (
            f"{name} of {msp_id} does not count as revoked yet: its certificate is in the list "
            f"{folder.revocations.path}. The network takes it until an administrator has put that "
            "list into the configuration of each channel (revocation_list of the MSP)."
        )
    invocation.show(facts, line)


@identity.command("list")
@takes_home
@click.option("--msp-id", metavar="MSP", help="Of one organisation.  [default: all]")
def list_identities(invocation: Invocation, msp_id: str | None) -> None:
    """Print whose certificates there are, and until when each is good.

    One that cannot be read is told by itself, beside the others.
    """
    known = Organisations.open(check_is_made(place_of(invocation)).folder)
    chosen = [msp_id] if msp_id else [*known.peers, known.orderer.msp_id]
    found = [(each, one) for each in chosen for one in known.folder_of(each).identities()]
    damaged = [one for each in chosen for one in known.folder_of(each).damaged()]
    rows: list[dict[str, object]] = [
        {
            "msp_id": each,
            "name": one.name,
            "role": one.role.value,
            "attributes": dict(sorted(one.attributes.items())),
            "valid_until": Moment(int(one.until.timestamp())),
            "revoked": one.is_revoked,
            "serial": one.serial,
            "msp_folder": str(one.folder / "msp"),
        }
        for each, one in found
    ]
    shown = [
        {
            **row,
            "attributes": ",".join(f"{name}={told}" for name, told in one.attributes.items()),
            "revoked": in_words(one.is_revoked),
        }
        for row, (_, one) in zip(rows, found, strict=True)
    ]
    lines = [in_columns(shown, COLUMNS), f"keys: {known.folder}/*/*/users/NAME@*/msp"]
    for broken in damaged:
        say(f"Beware: {broken.fault}")
    facts = {
        "identities": rows,
        "damaged": [{"name": one.name, "fault": str(one.fault)} for one in damaged],
    }
    invocation.show(facts, "\n".join(lines))


def find_folder(invocation: Invocation, msp_id: str, other: Path | None) -> OrganisationFolder:
    """The folder of an organisation: this home's, or another that somebody named.

    Raises:
        RefusedInput: there is no such organisation.
    """
    if other is not None:
        return OrganisationFolder(other.absolute(), msp_id)
    return Organisations.open(check_is_made(place_of(invocation)).folder).folder_of(msp_id)


def _read_attribute(text: str) -> tuple[str, str]:
    name, is_there, value = text.partition("=")
    if not is_there or not name:
        raise RefusedInput(
            "is no attribute",
            who=text[:64],
            needed="NAME=VALUE",
            remedy=f"Write it with its value: --attribute {quote(name[:64] or 'role')}=VALUE.",
        )
    return name, value
