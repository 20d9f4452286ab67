"""A channel's configuration comes back as it was made, and refuses what Fabric could not read."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fabric_protos.common import common_pb2, configtx_pb2
from hypothesis import given
from hypothesis import strategies as st
from tests.offchain.ledger.embedded.consortium import (
    BATCHES,
    NOW,
    NOW_NS,
    configuration_of,
    firm,
    orderer,
)

from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.ledger.fabric.configuration.configurations import (
    Configuration,
    make_config_envelope,
    read_configuration,
)
from edgemark.ledger.fabric.faults import IdentityRefused
from edgemark.ledger.fabric.identities.members import MemberRole, Organisation
from edgemark.ledger.fabric.identities.signing import parse_certificate
from edgemark.ledger.fabric.network.programs import find_programs
from edgemark.ledger.fabric.wire.blocks import make_block
from edgemark.ledger.fabric.wire.limits import MAX_NAME, MAX_ORGANISATIONS


def envelope_of(configuration: Configuration) -> bytes:
    return make_config_envelope(configuration, orderer(), nonce=b"n" * 24, timestamp_ns=NOW_NS)


def data_of(envelope: bytes) -> bytes:
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(envelope).payload)
    data: bytes = payload.data
    return data


def revoking(*names: str) -> Organisation:
    """Org1MSP, which took back these clients."""
    one = firm("Org1MSP")
    signers = [one.somebody(name, MemberRole.CLIENT) for name in names]
    serials = [parse_certificate(each.certificate, "client").serial_number for each in signers]
    listed = one.authority.list_revoked(dict.fromkeys(serials, NOW), NOW + timedelta(days=1))
    return replace(one.organisation, revoked=frozenset(serials), revocations=(listed,))


def test_configuration__comes_back_as_it_was_made() -> None:
    made = configuration_of("Org1MSP", "Org2MSP")
    made = replace(made, sequence=7).with_organisation(revoking("one", "two"))
    found = read_configuration("trade", data_of(envelope_of(made)))
    assert found == made
    assert (found.sequence, found.batches) == (8, BATCHES)
    assert len(found.organisations["Org1MSP"].revoked) == 2


def test_largest_channel__fits_into_its_envelope() -> None:
    longest = [f"{'x' * (MAX_NAME - 2)}{each:02}" for each in range(MAX_ORGANISATIONS)]
    made = replace(configuration_of(*longest), channel="c" * MAX_NAME)
    assert read_configuration(made.channel, data_of(envelope_of(made))) == made


@pytest.mark.soak
def test_fullest_revocation_lists_of_the_largest_channel__fit_into_its_envelope() -> None:
    one = firm("Org1MSP")
    serials = range(2**158, 2**158 + 5_800)  # as long as a certificate's ever is
    listed = one.authority.list_revoked(dict.fromkeys(serials, NOW), NOW)
    full = replace(one.organisation, revoked=frozenset(serials), revocations=(listed,))
    names = [f"Org{each}MSP" for each in range(MAX_ORGANISATIONS)]
    known = {name: replace(full, msp_id=name) for name in names}
    made = replace(configuration_of(*names), organisations=known)
    assert read_configuration(made.channel, data_of(envelope_of(made))) == made
    more = one.authority.list_revoked(dict.fromkeys(range(2**158, 2**158 + 5_900), NOW), NOW)
    with pytest.raises(IdentityRefused, match="too long"):
        envelope_of(made.with_organisation(replace(known["Org1MSP"], revocations=(more,))))


@pytest.mark.parametrize(
    "channel", ["", "Trade", "1trade", "a/b", "../a", "a b", "c" * (MAX_NAME + 1), "ä", "a\n"]
)
def test_name_that_is_no_channels__is_refused(channel: str) -> None:
    with pytest.raises(RefusedInput, match="no name of a channel"):
        envelope_of(replace(configuration_of("Org1MSP"), channel=channel))


def test_organisations_that_no_channel_has__are_refused() -> None:
    good = configuration_of("Org1MSP")
    many = configuration_of(*(f"O{each}" for each in range(MAX_ORGANISATIONS + 1)))
    with pytest.raises(RefusedInput, match="number of organisations"):
        envelope_of(many)
    with pytest.raises(RefusedInput, match="number of organisations"):
        envelope_of(replace(good, organisations={}))
    with pytest.raises(RefusedInput, match="no MSP id"):
        envelope_of(configuration_of("a/b"))
    with pytest.raises(RefusedInput, match="another organisation"):
        swapped = {"Org1MSP": firm("Org2MSP").organisation}
        envelope_of(replace(good, organisations=swapped))
    with pytest.raises(RefusedInput, match="not of the channel"):
        good.with_organisation(firm("Org2MSP").organisation)


def test_revocations__that_no_list_says_or_another_ca_lists__are_refused() -> None:
    good = configuration_of("Org1MSP")
    only_said = replace(firm("Org1MSP").organisation, revoked=frozenset({5}))
    with pytest.raises(IdentityRefused, match="revoked others"):
        envelope_of(good.with_organisation(only_said))
    foreign = firm("Org2MSP").authority.list_revoked({5: NOW}, NOW)
    listed = replace(only_said, revocations=(foreign,))
    with pytest.raises(IdentityRefused, match="another CA's"):
        envelope_of(good.with_organisation(listed))
    with pytest.raises(IdentityRefused, match="no revocation list"):
        envelope_of(good.with_organisation(replace(only_said, revocations=(b"none",))))


@given(place=st.integers(0, 100_000), byte=st.integers(0, 255))
def test_configuration_with_a_changed_byte__is_read_or_refused_typed(place: int, byte: int) -> None:
    raw = data_of(envelope_of(configuration_of("Org1MSP")))
    place %= len(raw)
    try:
        read_configuration("trade", raw[:place] + bytes([byte]) + raw[place + 1 :])
    except EdgemarkError:
        return


def test_configuration_of_no_organisation__or_of_two_that_order__is_refused() -> None:
    envelope = configtx_pb2.ConfigEnvelope.FromString(
        data_of(envelope_of(configuration_of("Org1MSP")))
    )
    groups = envelope.config.channel_group.groups
    groups["Orderer"].groups["More"].CopyFrom(groups["Application"].groups["Org1MSP"])
    with pytest.raises(EdgemarkError, match="number of organisations"):
        read_configuration("trade", envelope.SerializeToString())
    with pytest.raises(EdgemarkError, match="number of organisations"):
        read_configuration("trade", b"")


@pytest.mark.fabric
def test_fabrics_own_program__reads_the_block(tmp_path: Path) -> None:
    configuration = configuration_of("Org1MSP", "Org2MSP").with_organisation(revoking("one"))
    path = tmp_path / "config.block"
    path.write_bytes(make_block(0, b"", [envelope_of(configuration)]).to_bytes())
    program = find_programs(os.environ).paths["configtxgen"].with_name("configtxlator")
    command = [program, "proto_decode", "--type", "common.Block", "--input", path]
    said = subprocess.run(command, check=True, capture_output=True, timeout=60).stdout
    config = json.loads(said)["data"]["data"][0]["payload"]["data"]["config"]
    groups = config["channel_group"]["groups"]
    assert config["sequence"] == "1"
    assert set(groups["Application"]["groups"]) == {"Org1MSP", "Org2MSP"}
    msp = groups["Application"]["groups"]["Org1MSP"]["values"]["MSP"]["value"]["config"]
    (listed,) = msp["revocation_list"]
    assert base64.b64decode(listed) == configuration.organisations["Org1MSP"].revocations[0]
    policy = groups["Application"]["policies"]["Endorsement"]["policy"]
    assert policy["value"] == {"rule": "MAJORITY", "sub_policy": "Endorsement"}
