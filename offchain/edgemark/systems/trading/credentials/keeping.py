"""Settlement credentials that came to a party, in its home: the newest ones of each channel.

    home/settlements/CHANNEL/INDEX.settlement      as `kept` has them: credential and issuance

Each amount is of all before, so older ones go where there are too many; a party that wants all of
them copies them elsewhere.

A controller is a stranger: what it hands over is kept only if it is a credential of a voucher that
both parties signed, under its own two signatures. So it fills no disk with what it made up.
"""

from __future__ import annotations

from pathlib import Path

from edgemark.errors import PeerFault
from edgemark.files import OWNER_ONLY_FILE, make_private_folder, read_limited, write_new
from edgemark.identity.credentials.jose.compact import check_compact
from edgemark.identity.credentials.reading import read_signed
from edgemark.systems.trading.contract.evidence.statements import ControllersDomain
from edgemark.systems.trading.contract.records import Signers
from edgemark.systems.trading.credentials.kept import (
    FORM,
    SUFFIX,
    KeptSettlement,
    read_kept,
    write_kept,
)
from edgemark.systems.trading.credentials.settlement import check_joint, read_settlement
from edgemark.systems.trading.identifiers import ChannelId
from edgemark.systems.trading.protocol.letters import ChannelDomain, check_credential
from edgemark.systems.trading.protocol.messages import Credential
from edgemark.systems.trading.protocol.side import Side
from edgemark.systems.trading.templates.template import Template

FOLDER = "settlements"  # of a home
MAX_KEPT = 4096  # of a channel


class CredentialStrange(PeerFault):
    """What a controller handed over is no credential of its voucher."""


def check_settled(
    credential: Credential,
    channel: ChannelId,
    signers: Signers,
    template: Template,
    escrow: ChannelDomain,
    controllers: ControllersDomain,
) -> None:
    """Check a settlement credential before it is kept; its claims are checked by who reads them.

    Args:
        credential: from a letter of the controller.
        channel: of the letter.
        signers: of the channel, in force.
        template: TST of the channel.
        escrow: of what parties sign.
        controllers: of what the controller signs for the chain.

    Raises:
        CredentialStrange: it is of another voucher or issuer than it comes with.
        BadSignature: the controller did not sign credential and issuance, or a party the voucher.
        RefusedInput: it is no settlement credential, or one of another channel.
    """
    check_credential(credential, channel, signers.controller, escrow, controllers)
    signed = read_signed(credential.content.decode("ascii", "replace"))
    said = read_settlement(signed)
    for what, had, needed in (
        ("issuer", signed.issuer.identity, signers.controller),
        ("voucher", said.voucher, credential.voucher),
    ):
        if had != needed:
            who = f"credential {credential.index}, {what}"
            raise CredentialStrange(
                "is another than it comes with", who=who, had=had, needed=needed
            )
    check_compact(signed.jws, signers.controller)
    check_joint(said, channel, signers, template, escrow)


class KeptCredentials:
    """Those of one home; safe for several processes.

    Args:
        home: of the party.
        most: that are kept of a channel, >= 1.
    """

    def __init__(self, home: Path, most: int = MAX_KEPT) -> None:
        self._folder, self._most = home / FOLDER, most

    def keep(self, channel: ChannelId, credential: Credential) -> None:
        """Write one down; it is on the disk when this returns, and one that is there stays.

        Raises:
            OSError: the disk refuses.
        """
        folder = self._folder / channel.hex()
        for each in (self._folder, folder):
            make_private_folder(each)
        raw = write_kept(credential.content.decode("ascii", "replace"), credential.signature)
        write_new(folder / f"{credential.index}{SUFFIX}", raw, mode=OWNER_ONLY_FILE)
        for index in self.indices(channel)[: -self._most]:
            (folder / f"{index}{SUFFIX}").unlink(missing_ok=True)

    def is_new(self, side: Side, credential: Credential) -> bool:
        """Whether it is neither here nor about to be."""
        is_coming = credential.index in {each.index for each in side.keeping}
        return not is_coming and not self.holds(side.known.channel, credential.index)

    def keep_of(self, side: Side, index: int) -> None:
        """Keep the one of an index that came; raises as `keep`."""
        for each in side.keeping:
            if each.index == index:
                self.keep(side.known.channel, each)

    def holds(self, channel: ChannelId, index: int) -> bool:
        """Whether the one of an index is here."""
        return (self._folder / channel.hex() / f"{index}{SUFFIX}").exists()

    def settlements(self, channel: ChannelId) -> list[KeptSettlement]:
        """All that are here, by their indices.

        Raises:
            NoSettlementFile: a file is damaged.
        """
        folder = self._folder / channel.hex()
        paths = [folder / f"{index}{SUFFIX}" for index in self.indices(channel)]
        return [read_kept(read_limited(path, FORM.most)) for path in paths]

    def indices(self, channel: ChannelId) -> list[int]:
        """Of those that are here, ascending."""
        names = (path.name for path in (self._folder / channel.hex()).glob(f"*{SUFFIX}"))
        found = (name.removesuffix(SUFFIX) for name in names)
        return sorted(int(name) for name in found if name.isascii() and name.isdigit())
