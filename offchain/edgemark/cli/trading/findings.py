"""What `edgemark doctor` finds for trading: contracts, bonds, controllers, keys, where it sells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from edgemark.amounts import Amount
from edgemark.cli.doctor.chain_findings import OnChain
from edgemark.cli.doctor.findings import Finding, look, refused
from edgemark.deployment.deployment import Deployment
from edgemark.errors import EdgemarkError, RefusedInput
from edgemark.identifiers import Address, Timestamp, format_time
from edgemark.identity.credentials.agreement import AgreementKeyMissing, AgreementKeys
from edgemark.identity.credentials.keys import find_agreement_key
from edgemark.identity.did.document import DidDocument
from edgemark.identity.did.events import CHANGES
from edgemark.identity.did.history import DatedChange, Latest, build_document
from edgemark.identity.did.identifier import Did, make_did
from edgemark.identity.keys import ACCOUNT_FILE, KeyStore
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.ledger.evm.reading.chain import EvmChain
from edgemark.party.evm.contracts import DidContracts
from edgemark.resolver.opening import open_identities
from edgemark.settings.settings import Settings
from edgemark.storage.cid import parse_cid
from edgemark.storage.local import LocalStore
from edgemark.systems.trading.contract.escrow import EscrowContract, StoredChannel
from edgemark.systems.trading.contract.evidence.controllers import ControllersContract
from edgemark.systems.trading.contract.market.registry import TemplateRegistry
from edgemark.systems.trading.contract.records import ChannelPhase
from edgemark.systems.trading.contract.towers.watchtowers import TowersContract
from edgemark.systems.trading.station.contracts import CONTROLLER, WATCHTOWER, TradingContracts
from edgemark.systems.trading.station.deals import FOLDER, Deal, DealBook
from edgemark.systems.trading.station.documents import SELLER_SERVICE
from edgemark.systems.trading.station.templates import FOLDER as CONTENT
from edgemark.systems.trading.templates.fields import Encryption, TemplateKind
from edgemark.systems.trading.templates.template import MAX_TEXT_BYTES, list_ways, read_template
from edgemark.transport.asking.http import HttpClient
from edgemark.words import count

ANSWER_S = 5.0
MOST_STATUS_BYTES = 64 * 1024
MOST_CONTROLLERS = 16  # that are looked at: a home rarely has channels at more
MOST_TEXTS = 1024  # of the folder of content


def find_trading(settings: Settings, reached: OnChain) -> Iterator[Finding]:
    """What there is where this system's contracts are deployed; nothing is written.

    Args:
        settings: of the home.
        reached: chain and contracts, as far as they were.
    """
    chain, deployment = reached.chain, reached.deployment
    if chain is None or deployment is None or not deployment.has(TradingContracts):
        return
    escrow = EscrowContract(chain, deployment.contract("ChannelEscrow"))
    yield look("new channels", False, lambda: _describe_escrow(escrow))
    if not (settings.home / "keys" / ACCOUNT_FILE).exists():
        return
    me = KeyStore.of(settings, may_make=False).account.address
    role = None if reached.entry is None else reached.entry.role
    controllers = ControllersContract(chain, deployment.contract("Controllers"))
    if role == CONTROLLER or _serves(settings, "controller"):
        yield look("controller bond", True, lambda: _describe_bond(controllers, me))
    if role == WATCHTOWER or _serves(settings, "tower"):
        towers = TowersContract(chain, deployment.contract("Watchtowers"))
        yield look("tower bond", True, lambda: _describe_tower(towers, me))
    try:
        lasting = _list_lasting(settings.home, chain, escrow)
    except EdgemarkError as error:
        yield refused("deals", True, error)
        lasting = []
    for named, many in _count_controllers(lasting).items():
        told = partial(_describe_controller, controllers, named, many)
        yield look(f"controller {named[:10]}", False, told)
    if sealed := [deal for deal, _ in lasting if _is_sealed_for(deal, me)]:
        yield look("sealed channels", True, lambda: _describe_sealed(settings.home, me, sealed))
    registry = TemplateRegistry(chain, deployment.contract("TemplateRegistry"))
    if ways := _find_ways(settings.home, registry, me):
        is_needed = any(Encryption.NONE not in each for each in ways)
        yield look("key for agreement", is_needed, lambda: _describe_key(settings, me))
    if _serves(settings, "seller"):
        yield look("seller's service", True, lambda: _describe_service(settings, me))


def _serves(settings: Settings, party: str) -> bool:
    return (settings.home / f"{party}.journal").exists()


def _describe_escrow(escrow: EscrowContract) -> str:
    if escrow.is_stopped():
        raise RefusedInput(
            "takes no new channels",
            who=f"ChannelEscrow at {escrow.address}",
            had="stopped by its guardian, for good",
            remedy="Channels that are open go on; new ones need another deployment.",
        )
    most = Amount(escrow.limits().max_deposit)
    return f"ChannelEscrow at {escrow.address} takes deposits of up to {most}"


def _describe_bond(controllers: ControllersContract, me: Address) -> str:
    """Whether this account may issue and anchor.

    Raises:
        RefusedInput: it is in no good standing; with what to do about it.
    """
    bond, needed = controllers.bond_of(me), controllers.bonding().min_bond
    told = f"{Amount(bond.amount)} until {_tell(bond.expires_at)}"
    if controllers.is_in_standing(me):
        return f"in good standing, with {told}"
    if bond.convicted_at:
        raise RefusedInput(
            "was convicted: its key issues nothing any more",
            who=me,
            had=f"convicted at {_tell(bond.convicted_at)}",
            remedy="Register another account, and bond that.",
        )
    raise RefusedInput(
        "is no controller in good standing",
        who=me,
        had=f"leaving, free at {_tell(bond.free_at)}" if bond.is_leaving else told,
        needed=f"{Amount(needed)} that stays locked for the time of unbonding",
        remedy="Run `edgemark controller bond`.",
    )


def _describe_tower(towers: TowersContract, me: Address) -> str:
    """Whether this account takes channels to watch; raises as `_describe_bond`."""
    bond, terms = towers.bond_of(me), towers.terms_of(me)
    told = f"{Amount(bond.amount)}, of which {Amount(bond.covered)} cover channels"
    if towers.is_watching(me):
        return f"watches until {_tell(terms.until)}, with {told}"
    raise RefusedInput(
        "takes no channels to watch",
        who=me,
        had="retired" if bond.is_retired else f"{told}; terms until {_tell(terms.until)}",
        needed="good standing, a bond, and terms that go on",
        remedy="Run `edgemark tower bond` and `edgemark tower publish`.",
    )


def _list_lasting(
    home: Path, chain: EvmChain, escrow: EscrowContract
) -> list[tuple[Deal, StoredChannel]]:
    """This home's channels that were opened and have not ended."""
    book = DealBook(home / FOLDER, chain.chain_id, escrow.address)
    deals = [deal for deal in map(book.find, book.channels()) if deal is not None]
    stored = escrow.channels([deal.terms for deal in deals], block="latest")
    over = (ChannelPhase.NONE, ChannelPhase.ENDED)
    both = zip(deals, stored, strict=True)
    return [(deal, kept) for deal, kept in both if kept.phase not in over]


def _count_controllers(lasting: Sequence[tuple[Deal, StoredChannel]]) -> dict[Address, int]:
    """Who issues for how many of these channels."""
    found: dict[Address, int] = {}
    for _, kept in lasting:
        named = kept.signers.controller
        if named in found or len(found) < MOST_CONTROLLERS:
            found[named] = found.get(named, 0) + 1
    return found


def _is_sealed_for(deal: Deal, me: Address) -> bool:
    is_party = me in (deal.terms.payer, deal.terms.seller)
    return is_party and deal.encryption is Encryption.JWE


def _describe_sealed(home: Path, me: Address, deals: Sequence[Deal]) -> str:
    """Whether this home opens what is said in its sealed channels.

    Raises:
        DealSealed: the claims of one were not opened here.
        AgreementKeyMissing: the key of one is not here any more.
        Unrecoverable: a key is damaged, or others can open it.
    """
    kept = AgreementKeys.of(home)
    for deal in deals:
        is_sold = deal.terms.seller == me
        deal.agreed  # noqa: B018 - raises for claims that nobody opened
        mine = deal.readers[0 if is_sold else 1]
        if all(key.public_key != mine.key for key in kept.keys):
            raise AgreementKeyMissing(
                "is not in this home",
                who=f"key {mine.kid}",
                had=f"{len(kept.keys)} others",
                needed=mine.key.hex(),
                remedy="Restore keys/agreement from a copy: as long as the channel lasts, what is "
                "said in it is sealed for this key.",
            )
    return f"{count(len(deals), 'open channel')} whose claims this home can read"


def _find_ways(home: Path, registry: TemplateRegistry, me: Address) -> list[tuple[Encryption, ...]]:
    """How claims may travel by each template of this account that takes sealed ones, and counts."""
    content, found = LocalStore(home / CONTENT), []
    for path in sorted((home / CONTENT).glob("*"))[:MOST_TEXTS]:
        with suppress(EdgemarkError, OSError):  # whatever else lies there
            if path.stat().st_size > MAX_TEXT_BYTES:
                continue
            template = read_template(content.get(parse_cid(path.name)), who=path.name)
            is_own = template.seller.identity == me
            if not is_own or template.label.kind is not TemplateKind.INITIATION:
                continue
            ways = list_ways(template)
            if (
                Encryption.JWE in ways
                and not registry.version_of(template.version_id).deprecated_at
            ):
                found.append(ways)
    return found


def _describe_key(settings: Settings, me: Address) -> str:
    """Whether buyers find a key to seal for, and this home has it.

    Raises:
        KeyUnusable: the identity has none, with the command that makes one.
        AgreementKeyMissing: it has one that is not here.
        Unrecoverable: a key is damaged, or others can open it.
    """
    chain, deployment = open_identities(settings, (DidContracts,))
    did = make_did(chain.chain_id, me)
    kid, key = find_agreement_key(_read_document(chain, deployment, did))
    AgreementKeys.of(settings.home).check_has(key, did)
    return f"{kid}, by which claims are sealed for this home"


def _describe_controller(controllers: ControllersContract, named: Address, many: int) -> str:
    """Whether who issues for channels of this home is in good standing; raises `RefusedInput`."""
    channels = count(many, "open channel")
    if controllers.is_in_standing(named):
        return f"in good standing, issues for {channels}"
    raise RefusedInput(
        "is in no good standing",
        who=named,
        had=f"issues for {channels} of this home",
        remedy="Vouchers are paid without it; both parties may name another controller.",
    )


def _describe_service(settings: Settings, me: Address) -> str:
    """Whether buyers find this seller by its identity, and it answers there.

    Raises:
        RefusedInput: its identity names no place, or another key than this home's.
        PeerFault: nobody answers there, or with another key.
    """
    chain, deployment = open_identities(settings, (DidContracts,))
    did = make_did(chain.chain_id, me)
    services = _read_document(chain, deployment, did).services
    places = [each.endpoint for each in services if each.type == SELLER_SERVICE]
    place = places[-1] if places else None
    if not isinstance(place, dict) or not {"uri", "pin"} <= place.keys():
        raise RefusedInput(
            "does not say where it serves",
            who=did,
            had=str(place)[:80] if places else f"no service {SELLER_SERVICE}",
            needed='{"uri": "https://HOST:PORT", "pin": of its TLS key}',
            remedy="`edgemark seller run` says it, with coins on the chain of identities.",
        )
    uri, pin = str(place["uri"]), KeyStore.of(settings, may_make=False).tls.pin
    if place["pin"] != pin.hex():
        raise RefusedInput(
            "names another TLS key than this home has",
            who=did,
            had=str(place["pin"])[:64],
            needed=pin.hex(),
            remedy="`edgemark seller run` says the new one.",
        )
    client = HttpClient(timeout_s=ANSWER_S)
    client.request(uri, pin, "GET", "/v1/status", b"", most_bytes=MOST_STATUS_BYTES)
    return f"{uri}, answers with the key that {did} names"


def _read_document(chain: EvmChain, deployment: Deployment, did: Did) -> DidDocument:
    """What an identity says of itself now, by its events: doctor fills no index."""
    registry = deployment.contract("DidRegistry")
    key = bytes.fromhex(did.identity[2:]).rjust(32, b"\0")
    newest = chain.block()
    logs = chain.logs([registry.address], deployment.block, newest.number, [[], [key]])
    changes = [
        DatedChange(event, Timestamp(0))  # the newest version needs no times of blocks
        for event in decode_logs([registry], logs)
        if isinstance(event, CHANGES)
    ]
    found = build_document(did, changes, Latest(Timestamp(newest.timestamp)))
    return found.document


def _tell(second: int) -> str:
    return format_time(Timestamp(second)) if second else "never"
