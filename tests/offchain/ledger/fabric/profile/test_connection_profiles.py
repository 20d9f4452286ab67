"""Connection profiles as users of Fabric write them, and what is wrong with others."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edgemark.ledger.fabric.faults import ProfileInvalid
from edgemark.ledger.fabric.profile.addresses import PeerAddress
from edgemark.ledger.fabric.profile.reading import parse_profile, read_profile
from edgemark.ledger.fabric.profile.writing import (
    Named,
    make_profile,
    profile_path,
    write_profile,
)

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
# The form of the test network of Hyperledger's samples, shortened.
COMMON: dict[str, Any] = {
    "name": "test-network-org1",
    "version": "1.0.0",
    "client": {"organization": "Org1", "connection": {"timeout": {"peer": {"endorser": "300"}}}},
    "organizations": {
        "Org1": {
            "mspid": "Org1MSP",
            "peers": ["peer0.org1.example.com"],
            "certificateAuthorities": ["ca.org1.example.com"],
        }
    },
    "peers": {
        "peer0.org1.example.com": {
            "url": "grpcs://localhost:7051",
            "tlsCACerts": {"pem": PEM},
            "grpcOptions": {
                "ssl-target-name-override": "peer0.org1.example.com",
                "hostnameOverride": "peer0.org1.example.com",
            },
        }
    },
    "certificateAuthorities": {"ca.org1.example.com": {"url": "https://localhost:7054"}},
}


def _node() -> dict[str, Any]:
    node: dict[str, Any] = copy.deepcopy(COMMON)["peers"]["peer0.org1.example.com"]
    return node


def _having(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    held = copy.deepcopy(COMMON)
    change(held)
    return held


@pytest.mark.parametrize("name", ["connection-org1.json", "connection-org1.yaml", "c.yml"])
def test_a_profile_in_json_or_yaml__names_the_peer(tmp_path: Path, name: str) -> None:
    write = json.dumps if name.endswith("json") else yaml.safe_dump
    (tmp_path / name).write_text(write(COMMON))
    profile = read_profile(tmp_path / name)
    assert profile.own == "Org1MSP"
    wanted = PeerAddress("localhost:7051", PEM.encode(), "peer0.org1.example.com")
    assert profile.peers_of("") == profile.peers_of("Org1MSP") == (wanted,)


def test_a_ca_in_a_file__is_read_from_the_profiles_folder(tmp_path: Path) -> None:
    node = _node()
    node["tlsCACerts"] = {"path": "tls/ca.crt"}
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / "ca.crt").write_text(PEM)
    held = _having(lambda each: each["peers"].update({"peer0.org1.example.com": node}))
    peers = parse_profile(held, "profile", tmp_path).peers_of("Org1MSP")
    assert peers[0].roots == PEM.encode()


def test_cas_in_a_list__all_count() -> None:
    held = _having(
        lambda each: each["peers"]["peer0.org1.example.com"].update(tlsCACerts={"pem": [PEM, PEM]})
    )
    peers = parse_profile(held, "profile", Path()).peers_of("Org1MSP")
    assert peers[0].roots.count(b"BEGIN CERTIFICATE") == 2


def test_what_is_written__is_read_as_it_was(tmp_path: Path) -> None:
    def named(name: str, port: int) -> Named:
        return Named(name, PeerAddress(f"127.0.0.1:{port}", PEM.encode(), name))

    peers = {"Org1MSP": [named("peer0.org1", 1)], "Org2MSP": [named("peer0.org2", 2)]}
    path = profile_path(tmp_path, "Org2MSP")
    write_profile(path, make_profile("Org2MSP", peers, [named("orderer", 3)], ["mychannel"]))
    profile = read_profile(path)
    assert profile.own == "Org2MSP"
    assert {who: [each.target for each in those] for who, those in profile.peers.items()} == {
        "Org1MSP": ["127.0.0.1:1"],
        "Org2MSP": ["127.0.0.1:2"],
    }
    assert [each.target for each in profile.orderers] == ["127.0.0.1:3"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda p: p["organizations"]["Org1"].update(peers=[]), "names no peer"),
        (lambda p: p["organizations"]["Org1"].pop("peers"), "names no peer"),
        (lambda p: p["organizations"]["Org1"].update(peers=["other"]), "a name of peers"),
        (lambda p: p["organizations"]["Org1"].update(peers="peer0"), "a list of names"),
        (lambda p: p["organizations"]["Org1"].pop("mspid"), "Org1.mspid is wrong"),
        (lambda p: p.pop("organizations"), "organizations is wrong"),
        (lambda p: p.pop("peers"), "peers is wrong"),
        (lambda p: p["client"].update(organization="Org9"), "one of organizations"),
        (lambda p: p["client"].update(organization=["Org1"]), "one of organizations"),
        (lambda p: p["peers"]["peer0.org1.example.com"].pop("url"), "url is wrong"),
        (
            lambda p: p["peers"]["peer0.org1.example.com"].update(url="grpc://localhost:7051"),
            "over TLS",
        ),
        (
            lambda p: p["peers"]["peer0.org1.example.com"].update(url="grpcs://localhost"),
            "grpcs://HOST:PORT",
        ),
        (
            lambda p: p["peers"]["peer0.org1.example.com"].update(url="grpcs://localhost:99999"),
            "grpcs://HOST:PORT",
        ),
        (lambda p: p["peers"]["peer0.org1.example.com"].pop("tlsCACerts"), "tlsCACerts"),
        (
            lambda p: p["peers"]["peer0.org1.example.com"].update(tlsCACerts={"pem": "no PEM"}),
            "has no TLS CA",
        ),
        (
            lambda p: p["peers"]["peer0.org1.example.com"].update(tlsCACerts={"path": "gone"}),
            "cannot be read",
        ),
        (
            lambda p: p["peers"]["peer0.org1.example.com"].update(
                grpcOptions={"ssl-target-name-override": 7}
            ),
            "grpcOptions is wrong",
        ),
        (lambda p: p.update(caliper={"blockchain": "fabric"}), "Caliper"),
    ],
)
def test_a_wrong_part__is_named(
    change: Callable[[dict[str, Any]], None], what: str, tmp_path: Path
) -> None:
    with pytest.raises(ProfileInvalid, match=what):
        parse_profile(_having(change), "profile", tmp_path).peers_of("Org1MSP")


@pytest.mark.parametrize("name", ["profile.json", "profile.yaml"])
@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"&a [*a]", b"- !!python/object:os.system {}"],
    ids=len,
)
def test_what_is_no_profile__is_refused(tmp_path: Path, name: str, raw: bytes) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ProfileInvalid) as told:
        read_profile(tmp_path / name)
    assert told.value.remedy


def test_a_profile_that_is_not_there__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileInvalid, match="cannot be read"):
        read_profile(tmp_path / "profile.json")


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
_VALUES = st.recursive(
    _LEAVES,
    lambda each: (
        st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3)
    ),
    max_leaves=10,
)
_PARTS = ["name", "client", "organizations", "peers", "orderers", "channels"]


@given(st.dictionaries(st.sampled_from(_PARTS), _VALUES) | _VALUES)
def test_any_value__is_a_profile_or_refused(held: object) -> None:
    whole = {**COMMON, **held} if isinstance(held, dict) else held
    try:
        parse_profile(whole, "profile", Path())
    except ProfileInvalid as refused:
        assert refused.needed or refused.remedy or refused.had
