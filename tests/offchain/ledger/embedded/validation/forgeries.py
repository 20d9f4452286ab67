"""Every forgery, with the code that it has to get, and the check that stops it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from fabric_protos.common import common_pb2
from tests.offchain.ledger.embedded.consortium import (
    ORGANISATIONS,
    Draft,
    define,
    definition_read,
    firm,
    puts,
)
from tests.offchain.ledger.embedded.validation import forging
from tests.offchain.ledger.embedded.validation.forging import OTHER, Parts, good

from edgemark.ledger.embedded.channel.channel import Channel
from edgemark.ledger.embedded.definitions import approval_key, write_definition
from edgemark.ledger.fabric.identities.members import MemberRole
from edgemark.ledger.fabric.identities.signing import ORDER, Signer, make_identity
from edgemark.ledger.fabric.wire.codes import Code
from edgemark.ledger.fabric.wire.definitions import ChaincodeDefinition
from edgemark.ledger.fabric.wire.envelopes import (
    Endorsement,
    join_payload,
    make_envelope,
)
from edgemark.ledger.fabric.wire.names import LIFECYCLE
from edgemark.ledger.fabric.wire.policy.policies import (
    ENDORSEMENT,
    OutOf,
    Role,
    SignedBy,
    make_policy,
)
from edgemark.ledger.fabric.wire.policy.texts import parse_policy_text
from edgemark.ledger.fabric.wire.proposals import parse_proposal
from edgemark.ledger.fabric.wire.read_write_sets import RangeRead, Read

ONE_OF_TWO = parse_policy_text("OR('Org1MSP.peer', 'Org2MSP.peer')")
TWO_MEMBERS = parse_policy_text("AND('Org1MSP.member', 'Org2MSP.member')")
HIDDEN = common_pb2.ChannelHeader(channel_id="trade").SerializeToString()
TWICE = OutOf(2, (SignedBy("Org1MSP", Role.PEER), SignedBy("Org1MSP", Role.PEER)))


@dataclass(frozen=True)
class Forgery:
    """A forged transaction.

    Attributes:
        name: of it.
        code: that it has to get.
        blocks: the blocks that lead to it; the last envelope is the forged one.
        planted: the check without which it gets through; "" where several stop it.
    """

    name: str
    code: Code
    blocks: Callable[[Channel], Sequence[Sequence[bytes]]]
    planted: str = ""


def forged(change: Callable[[Parts], bytes]) -> Callable[[Channel], list[list[bytes]]]:
    return lambda _: [[change(Parts(good()))]]


def other_arguments(channel: Channel) -> list[list[bytes]]:
    asked = good()
    other = replace(asked, arguments=(b"put", b"other"))
    payload = join_payload(parse_proposal(other.proposal), asked.response, asked.endorsements())
    return [[make_envelope(payload, asked.creator.sign(payload))]]


def stolen_response(channel: Channel) -> list[list[bytes]]:
    """Another client puts an endorsed response under a proposal of its own."""
    asked = good()
    thief = good(creator=firm(OTHER).client)
    payload = join_payload(parse_proposal(thief.proposal), asked.response, asked.endorsements())
    return [[make_envelope(payload, thief.creator.sign(payload))]]


def callee(channel: Channel) -> list[list[bytes]]:
    define(channel, "weak", policy=ONE_OF_TWO)
    sets = [puts({"w": b"v"}, "weak"), puts({"k": b"v"}, "code")]
    draft = Draft(sets, chaincode="weak", endorsers=[firm("Org1MSP").peer])
    return [[draft.envelope()]]


def through_lifecycle(key: str) -> Callable[[Channel], list[list[bytes]]]:
    """A weak chaincode's endorser writes a definition, or another's approval."""

    def blocks(channel: Channel) -> list[list[bytes]]:
        define(channel, "weak", policy=ONE_OF_TWO)
        sets = [puts({key: b"v"}, LIFECYCLE)]
        draft = Draft(sets, chaincode="weak", endorsers=[firm("Org1MSP").peer])
        return [[draft.envelope()]]

    return blocks


def of_members(role: MemberRole) -> Callable[[Channel], list[list[bytes]]]:
    def blocks(channel: Channel) -> list[list[bytes]]:
        define(channel, "members", policy=TWO_MEMBERS)
        endorsers = [firm(each).somebody("somebody", role) for each in ORGANISATIONS]
        draft = Draft([puts({"k": b"v"}, "members")], chaincode="members", endorsers=endorsers)
        return [[draft.envelope()]]

    return blocks


def same_peer(second: Callable[[Signer], Signer]) -> Callable[[Channel], list[list[bytes]]]:
    def blocks(channel: Channel) -> list[list[bytes]]:
        define(channel, "twice", policy=TWICE)
        peer = firm("Org1MSP").peer
        endorsers = [peer, second(peer)]
        draft = Draft([puts({"k": b"v"}, "twice")], chaincode="twice", endorsers=endorsers)
        return [[draft.envelope()]]

    return blocks


def endorsement_moved(channel: Channel) -> list[list[bytes]]:
    """An endorser's signature stands under another endorser's name."""
    draft = good()
    one, two = draft.endorsements()
    moved = [one, Endorsement(two.endorser, one.signature)]
    payload = join_payload(parse_proposal(draft.proposal), draft.response, moved)
    return [[make_envelope(payload, draft.creator.sign(payload))]]


def twice_in_block(channel: Channel) -> list[list[bytes]]:
    envelope = good().envelope()
    return [[envelope, envelope]]


def twice_in_chain(channel: Channel) -> list[list[bytes]]:
    envelope = good().envelope()
    return [[envelope], [envelope]]


def invalid_again(channel: Channel) -> list[list[bytes]]:
    """An id that stands in the chain with an invalid transaction is used up."""
    weak = good(endorsers=[])
    strong = replace(weak, endorsers=good().endorsers)
    return [[weak.envelope()], [strong.envelope()]]


def reading(**more: object) -> Draft:
    return Draft([puts({"k": b"v"}, **more)])


def stale_in_block(channel: Channel) -> list[list[bytes]]:
    drafts = [reading(reads=(Read("k", None),)) for _ in range(2)]
    return [[each.envelope() for each in drafts]]


def stale_in_chain(channel: Channel) -> list[list[bytes]]:
    drafts = [reading(reads=(Read("k", None),)) for _ in range(2)]
    return [[each.envelope()] for each in drafts]


def phantom(*, apart: bool) -> Callable[[Channel], list[list[bytes]]]:
    def blocks(channel: Channel) -> list[list[bytes]]:
        first = Draft([puts({"m": b"v"})]).envelope()
        ranged = reading(ranges=(RangeRead("l", "n", True, ()),)).envelope()
        return [[first], [ranged]] if apart else [[first, ranged]]

    return blocks


def before_an_upgrade(channel: Channel) -> list[list[bytes]]:
    draft = Draft([definition_read(channel), puts({"k": b"v"})])
    define(channel, sequence=2, version="2")
    return [[draft.envelope()]]


def beside_an_upgrade(channel: Channel) -> list[list[bytes]]:
    """The upgrade stands earlier in the same block."""
    new = ChaincodeDefinition("code", "2", 2, make_policy(ENDORSEMENT))
    upgrade = Draft(
        [puts(dict(write_definition(new)), LIFECYCLE)], chaincode=LIFECYCLE, version="syscc"
    )
    late = Draft([definition_read(channel), puts({"k": b"v"})])
    return [[upgrade.envelope(), late.envelope()]]


def by_a_stranger(channel: Channel) -> list[list[bytes]]:
    return [[good(creator=firm("StrangerMSP").client).envelope()]]


def in_the_name_of_another(channel: Channel) -> list[list[bytes]]:
    stranger = firm("StrangerMSP").client
    return [[good(creator=Signer("Org1MSP", stranger.certificate, stranger.key)).envelope()]]


def with_anothers_certificate(channel: Channel) -> list[list[bytes]]:
    """Go takes the first block of PEM, whatever it is, for who asks: here another's."""
    client = firm("Org1MSP").client
    shown = firm(OTHER).client.certificate.replace(b"CERTIFICATE", b"SHOWN")
    return [[good(creator=Signer("Org1MSP", shown + client.certificate, client.key)).envelope()]]


def with_two_organisations(channel: Channel) -> list[list[bytes]]:
    """The last one counts, and is its own."""
    client = firm("Org1MSP").client
    identity = make_identity(OTHER, b"") + client.identity
    return [[forging.named(client, identity).envelope()]]


def with_the_larger_s(channel: Channel) -> list[list[bytes]]:
    envelope = common_pb2.Envelope.FromString(good().envelope())
    r, s = decode_dss_signature(envelope.signature)
    return [[make_envelope(envelope.payload, encode_dss_signature(r, ORDER - s))]]


def of_another_channel(channel: Channel) -> list[list[bytes]]:
    return [[good(channel="elsewhere").envelope()]]


def of_no_chaincode(channel: Channel) -> list[list[bytes]]:
    return [[Draft([puts({"k": b"v"}, "nothing")], chaincode="nothing").envelope()]]


def into_no_chaincode(channel: Channel) -> list[list[bytes]]:
    return [[Draft([puts({"k": b"v"}, "nothing")]).envelope()]]


def raw(envelope: bytes) -> Callable[[Channel], list[list[bytes]]]:
    return lambda _: [[envelope]]


def garbage_signed(channel: Channel) -> list[list[bytes]]:
    """A payload whose data are no transaction, by a member."""
    parts = Parts(good())
    parts.payload.data = b"\xff"
    parts.payload.header.channel_header = parts.channel.SerializeToString()
    payload = parts.payload.SerializeToString()
    return [[make_envelope(payload, parts.creator.sign(payload))]]


_FAILS = Code.ENDORSEMENT_POLICY_FAILURE
_WRONG = Code.INVALID_ENDORSER_TRANSACTION
FORGERIES = (
    Forgery("other arguments", _WRONG, other_arguments, "proposal hash"),
    Forgery("response of another's proposal", _WRONG, stolen_response, "proposal hash"),
    Forgery("another's transaction", Code.BAD_PROPOSAL_TXID, forged(forging.stolen_transaction)),
    Forgery(
        "id of another nonce",
        Code.BAD_PROPOSAL_TXID,
        forged(forging.id_of_another_nonce),
        "transaction id",
    ),
    Forgery("callee with a stronger policy", _FAILS, callee, "policy of callee's namespace"),
    Forgery(
        "definition by one organisation",
        _FAILS,
        through_lifecycle("namespaces/fields/code/Sequence"),
        "policy of callee's namespace",
    ),
    Forgery(
        "approval in another's name",
        _FAILS,
        through_lifecycle(approval_key(OTHER, "code", 1)),
        "policy of callee's namespace",
    ),
    Forgery("endorsed by clients", _FAILS, of_members(MemberRole.CLIENT), "peer role"),
    Forgery("endorsed by admins", _FAILS, of_members(MemberRole.ADMIN), "peer role"),
    Forgery("endorsed twice by one peer", _FAILS, same_peer(lambda peer: peer), "identity once"),
    Forgery("by one peer in two forms", _FAILS, same_peer(forging.turned), "identity once"),
    Forgery("changed results", _FAILS, forged(forging.results_changed), "endorsement signature"),
    Forgery("another's signature", _FAILS, endorsement_moved, "endorsement signature"),
    Forgery("twice in a block", Code.DUPLICATE_TXID, twice_in_block, "duplicate in block"),
    Forgery("twice in the chain", Code.DUPLICATE_TXID, twice_in_chain, "duplicate in chain"),
    Forgery("id of an invalid one", Code.DUPLICATE_TXID, invalid_again, "duplicate in chain"),
    Forgery("stale in the block", Code.MVCC_READ_CONFLICT, stale_in_block, "in-block version"),
    Forgery("stale in the chain", Code.MVCC_READ_CONFLICT, stale_in_chain, "version"),
    Forgery("phantom in the chain", Code.PHANTOM_READ_CONFLICT, phantom(apart=True), "phantom"),
    Forgery("phantom in the block", Code.PHANTOM_READ_CONFLICT, phantom(apart=False), "phantom"),
    Forgery("before an upgrade", Code.MVCC_READ_CONFLICT, before_an_upgrade, "definition read"),
    Forgery("beside an upgrade", Code.MVCC_READ_CONFLICT, beside_an_upgrade, "definition read"),
    Forgery(
        "event of another", Code.INVALID_OTHER_REASON, forged(forging.event_of_another), "event"
    ),
    Forgery(
        "event of another transaction",
        Code.INVALID_OTHER_REASON,
        forged(forging.event_of_another_transaction),
        "event",
    ),
    Forgery(
        "namespace twice", Code.ILLEGAL_WRITESET, forged(forging.namespace_twice), "namespaces"
    ),
    Forgery("private data", Code.ILLEGAL_WRITESET, forged(forging.private_data), "supported"),
    Forgery("metadata of a key", Code.ILLEGAL_WRITESET, forged(forging.key_metadata), "supported"),
    Forgery(
        "another chaincode ran", Code.INVALID_CHAINCODE, forged(forging.other_chaincode_ran), "name"
    ),
    Forgery("no version", Code.INVALID_CHAINCODE, forged(forging.no_version), "name"),
    Forgery("no chaincode", Code.INVALID_OTHER_REASON, forged(forging.no_chaincode), "name"),
    Forgery("of no chaincode", Code.INVALID_CHAINCODE, of_no_chaincode),
    Forgery("into no chaincode", Code.INVALID_CHAINCODE, into_no_chaincode),
    Forgery("results are garbage", Code.BAD_RWSET, forged(forging.garbage("results"))),
    Forgery("event is garbage", Code.INVALID_OTHER_REASON, forged(forging.garbage("event"))),
    Forgery("no response", Code.BAD_RESPONSE_PAYLOAD, forged(forging.no_response)),
    Forgery("no action", _WRONG, forged(forging.set_actions(0))),
    Forgery("two actions", _WRONG, forged(forging.set_actions(2))),
    Forgery("action of nobody", _WRONG, forged(forging.no_action_creator)),
    Forgery("data are garbage", _WRONG, garbage_signed),
    Forgery("of another channel", Code.TARGET_CHAIN_NOT_FOUND, of_another_channel, "channel"),
    Forgery("extension is garbage", _WRONG, forged(forging.set_header("extension", b"\xff"))),
    Forgery("under another id", Code.BAD_COMMON_HEADER, forged(forging.another_id)),
    Forgery("response cut", Code.BAD_RESPONSE_PAYLOAD, forged(forging.response_cut)),
    Forgery("arguments gone", _WRONG, forged(forging.arguments_gone)),
    Forgery(
        "behind the channel header",
        Code.BAD_COMMON_HEADER,
        forged(forging.borders_moved(at_channel=HIDDEN)),
        "order of fields",
    ),
    Forgery(
        "before both signature headers",
        Code.BAD_COMMON_HEADER,
        forged(forging.borders_moved(at_signature=HIDDEN, at_action=HIDDEN)),
        "order of fields",
    ),
    Forgery(
        "before the action's header",
        _WRONG,
        forged(forging.borders_moved(at_action=HIDDEN)),
        "action header",
    ),
    Forgery("behind what was asked", _WRONG, forged(forging.borders_moved(at_end=HIDDEN)), "asked"),
    Forgery("epoch", Code.BAD_COMMON_HEADER, forged(forging.set_header("epoch", 1))),
    Forgery("unknown kind", Code.BAD_COMMON_HEADER, forged(forging.set_header("type", 5))),
    Forgery("update", Code.UNSUPPORTED_TX_PAYLOAD, forged(forging.set_header("type", 2))),
    Forgery(
        "configuration", Code.INVALID_CONFIG_TRANSACTION, forged(forging.set_header("type", 1))
    ),
    Forgery("no nonce", Code.BAD_COMMON_HEADER, forged(forging.set_signature_header("nonce", b""))),
    Forgery(
        "no creator", Code.BAD_COMMON_HEADER, forged(forging.set_signature_header("creator", b""))
    ),
    Forgery(
        "another signed it",
        Code.BAD_CREATOR_SIGNATURE,
        forged(forging.signed_by_another),
        "creator",
    ),
    Forgery("by a stranger", Code.BAD_CREATOR_SIGNATURE, by_a_stranger, "creator"),
    Forgery("in another's name", Code.BAD_CREATOR_SIGNATURE, in_the_name_of_another, "creator"),
    Forgery("another's certificate", Code.BAD_CREATOR_SIGNATURE, with_anothers_certificate),
    Forgery("two organisations", Code.BAD_CREATOR_SIGNATURE, with_two_organisations),
    Forgery("larger s", Code.BAD_CREATOR_SIGNATURE, with_the_larger_s, "creator"),
    Forgery("nothing", Code.BAD_COMMON_HEADER, raw(b"")),
    Forgery("no envelope", Code.INVALID_OTHER_REASON, raw(b"\xff")),
    Forgery("no payload", Code.BAD_PAYLOAD, raw(make_envelope(b"\xff", b""))),
)
