"""What the reader's own chains say of a channel whose bundle somebody handed over."""

from __future__ import annotations

from dataclasses import replace

from edgemark.errors import RefusedInput
from edgemark.identifiers import Hash32, Timestamp
from edgemark.identity.credentials.reading import SignedCredential
from edgemark.identity.credentials.status.reading import ListMissing
from edgemark.identity.credentials.verification import OfAnother, Wanted, examine
from edgemark.ledger.evm.contract.decoding import decode_logs
from edgemark.systems.trading.contract.evidence.events import RootAnchored
from edgemark.systems.trading.contract.evidence.registry import EvidenceContract
from edgemark.systems.trading.contract.market.registry import TemplateRegistry
from edgemark.systems.trading.identifiers import TemplateVersionId
from edgemark.systems.trading.station.documents import Documents
from edgemark.systems.trading.story.evidence.bundle import Leaf
from edgemark.systems.trading.story.evidence.retrial import Witness
from edgemark.systems.trading.story.reading import Lookout
from edgemark.systems.trading.story.story import ChannelStory

OF_THE_OPENING = ("signature", "period")  # checks that count when a channel is opened


def find_witness(lookout: Lookout, documents: Documents, said: ChannelStory) -> Witness:
    """Ask the reader's chains what a bundle says of them.

    Args:
        lookout: the chain of channels.
        documents: identities.
        said: the story in the bundle; the chain's own is read up to the same block, and to the
            last confirmed one.

    Raises:
        ChannelUnknown: the chain has no such channel.
        RefusedInput: its block is not confirmed here.
        LedgerUnavailable: the chain does not answer.
    """
    chain, deployment = lookout.chain, lookout.deployment
    evidence = EvidenceContract(chain, deployment.contract("EvidenceRegistry"))
    templates = TemplateRegistry(chain, deployment.contract("TemplateRegistry"))

    def cid_of_root(leaf: Leaf) -> str:
        return _find_cid(lookout, evidence, leaf)

    def template_hash(version: Hash32) -> Hash32:
        return templates.version_of(TemplateVersionId(version)).content_hash

    return Witness(
        story=lookout.chronicle.read(said.channel, until=said.as_of),
        latest=lookout.chronicle.read(said.channel),
        escrow=deployment.contract("ChannelEscrow").address,
        controllers=deployment.contract("Controllers").address,
        registry=evidence.address,
        root=evidence.root,
        cid_of_root=cid_of_root,
        template_hash=template_hash,
        check_seller=lambda signed, at: check_seller(documents, signed, Timestamp(at)),
    )


def check_seller(documents: Documents, signed: SignedCredential, at: Timestamp) -> None:
    """Check that a key of its issuer signed a credential, and that it counted, at a second.

    Raises:
        RefusedInput, PeerFault: it did not, or nobody can say; with why.
        LedgerUnavailable: the chain of identities does not answer.
    """
    known = replace(documents.knowledge(signed, _no_list, at), now=at)
    for outcome in examine(signed, known, Wanted()):
        if outcome.name in OF_THE_OPENING and outcome.error is not None:
            raise outcome.error


def _no_list(name: str) -> bytes:
    """Whether it was revoked later changes nothing: both have signed the terms."""
    raise ListMissing("is of no concern", who=f"status list {name}")


def _find_cid(lookout: Lookout, evidence: EvidenceContract, leaf: Leaf) -> str:
    """Of the list that the chain names for a root, where the bundle says that it does."""
    contract, chain = evidence.contract, lookout.chain
    if leaf.block > chain.confirmed():
        needed = f"<= {chain.confirmed()}"
        raise RefusedInput(
            "is not confirmed on this chain", who="root", had=leaf.block, needed=needed
        )
    topics = [[contract.interface.topic("RootAnchored")]]
    wanted = (leaf.tx, leaf.controller, leaf.root)
    logs = chain.logs([contract.address], leaf.block, leaf.block, topics)
    for event in decode_logs([contract], logs):
        if not isinstance(event, RootAnchored):
            continue
        if (event.at.tx_hash, event.controller, event.root) == wanted:
            return event.cid
    raise OfAnother("was not anchored there", who="root", had=f"block {leaf.block}")
