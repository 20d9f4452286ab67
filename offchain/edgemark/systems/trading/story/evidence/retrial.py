"""Tries the bundle of a channel: every statement checked, each bill computed again.

| what is checked                            | against                                          |
|--------------------------------------------|--------------------------------------------------|
| channel                                    | the hash of its terms, with chain and escrow     |
| initiation credential                      | the digest in the terms; the seller's key        |
| both templates                             | digests in the credential, ids in the terms      |
| each settlement                            | keys of both parties, of its controller          |
| each fee                                   | the strategy, for these readings (`bills`); what |
|                                            | does not fit is told against the issuer alone    |
| evidence that its parties signed           | digests of the credentials                       |
| anchored leaves                            | the root, by their branch                        |
| what was paid                              | the table of amounts                             |
| events, evidence, roots, templates         | the reader's chain, if there is one              |
| the seller's key when the channel opened   | the chain of identities, if there is one         |

Without a chain it takes the bundle's word for what happened there, and says so. With one it is told
what the chain says since: who exports a bundle chooses the block at which it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace

from edgemark.chronicle.marks import Credit, Mark, Pot
from edgemark.crypto.ethereum.merkle import check_branch
from edgemark.crypto.ethereum.secp256k1 import BadSignature
from edgemark.errors import RefusedInput
from edgemark.identifiers import Address, Hash32
from edgemark.identity.credentials.jose.compact import check_compact
from edgemark.identity.credentials.reading import SignedCredential, read_signed
from edgemark.receipt.trial import Trial
from edgemark.systems.trading.contract.evidence.facts import facts_of
from edgemark.systems.trading.contract.evidence.pieces import Root
from edgemark.systems.trading.contract.evidence.records import EvidenceKind
from edgemark.systems.trading.contract.evidence.statements import compute_leaf
from edgemark.systems.trading.contract.terms import Terms, compute_channel_id
from edgemark.systems.trading.credentials.initiation import Templates
from edgemark.systems.trading.credentials.keeping import check_settled
from edgemark.systems.trading.credentials.kept import KeptSettlement
from edgemark.systems.trading.protocol.messages import Credential
from edgemark.systems.trading.station.deals import Deal
from edgemark.systems.trading.story.eras import Eras
from edgemark.systems.trading.story.evidence.aftermath import find_aftermath
from edgemark.systems.trading.story.evidence.bills import try_bills
from edgemark.systems.trading.story.evidence.bundle import Bundle, Leaf
from edgemark.systems.trading.story.evidence.trial import ChannelTrial
from edgemark.systems.trading.story.story import (
    ChannelStory,
    Deed,
    Recorded,
    check_amounts,
)
from edgemark.systems.trading.templates.template import Template, TemplateSwapped, read_template

NOT_ASKED = "no chain was asked"


@dataclass(frozen=True)
class Witness:
    """What the reader's own chains say.

    Attributes:
        story: of the channel, until the bundle's block.
        latest: the same until the last block that is confirmed.
        escrow, controllers, registry: where the reader knows these contracts.
        root: that a controller anchored; zeros of one that it never did.
        cid_of_root: the list that the chain names for it, in that transaction; raises.
        template_hash: content hash of a version; raises `RefusedInput` where nobody registered it.
        check_seller: whether a key of its issuer signed a credential, at a second; raises.
    """

    story: ChannelStory
    latest: ChannelStory
    escrow: Address
    controllers: Address
    registry: Address
    root: Callable[[Address, Hash32], Root]
    cid_of_root: Callable[[Leaf], str]
    template_hash: Callable[[Hash32], Hash32]
    check_seller: Callable[[SignedCredential, int], None]


def try_bundle(bundle: Bundle, witness: Witness | None = None) -> ChannelTrial:
    """Try everything.

    Args:
        bundle: well formed; nothing in it is believed.
        witness: the reader's own chains; None when there are none to ask.
    """
    trial = ChannelTrial()
    _try_terms(trial, bundle)
    deal = _try_papers(trial, bundle)
    _try_seller(trial, bundle, witness)
    eras = Eras(bundle.story)
    _try_settlements(trial, bundle, eras)
    if deal is not None:
        try_bills(trial, bundle, deal)
    _try_voucher(trial, bundle, eras)
    try_recorded(trial, bundle)
    for leaf in bundle.anchored:
        _try_leaf(trial, bundle, leaf)
    _try_amounts(trial, bundle)
    if witness is None:
        _leave_to_a_chain(trial, bundle)
    else:
        _compare(trial, bundle, witness)
        trial.since = find_aftermath(bundle.story, witness.latest)
    return trial


def _leave_to_a_chain(trial: Trial, bundle: Bundle) -> None:
    """Whoever invents a channel, its accounts and keys signs all of it rightly."""
    for what in (
        "that there is such a channel, and its payer and seller named these keys",
        "that events, amendments of keys, evidence, roots and templates are those on chain",
        f"what became of the channel since block {bundle.story.as_of}",
    ):
        trial.leave(what, NOT_ASKED)


def _try_terms(trial: Trial, bundle: Bundle) -> None:
    story = bundle.story
    computed = compute_channel_id(story.chain_id, story.escrow, story.terms)
    trial.receipt.compare("channel is the hash of its terms", story.channel.hex(), computed.hex())


def _try_papers(trial: Trial, bundle: Bundle) -> Deal | None:
    """Initiation credential and templates, which the terms and each other name."""
    deal = Deal(bundle.story.terms, bundle.token, bundle.initiation_text, bundle.settlement_text)

    def texts() -> None:
        for called, raw in (("TIT", bundle.initiation_text), ("TST", bundle.settlement_text)):
            if read_template(raw, who=called).text != raw:
                raise TemplateSwapped("is not canonical", who=called)
        Templates(*map(read_template, (bundle.initiation_text, bundle.settlement_text)))

    is_sound = trial.check("templates belong together", texts, "a TIT, and the TST that it names")
    needed = "the digest and the versions in the terms"
    is_sound &= trial.check("terms name credential and templates", deal.check, needed)
    return deal if is_sound else None


def _try_seller(trial: Trial, bundle: Bundle, witness: Witness | None) -> None:
    """The key is that of the opening: then the chain recorded the credential's digest."""
    name, opened_at = "seller signed the initiation credential", bundle.story.opened.time
    try:
        signed = read_signed(bundle.token)
    except RefusedInput as error:
        trial.receipt.require(name, False, error, "signed text")
        return
    if witness is not None:
        trial.check(name, lambda: witness.check_seller(signed, opened_at), "a key of its DID then")
        return
    try:
        check_compact(signed.jws, signed.issuer.identity)
    except BadSignature:
        trial.leave(name, "by another key than its account's: the chain of identities knows it")
    else:
        trial.receipt.require(name, True, f"by the account of {signed.issuer}", "the seller")


def _try_settlements(trial: Trial, bundle: Bundle, eras: Eras) -> None:
    template = read_template(bundle.settlement_text)
    for kept in bundle.settlements:
        index = kept.said.voucher.index
        trial.check(
            f"settlement {index}: signed by both parties, issued by their controller",
            lambda kept=kept: _check_kept(bundle, kept, eras, template),  # type: ignore[misc]
            "keys in force, controller and epoch of its voucher",
        )


def _check_kept(bundle: Bundle, kept: KeptSettlement, eras: Eras, template: Template) -> None:
    said, channel = kept.said, bundle.story.channel
    digest = bundle.domain.voucher(channel, said.voucher)
    signers = eras.find(said.voucher, digest, said.payer_signature, said.seller_signature)
    credential = Credential(said.voucher, kept.credential.token.encode(), kept.issuance)
    domains = (bundle.domain, bundle.controllers_domain)
    check_settled(credential, channel, signers, template, *domains)


def _try_voucher(trial: Trial, bundle: Bundle, eras: Eras) -> None:
    signed, story = bundle.voucher, bundle.story
    if signed is None:
        trial.leave("a voucher", "is not in the bundle")
        return
    voucher = signed.voucher
    newest = max((each.said.voucher.index for each in bundle.settlements), default=0)
    if newest > voucher.index or story.paid > voucher.amount:
        trial.leave(
            f"voucher {voucher.index}", "is not the newest: the file itself has a later one"
        )
    digest = bundle.domain.voucher(story.channel, voucher)
    both = (signed.payer_signature, signed.seller_signature)
    trial.check(
        f"voucher {voucher.index}: signed by both parties",
        lambda: eras.find(voucher, digest, *both),
        "keys in force",
    )
    trial.receipt.compare(
        f"voucher {voucher.index}: template",
        voucher.template_hash.hex(),
        story.terms.settlement_template.hex(),
    )


def try_recorded(trial: ChannelTrial, bundle: Bundle) -> None:
    """What the chain recorded by whom it has to be signed is what is here; strangers' is told."""
    held = {each.said.voucher.index: each.credential.digest for each in bundle.settlements}
    recorded: dict[int, Hash32] = {}
    for record in bundle.story.evidence:
        if record.kind is EvidenceKind.INITIATION:
            name = "evidence of the initiation credential, by both parties"
            _compare_hash(trial, name, record, bundle.story.terms.initiation)
            continue
        former = recorded.setdefault(record.index, record.credential_hash)
        if record.index not in held:
            trial.leave(f"evidence of index {record.index}", "its credential is not in the bundle")
            _compare_words(trial, record, former, "recorded before")
        elif _compare_words(trial, record, held[record.index], "in the bundle"):
            name = f"evidence of index {record.index}, by both parties and the controller"
            _compare_hash(trial, name, record, held[record.index])
    if not any(each.kind is EvidenceKind.INITIATION for each in bundle.story.evidence):
        trial.leave("evidence of the initiation credential", "nobody recorded any")
    if bundle.story.repeated:
        beyond = f"evidence of an index beyond its first two, {bundle.story.repeated} in all"
        trial.leave(beyond, "two show all that there is")
    if many := len(bundle.story.strangers) + bundle.story.untold:
        trial.leave(f"evidence by strangers, {many} in all", "of no account")


def _compare_words(trial: ChannelTrial, record: Recorded, other: Hash32, where: str) -> bool:
    """Whether a controller signed one credential of an index; the parties signed their voucher."""
    if record.credential_hash == other:
        return True
    controller, said = record.signers[-1], record.credential_hash.hex()
    trial.by_controller.append(
        f"controller {controller} said two things of index {record.index}: credential {said}, "
        f"recorded in block {record.mark.block}, and credential {other.hex()}, {where}"
    )
    return False


def _compare_hash(trial: Trial, name: str, record: Recorded, expected: Hash32) -> None:
    trial.receipt.compare(f"{name}: credential", record.credential_hash.hex(), expected.hex())


def _try_leaf(trial: Trial, bundle: Bundle, leaf: Leaf) -> None:
    held = {each.said.voucher.index: each for each in bundle.settlements}
    name = f"settlement {leaf.index}: stands under root {leaf.root.hex()[:16]}"
    kept = held.get(leaf.index)
    if kept is None:
        trial.receipt.require(name, False, "no credential", "the credential of the leaf")
        return
    issuance = kept.digest(bundle.domain, bundle.controllers_domain)
    found = compute_leaf(kept.claim, issuance, kept.signatures)
    trial.check(
        name,
        lambda: check_branch(leaf.root, found, leaf.position, leaf.leaves, leaf.branch),
        f"leaf {leaf.position} of {leaf.leaves}",
    )


def _try_amounts(trial: Trial, bundle: Bundle) -> None:
    checks = check_amounts(bundle.story)
    for each in checks:
        trial.receipt.compare(f"paid, {each.what}: as the table of amounts", each.paid, each.due)
    if not checks:
        trial.leave("what was paid", "nothing was yet")


def _compare(trial: Trial, bundle: Bundle, witness: Witness) -> None:
    """The bundle's story with the chain's own, deed by deed."""
    said, seen = bundle.story, witness.story
    for name, had, expected in (
        ("chain id", said.chain_id, seen.chain_id),
        ("escrow", said.escrow, witness.escrow),
        ("contract of controllers", bundle.controllers, witness.controllers),
        ("registry of evidence", bundle.registry, witness.registry),
        ("channel", said.channel.hex(), seen.channel.hex()),
        ("terms", facts_of(Terms, said.terms), facts_of(Terms, seen.terms)),
        ("opening", facts_of(Mark, said.opened), facts_of(Mark, seen.opened)),
        ("number of events", len(said.deeds), len(seen.deeds)),
        ("evidence by strangers that is not told", said.untold, seen.untold),
        ("evidence beyond two of an index", said.repeated, seen.repeated),
        ("payments while it was open", *(_written(Credit, s.credits) for s in (said, seen))),
        ("payments at its end", *(_written(Credit, s.last) for s in (said, seen))),
        ("lock", *(_written(Pot, s.pots) for s in (said, seen))),
        ("block and its time", (said.as_of, said.now), (seen.as_of, seen.now)),
    ):
        trial.receipt.compare(f"{name} as on chain", had, expected)
    for number, (deed, other) in enumerate(zip(said.deeds, seen.deeds, strict=False), start=1):
        name = f"event {number}, {type(other).__name__.lower()}, as on chain"
        trial.receipt.compare(name, facts_of(Deed, deed), facts_of(Deed, other))
    _compare_roots(trial, bundle, witness)
    texts = (("TIT", bundle.initiation_text), ("TST", bundle.settlement_text))
    for called, template in ((called, read_template(raw)) for called, raw in texts):
        trial.check(
            f"{called} is registered with this text",
            lambda template=template: _check_registered(  # type: ignore[misc]
                witness, Hash32(template.version_id), template.content_hash
            ),
            "the hash that the chain has",
        )


def _written(kind: type, values: Sequence[object]) -> list[object]:
    return [facts_of(kind, each) for each in values]


def _compare_roots(trial: Trial, bundle: Bundle, witness: Witness) -> None:
    """Each root once, until one is another: who lists many asks no chain for all of them."""
    asked = set()
    for leaf in bundle.anchored:
        root = replace(leaf, index=0, position=0, branch=())
        if root not in asked and not _compare_root(trial, witness, root):
            trial.leave("other anchored roots", "this one is not as on chain")
            return
        asked.add(root)


def _compare_root(trial: Trial, witness: Witness, leaf: Leaf) -> bool:
    name = f"root {leaf.root.hex()[:16]}"
    seen, had = witness.root(leaf.controller, leaf.root), Root(leaf.leaves, leaf.time)
    is_it = trial.receipt.compare(
        f"{name}: leaves and time as on chain", astuple(had), astuple(seen)
    )
    return is_it and trial.check(
        f"{name}: list as on chain", lambda: _check_list(leaf, witness), "its transaction and CID"
    )


def _check_list(leaf: Leaf, witness: Witness) -> None:
    had = witness.cid_of_root(leaf)
    if had != leaf.cid:
        raise RefusedInput("is another", who="list of a root", had=leaf.cid, needed=had)


def _check_registered(witness: Witness, version: Hash32, content_hash: Hash32) -> None:
    had = witness.template_hash(version)
    if had != content_hash:
        raise TemplateSwapped("has another text on chain", who="template", had=had.hex())
