"""Why an identity is refused: said once, with its folder and a remedy of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from edgemark.cli.ledger.asking.identities import explain_refused
from edgemark.ledger.embedded.organisations.folder import OrganisationFolder
from edgemark.ledger.fabric.client.refusals import Asking, Refusal, explain
from edgemark.ledger.fabric.faults import EndorserWords, IdentityRefused
from edgemark.ledger.fabric.identities.members import EXPIRED, OTHER_CA, REVOKED, MemberRole
from edgemark.ledger.fabric.opening import LedgerAccess
from edgemark.ledger.fabric.profile.reading import Profile
from edgemark.ledger.fabric.settings import LedgerSettings

ORG1, NOW = "Org1MSP", datetime.now(UTC)
DENIED = "access denied: channel [mychannel] creator org [Org1MSP]"


def organisation(path: Path) -> OrganisationFolder:
    made = OrganisationFolder(path / "org1.example.com", ORG1)
    made.make("peer0", MemberRole.PEER, NOW)
    return made


@pytest.mark.parametrize(
    ("what", "remedy"),
    [
        (OTHER_CA, "name the folder `msp` of an identity of this one by --msp-folder"),
        (REVOKED, "A revocation is for good: issue another: `edgemark ledger identity issue"),
        (EXPIRED, "Issue another: `edgemark ledger identity issue NAME --msp-id Org1MSP`"),
    ],
)
def test_cause_of_a_refused_identity__is_said_once_with_folder_and_remedy(
    tmp_path: Path, what: str, remedy: str
) -> None:
    own = organisation(tmp_path / "ledger/crypto-config/peerOrganizations")
    whose = organisation(tmp_path / "other") if what == OTHER_CA else own
    lasts = timedelta(seconds=1) if what == EXPIRED else timedelta(days=1)
    msp = whose.issue("guest", MemberRole.CLIENT, NOW, lasts=lasts) / "msp"
    if what == REVOKED:
        own.revoke("guest", NOW)
    signer = whose.signer(msp)
    with pytest.raises(IdentityRefused) as found:
        own.read().admit(signer.identity, at=NOW)
    told = f"error validating proposal: {DENIED}: {found.value}"
    said = (EndorserWords("127.0.0.1:7051", ORG1, told),)
    details = f"evaluate call to endorser returned error: {told}"
    refused = explain(Refusal(Asking.EVALUATE, "FAILED_PRECONDITION", details, said))
    assert isinstance(refused, IdentityRefused)
    settings = LedgerSettings(msp_folder=str(msp))
    explain_refused(refused, LedgerAccess(settings, tmp_path, cast(Profile, None), signer))
    text = str(refused)
    assert (text.count(what), text.count(DENIED)) == (1, 1)
    assert text.startswith(f"identity in {msp}: {what}; had ")
    assert remedy in text
    if what == REVOKED:
        assert "serial number " in text
    if refused.needed is not None:
        assert text.count(f"needed {refused.needed}") == 1


def test_refused_identity_of_another_network__names_its_folder_and_says_nothing_twice(
    tmp_path: Path,
) -> None:
    other = organisation(tmp_path / "other")
    msp = other.path / "users/User1@org1.example.com/msp"
    said = (EndorserWords("peer:7051", ORG1, DENIED),)
    refused = explain(Refusal(Asking.ENDORSE, "ABORTED", f"failed: {DENIED}", said))
    assert isinstance(refused, IdentityRefused)
    settings = LedgerSettings(kind="profile", profile="x.json", msp_folder=str(msp))
    signer = other.signer(msp)
    explain_refused(refused, LedgerAccess(settings, tmp_path, cast(Profile, None), signer))
    assert str(refused).count(DENIED) == 1
    assert str(msp) in str(refused.who)
