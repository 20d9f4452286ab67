"""The systems of this installation, and what each hands in for the command line."""

from __future__ import annotations

from importlib import import_module

SYSTEMS = (  # a new system adds its name
    "outsourcing",
    "trading",
)
# No two of them hand in one name: `tests/architecture/test_shared_names.py`.
OF_SYSTEMS = [import_module(f"edgemark.cli.{name}.commands") for name in SYSTEMS]
