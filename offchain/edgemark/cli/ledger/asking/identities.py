"""Says why a ledger refuses an identity, in which folder that one is, and what to do about it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from shlex import quote

from edgemark.errors import EdgemarkError
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.layout import list_organisations
from edgemark.ledger.fabric.identities.members import EXPIRED, OTHER_CA, REVOKED, ROLES
from edgemark.ledger.fabric.lifecycle.opening import ledger_folder
from edgemark.ledger.fabric.opening import LedgerAccess
from edgemark.ledger.fabric.settings import FABRIC

_WHY = {
    OTHER_CA: "It is of another ledger, or of one that stood here before: name the folder `msp` of "
    "an identity of this one by --msp-folder (ledger.msp_folder), or issue one",
    REVOKED: "A revocation is for good: issue another",
    EXPIRED: "Issue another",
    ROLES: "Issue another, with one --role",
}


def explain_refused(refused: IdentityRefused, access: LedgerAccess) -> None:
    """Let what a ledger refused name the identity's folder and, where it is known here, the cause.

    The ledger itself tells strangers little of it; its words stay, each once.
    """
    refused.who = f"identity in {access.msp_folder}"
    found = _find_cause(access)
    if found is None:
        return
    cause, folder = found
    same = re.escape(f": {cause.who}: {cause.what}") + "[^|]*"
    words = re.sub(same, " ", str(refused.had)).replace("  ", " ").strip()
    refused.what, refused.needed = cause.what, cause.needed
    refused.had = f"{cause.had}; {words}" if cause.had else words
    issue = f"edgemark ledger identity issue NAME --msp-id {folder.msp_id}"
    if access.settings.kind == FABRIC:
        issue += f" --organisation-folder {quote(str(folder.path))}"
    if cause.what in _WHY:
        refused.remedy = f"{_WHY[cause.what]}: `{issue}`, and name its folder `msp`: --msp-folder."


def _find_cause(access: LedgerAccess) -> tuple[IdentityRefused, OrganisationFolder] | None:
    """Why an organisation does not take an identity, where its folder is in this home."""
    folder, msp_id = ledger_folder(access.settings, access.home), access.settings.msp_id
    for place in () if folder is None else list_organisations(folder, msp_id):
        organisation = OrganisationFolder(place, msp_id)
        try:
            organisation.read().admit(access.signer.identity, at=datetime.now(UTC))
        except IdentityRefused as cause:
            return cause, organisation
        except EdgemarkError:  # a folder that cannot be read is told elsewhere
            return None
    return None
