"""What is wrong with the folder of an organisation."""

from __future__ import annotations

from edgemark.errors import Unrecoverable

RESTORE = "Restore it from a copy; for a development ledger, remove the folder and begin anew."


class FolderDamaged(Unrecoverable):
    """The folder of an organisation lacks something, or holds what does not belong together."""
