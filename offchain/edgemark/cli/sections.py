"""All sections of the settings that this installation knows; a new system adds nothing here.

The system that `SYSTEMS` names has them in its `settings`.
"""

from __future__ import annotations

from importlib import import_module

from edgemark.cli.systems import SYSTEMS
from edgemark.ledger.fabric.settings import LedgerSettings
from edgemark.party.evm.settings import SECTIONS
from edgemark.resolver.settings import IdentitySettings
from edgemark.settings.section import Section
from edgemark.transport.broker.settings import BrokerSettings


def list_sections() -> tuple[type[Section], ...]:
    """Those of every party on an EVM, of identities, brokers and ledger, then each system's."""
    modules = [import_module(f"edgemark.systems.{name}.settings") for name in SYSTEMS]
    own = (section for module in modules for section in module.SECTIONS)
    return (*SECTIONS, IdentitySettings, BrokerSettings, LedgerSettings, *own)
