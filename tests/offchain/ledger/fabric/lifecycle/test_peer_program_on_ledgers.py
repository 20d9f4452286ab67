"""Fabric's own `peer lifecycle chaincode` and `peer chaincode`, unmodified, on either ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.offchain.ledger.embedded.shelf_chaincode import Shelf
from tests.offchain.ledger.homes_of_ledgers import LedgerHome

from edgemark.ledger.fabric.lifecycle.opening import ledger_folder, list_accesses
from edgemark.ledger.fabric.network.programs import FabricPrograms, ProgramFailed, find_programs
from edgemark.ledger.fabric.opening import LedgerAccess
from edgemark.ledger.fabric.packages.reading import parse_package

pytestmark = pytest.mark.fabric

NAME = "bypeer"
SAID = ("--channelID", "mychannel", "--name", NAME, "--version", "1", "--sequence", "1")
CORE = '{"peer": {"BCCSP": {"Default": "SW", "SW": {"Hash": "SHA2", "Security": 256}}}}'


@dataclass
class PeerProgram:
    """`peer` as an organisation's administrator has it.

    Attributes:
        programs: of Fabric.
        folder: with settings and TLS roots of each organisation, `MSP.pem`.
        accesses: as the administrator of each organisation.
    """

    programs: FabricPrograms
    folder: Path
    accesses: Sequence[LedgerAccess]

    def __call__(self, at: int, *words: str | Path) -> str:
        """What it prints.

        Args:
            at: number of the organisation that it acts for.
            words: of its command line.
        """
        access = self.accesses[at]
        environment = {
            "CORE_PEER_ADDRESS": access.peers[0].target,
            "CORE_PEER_LOCALMSPID": access.signer.msp_id,
            "CORE_PEER_MSPCONFIGPATH": access.settings.msp_folder,
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_ROOTCERT_FILE": str(self.roots(at)),
            "FABRIC_LOGGING_SPEC": "error",
        }
        return self.programs.run("peer", *words, settings=self.folder, environment=environment)

    def roots(self, at: int) -> Path:
        """TLS roots of an organisation's peers."""
        path = self.folder / f"{self.accesses[at].signer.msp_id}.pem"
        path.write_bytes(self.accesses[at].peers[0].roots)
        return path

    def ordering(self) -> tuple[str | Path, ...]:
        """Options that name the orderer."""
        orderer = self.accesses[0].profile.orderers[0]
        path = self.folder / "orderer.pem"
        path.write_bytes(orderer.roots)
        name = orderer.server_name or "localhost"
        tls = ("--tls", "--cafile", path, "--ordererTLSHostnameOverride", name)
        return ("-o", orderer.target, *tls)

    def endorsing(self) -> tuple[str | Path, ...]:
        """Options that name a peer of each organisation."""
        words: list[str | Path] = []
        for at, access in enumerate(self.accesses):
            words += ["--peerAddresses", access.peers[0].target]
            words += ["--tlsRootCertFiles", self.roots(at)]
        return tuple(words)


@pytest.fixture(scope="module")
def peer(ledger_home: LedgerHome, tmp_path_factory: pytest.TempPathFactory) -> PeerProgram:
    folder = tmp_path_factory.mktemp("peer-program")
    (folder / "core.yaml").write_text(CORE)
    assert ledger_folder(ledger_home.settings, ledger_home.home) is not None
    accesses = list_accesses(ledger_home.settings, ledger_home.home)
    return PeerProgram(find_programs(), folder, accesses)


def test_peer_program__brings_a_chaincode_to_the_channel_and_calls_it(
    ledger_home: LedgerHome, peer: PeerProgram
) -> None:
    for at in (0, 1):
        raw = ledger_home.serve(NAME, Shelf())
        path = peer.folder / f"{at}.tgz"
        path.write_bytes(raw)
        package_id = parse_package(raw).package_id
        told = peer(at, "lifecycle", "chaincode", "calculatepackageid", path)
        assert told.strip() == package_id
        peer(at, "lifecycle", "chaincode", "install", path)
        told = peer(at, "lifecycle", "chaincode", "queryinstalled", "--output", "json")
        held = json.loads(told)["installed_chaincodes"]
        assert package_id in [each["package_id"] for each in held]
        with pytest.raises(ProgramFailed, match="failed") as again:
            peer(at, "lifecycle", "chaincode", "install", path)
        assert "already successfully installed" in str(again.value.had)
        named = ("--package-id", package_id)
        approve = ("lifecycle", "chaincode", "approveformyorg", *SAID, *named)
        peer(at, *approve, *peer.ordering())
        ready = ("lifecycle", "chaincode", "checkcommitreadiness", *SAID, "--output", "json")
        approvals = json.loads(peer(at, *ready))["approvals"]
        assert approvals == {"Org1MSP": True, "Org2MSP": at == 1}
    peer(0, "lifecycle", "chaincode", "commit", *SAID, *peer.ordering(), *peer.endorsing())
    asked = ("querycommitted", "-C", "mychannel", "--name", NAME, "--output", "json")
    committed = json.loads(peer(1, "lifecycle", "chaincode", *asked))
    assert (committed["sequence"], committed["version"]) == (1, "1")
    assert committed["approvals"] == {"Org1MSP": True, "Org2MSP": True}
    call = json.dumps({"Args": ["put", "k", "by peer"]})
    invoke = ("chaincode", "invoke", "-C", "mychannel", "-n", NAME, "-c", call, "--waitForEvent")
    peer(0, *invoke, *peer.ordering(), *peer.endorsing())
    question = json.dumps({"Args": ["get", "k"]})
    assert (
        peer(1, "chaincode", "query", "-C", "mychannel", "-n", NAME, "-c", question) == "by peer\n"
    )
    assert "mychannel" in peer(0, "channel", "list")
    assert '"height":' in peer(0, "channel", "getinfo", "-c", "mychannel")
