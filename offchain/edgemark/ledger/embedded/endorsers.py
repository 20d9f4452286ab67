"""The endorsers of all organisations of a ledger, put together: simulation, links, packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgemark.ledger.embedded.link.links import Links
from edgemark.ledger.embedded.simulation.calls import Systems
from edgemark.ledger.embedded.simulation.endorsing import Endorser
from edgemark.ledger.embedded.simulation.ground import Ground
from edgemark.ledger.embedded.system.blocks import Blocks
from edgemark.ledger.embedded.system.configuration import Configuration
from edgemark.ledger.embedded.system.installed import Installed
from edgemark.ledger.embedded.system.lifecycle import Lifecycle
from edgemark.ledger.fabric.identities.signing import Signer
from edgemark.ledger.fabric.wire.limits import EXECUTE_TIMEOUT_S
from edgemark.ledger.fabric.wire.names import BLOCKS, CONFIGURATION, LIFECYCLE

PACKAGES = "packages"  # folder of installed packages, beside the chain


@dataclass(frozen=True)
class Endorsers:
    """What endorses for a ledger.

    Attributes:
        endorser: simulates and signs, for each organisation.
        links: to the chaincodes' processes.
        installed: packages.
    """

    endorser: Endorser
    links: Links
    installed: Installed

    @classmethod
    def open(
        cls,
        folder: Path,
        channels: Mapping[str, Ground],
        signer_of: Callable[[str], Signer],
        *,
        timeout_s: float = EXECUTE_TIMEOUT_S,
        keepalive_s: float = 0.0,
    ) -> Endorsers:
        """Put them together; nothing is dialled yet.

        Args:
            folder: of the ledger.
            channels: by name; those that are made later are found as they come.
            signer_of: of an organisation's endorser, by MSP id.
            timeout_s: seconds a chaincode may take; 0 for ever.
            keepalive_s: seconds between two KEEPALIVE; 0 for none.

        Raises:
            RefusedInput: an installed package was changed.
        """
        installed = Installed.open(folder / PACKAGES)
        links = Links(installed.connection_of, timeout_s=timeout_s, keepalive_s=keepalive_s)
        systems: Systems = {
            LIFECYCLE: Lifecycle(installed, channels),
            BLOCKS: Blocks(channels),
            CONFIGURATION: Configuration(channels),
        }
        return cls(Endorser(channels, links, systems, signer_of), links, installed)

    async def close(self) -> None:
        """End the streams."""
        await self.links.close()
