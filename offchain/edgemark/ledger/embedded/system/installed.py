"""The packages that organisations have installed: a file each, below a folder of the organisation.

They are beside the chain, as on a peer: an organisation's package is nobody else's business, and
what the channel agrees on is the definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edgemark.errors import RefusedInput
from edgemark.files import make_private_folder, read_limited, remove_unfinished, write_whole
from edgemark.ledger.embedded.simulation.faults import NotSimulated
from edgemark.ledger.embedded.state.tables import explain_file
from edgemark.ledger.fabric.packages.connection import Connection
from edgemark.ledger.fabric.packages.reading import MAX_PACKAGE_BYTES, Package, parse_package
from edgemark.ledger.fabric.wire.names import MSP_ID

ENDING = ".tar.gz"
MAX_PACKAGES = 1_000  # of one organisation
MAX_SHOWN = 256  # characters of an id


class PackageMissing(RefusedInput):
    """No such package is installed."""


@dataclass
class Installed:
    """Installed packages.

    Attributes:
        folder: that holds a folder for each organisation.
        packages: by MSP id, by package id.
    """

    folder: Path
    packages: dict[str, dict[str, Package]] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path) -> Installed:
        """What is installed; a folder that is not there is made.

        Raises:
            RefusedInput: a file there is no package, or another than its name says.
        """
        make_private_folder(folder)
        found = cls(folder)
        for place in sorted(each for each in folder.iterdir() if each.is_dir()):
            remove_unfinished(place)
            for path in sorted(place.glob(f"*{ENDING}")):
                package = parse_package(read_limited(path, MAX_PACKAGE_BYTES))
                if path.name != _file_name(package.package_id):
                    raise RefusedInput(
                        "package was changed", who=path, had=package.package_id, needed=path.name
                    )
                found.packages.setdefault(place.name, {})[package.package_id] = package
        return found

    def install(self, msp_id: str, raw: bytes) -> Package:
        """Install a package for an organisation.

        Raises:
            RefusedInput: it is none, is installed already, or there are too many.
            StoreUnavailable: the disk refuses; it is not installed.
        """
        package = parse_package(raw)
        held = self.packages.setdefault(msp_id, {})
        if package.package_id in held:
            raise RefusedInput(
                f"chaincode already successfully installed (package ID '{package.package_id}')"
            )
        if len(held) >= MAX_PACKAGES:
            raise RefusedInput("too many packages", who=msp_id, needed=f"<= {MAX_PACKAGES}")
        if not MSP_ID.fits(msp_id):
            what = "name cannot be a folder's"
            raise RefusedInput(what, who=msp_id[:64], needed=MSP_ID.needed)
        path = self.folder / msp_id / _file_name(package.package_id)
        with explain_file(path):
            make_private_folder(path.parent)
            write_whole(path, raw)
        held[package.package_id] = package
        return package

    def of(self, msp_id: str) -> Mapping[str, Package]:
        """What an organisation has installed, by package id."""
        return self.packages.get(msp_id, {})

    def find(self, msp_id: str, package_id: str) -> Package:
        """A package.

        Raises:
            PackageMissing: the organisation has not installed it.
        """
        package = self.of(msp_id).get(package_id)
        if package is None:
            shown = package_id[:MAX_SHOWN]
            raise PackageMissing(f"could not find chaincode with package id '{shown}': not found")
        return package

    def read(self, msp_id: str, package_id: str) -> bytes:
        """The bytes of a package.

        Raises:
            PackageMissing: the organisation has not installed it.
        """
        package = self.find(msp_id, package_id)
        return read_limited(
            self.folder / msp_id / _file_name(package.package_id), MAX_PACKAGE_BYTES
        )

    def connection_of(self, msp_id: str, package_id: str) -> Connection:
        """Where the process of a package listens.

        Raises:
            NotSimulated: the organisation has not installed it.
        """
        package = self.of(msp_id).get(package_id)
        if package is None:
            raise NotSimulated(
                "chaincode is approved, but its package is not installed",
                who=f"{msp_id}, {package_id[:64]}",
                remedy="Install it at this organisation.",
            )
        return package.connection


def _file_name(package_id: str) -> str:
    return package_id.replace(":", ".") + ENDING
