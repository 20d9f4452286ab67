"""The evidence registry as chaincode: decode, `admit`, encode.

| function               | arguments                    | answer                                   |
|------------------------|------------------------------|------------------------------------------|
| `init`                 | parameters                   | whose word is missing; by an admin       |
| `recordInitiations`    | domain, pieces               | how many were not there                  |
| `recordSettlements`    | domain, pieces               | the same                                 |
| `recordQualifications` | domain, pieces               | the same                                 |
| `anchorRoot`           | root, leaves, cid            | what is kept of it                       |
| `evidenceOf`           | evidence                     | what is kept of it, or null              |
| `rootOf`               | msp, controller, root        | what is kept of it, or null              |
| `verify`               | msp, domain, proof, piece    | payer, seller and controller             |
| `parameters`           |                              | those that stand                         |
| `proposed`             |                              | what each organisation said they are     |
| `clock/...`            | see `edgemark_chaincode.clock` |                                        |

Records, proofs and answers are JSON (`requests`), a domain is `eip155:CHAIN:ESCROW`, hashes are 64
hexadecimal digits.

Parameters stand when every organisation that they name has said the same by `init`, and most of the
channel's have (`agreement` says why); before that nothing is recorded.

Which time is kept. `told_at` is the transaction's timestamp: its client chose it, within 15 minutes
of its endorsers', so it is that client's word and decides nothing here; who needs better asks for
the block. `anchored_at` is by the organisations' clocks, and is read where `init` named a second
until which roots are anchored: then the clocks stand in the read set, and an endorsement that was
held back dies with the next tick. Recordings and roots without a deadline read no clock, so that a
tick conflicts with nothing else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from edgemark.errors import RefusedInput
from edgemark.identifiers import (
    NO_TIME,
    Address,
    Hash32,
    Timestamp,
    parse_address,
    parse_hash32,
)
from edgemark.systems.trading.contract.consortium import requests
from edgemark.systems.trading.contract.consortium.agreement import (
    Agreement,
    Saying,
    compute_agreement,
    order_of,
)
from edgemark.systems.trading.contract.consortium.kept import AnchoredRoot, Found, Kept
from edgemark.systems.trading.contract.consortium.parameters import Parameters
from edgemark.systems.trading.contract.consortium.requests import NOTHING, parse, tell, tell_all
from edgemark.systems.trading.contract.evidence.domains import EvmDomains
from edgemark.systems.trading.contract.evidence.pieces import (
    InitiationPiece,
    QualificationPiece,
    RootProof,
    SettlementPiece,
)
from edgemark_chaincode.clock import Clocks, answer_clock
from edgemark_chaincode.shim.faults import CallRefused
from edgemark_chaincode.shim.interface import Chaincode, Response, success
from edgemark_chaincode.shim.stub import ChaincodeStub
from edgemark_chaincode.trading import rules
from edgemark_chaincode.trading.keys import (
    PARAMETERS,
    key_of_evidence,
    key_of_root,
    key_of_saying,
)
from edgemark_chaincode.trading.rules import (
    Anchoring,
    EvidenceRefused,
    find_anchoring_controller,
)

ADMIN = "admin"  # role of who may `init`
MAX_DIGITS = 20  # of a number in an argument
MAX_READ = 64  # parameters that are remembered: those of so many channels


class Function(NamedTuple):
    """One of the functions.

    Attributes:
        call: given the stub and the arguments; answers bytes.
        arity: number of its arguments.
    """

    call: Callable[..., Awaitable[bytes]]
    arity: int


class EvidenceRegistry(Chaincode):
    """See the module."""

    async def init(self, stub: ChaincodeStub) -> Response:
        """The first call of a definition that asks for one: the function `init`, as elsewhere."""
        return await self.invoke(stub)

    async def invoke(self, stub: ChaincodeStub) -> Response:
        """Answer a call; whatever it raises is answered as an error."""
        if (told := await answer_clock(stub)) is not None:
            return told
        name, arguments = stub.get_function_and_parameters()
        function = FUNCTIONS.get(name)
        if function is None:
            raise CallRefused(
                "is no function", who=repr(name[:80]), needed=f"one of {', '.join(FUNCTIONS)}"
            )
        if len(arguments) != function.arity:
            raise CallRefused(
                "takes other arguments", who=name, had=len(arguments), needed=function.arity
            )
        return success(await function.call(stub, *arguments))


async def say_parameters(stub: ChaincodeStub, text: str) -> bytes:
    """`init`: what the caller's organisation says; they stand with the last word that is needed."""
    client = stub.get_client_identity()
    client.check_unit(ADMIN)
    wanted: Parameters = parse(Parameters, text, who="parameters")
    members = await stub.list_organisations()
    standing = await _standing(stub)
    rules.admit_saying(standing, wanted, client.msp_id, members)
    if standing is not None:
        return tell(Agreement, Agreement(members, (), 0))
    own = key_of_saying(client.msp_id)
    if await _said(stub, client.msp_id) != wanted:
        await stub.put_state(own, tell(Parameters, wanted))
    said: dict[str, Parameters | None] = {client.msp_id: wanted}
    found = compute_agreement(wanted, said, members)
    for each in order_of(client.msp_id, wanted, members)[1:]:
        if found.stands:
            break
        said[each] = await _said(stub, each)
        found = compute_agreement(wanted, said, members)
    if found.stands:
        await Clocks(stub).name_organisations(wanted.organisations)
        await stub.put_state(PARAMETERS, tell(Parameters, wanted))
    return tell(Agreement, found)


async def record_initiations(stub: ChaincodeStub, domain: str, text: str) -> bytes:
    """`recordInitiations`."""
    return await _record(stub, domain, text, tuple[InitiationPiece, ...], rules.find_initiation)


async def record_settlements(stub: ChaincodeStub, domain: str, text: str) -> bytes:
    """`recordSettlements`."""
    return await _record(stub, domain, text, tuple[SettlementPiece, ...], rules.find_settlement)


async def record_qualifications(stub: ChaincodeStub, domain: str, text: str) -> bytes:
    """`recordQualifications`."""
    return await _record(
        stub, domain, text, tuple[QualificationPiece, ...], rules.find_qualification
    )


async def anchor_root(stub: ChaincodeStub, root: str, leaves: str, cid: str) -> bytes:
    """`anchorRoot`: for the controller that the caller's certificate names."""
    client = stub.get_client_identity()
    controller = find_anchoring_controller(client.attributes)
    told_at = Timestamp(stub.get_tx_timestamp().seconds)
    request = Anchoring(parse_hash32(root, who="root"), _number(leaves), cid, told_at)
    parameters = await _parameters(stub)
    key = key_of_root(request.root, controller, client.msp_id)
    until = parameters.anchor_until
    kept = rules.admit_root(
        _root_of(await stub.get_state(key)),
        request,
        None if until == NO_TIME else await Clocks(stub).now(),
        until=until,
        by=(controller, client.msp_id),
    )
    told = tell(AnchoredRoot, kept)
    await stub.put_state(key, told)
    stub.set_event(requests.ANCHORED, told)
    return told


async def evidence_of(stub: ChaincodeStub, evidence: str) -> bytes:
    """`evidenceOf`."""
    return await stub.get_state(key_of_evidence(parse_hash32(evidence, who="evidence"))) or NOTHING


async def root_of(stub: ChaincodeStub, msp_id: str, controller: str, root: str) -> bytes:
    """`rootOf`."""
    return await stub.get_state(_key_of_root(msp_id, controller, root)) or NOTHING


async def verify(stub: ChaincodeStub, msp_id: str, domain: str, proof: str, piece: str) -> bytes:
    """`verify`."""
    said: RootProof = parse(RootProof, proof, who="proof")
    settlement: SettlementPiece = parse(SettlementPiece, piece, who="settlement")
    domains = (await _parameters(stub)).domain(domain)
    raw = await stub.get_state(key_of_root(said.root, said.controller, msp_id))
    signers = rules.find_signers_under(_root_of(raw), said, domains, settlement)
    return tell(tuple[Address, ...], signers)


async def show_parameters(stub: ChaincodeStub) -> bytes:
    """`parameters`."""
    return tell(Parameters, await _parameters(stub))


async def show_proposed(stub: ChaincodeStub) -> bytes:
    """`proposed`."""
    said = {each: await _said(stub, each) for each in await stub.list_organisations()}
    told = tuple(Saying(name, each) for name, each in said.items() if each is not None)
    return tell(tuple[Saying, ...], told)


async def _record(
    stub: ChaincodeStub,
    domain: str,
    text: str,
    kinds: object,
    find: Callable[[EvmDomains, Any], Found],
) -> bytes:
    """Write those of a list that are not there; how many."""
    pieces: Sequence[Any] = parse(kinds, text, who="pieces")
    rules.check_count(len(pieces))
    domains = (await _parameters(stub)).domain(domain)
    found = [find(domains, each) for each in pieces]
    known = {each.evidence for each in found if await stub.get_state(_key_of(each))}
    told_at = Timestamp(stub.get_tx_timestamp().seconds)
    new = rules.admit(known, found)
    told = [tell(Kept, Kept(each, domains.name, told_at)) for each in new]
    for each, raw in zip(new, told, strict=True):
        await stub.put_state(_key_of(each), raw)
    if new:
        stub.set_event(requests.RECORDED, tell_all(told))
    return str(len(new)).encode()


async def _parameters(stub: ChaincodeStub) -> Parameters:
    standing = await _standing(stub)
    if standing is None:
        raise EvidenceRefused(
            "NoParameters",
            "nothing was agreed to yet",
            needed="`init`, by an admin of each organisation; `proposed` tells who said what",
        )
    return standing


async def _standing(stub: ChaincodeStub) -> Parameters | None:
    raw = await stub.get_state(PARAMETERS)
    return read_parameters(raw) if raw else None


async def _said(stub: ChaincodeStub, msp_id: str) -> Parameters | None:
    raw = await stub.get_state(key_of_saying(msp_id))
    return read_parameters(raw) if raw else None


@lru_cache(maxsize=MAX_READ)
def read_parameters(raw: bytes) -> Parameters:
    """What these bytes say, and nothing else: read for each call, and the same ones all day."""
    parameters: Parameters = parse(Parameters, raw.decode(), who=PARAMETERS)
    return parameters


def _key_of(found: Found) -> str:
    return key_of_evidence(found.evidence)


def _key_of_root(msp_id: str, controller: str, root: str) -> str:
    hash_: Hash32 = parse_hash32(root, who="root")
    return key_of_root(hash_, parse_address(controller, who="controller"), msp_id)


def _root_of(raw: bytes) -> AnchoredRoot | None:
    if not raw:
        return None
    kept: AnchoredRoot = parse(AnchoredRoot, raw.decode(), who="root")
    return kept


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise RefusedInput("is no number", who="argument", had=repr(text[:MAX_DIGITS]))
    return int(text)


FUNCTIONS: dict[str, Function] = {
    requests.INIT: Function(say_parameters, 1),
    requests.RECORD_INITIATIONS: Function(record_initiations, 2),
    requests.RECORD_SETTLEMENTS: Function(record_settlements, 2),
    requests.RECORD_QUALIFICATIONS: Function(record_qualifications, 2),
    requests.ANCHOR_ROOT: Function(anchor_root, 3),
    requests.EVIDENCE_OF: Function(evidence_of, 1),
    requests.ROOT_OF: Function(root_of, 3),
    requests.VERIFY: Function(verify, 4),
    requests.PARAMETERS: Function(show_parameters, 0),
    requests.PROPOSED: Function(show_proposed, 0),
}
