"""[account]: where the key of an account is that was not made here."""

from __future__ import annotations

from dataclasses import dataclass

from edgemark.settings.section import Section, setting


@dataclass(frozen=True)
class AccountSettings(Section):
    """An account that exists already.

    Attributes:
        file: encrypted key of an account, as ape and geth keep them; empty for an own key.
        passphrase_file: holds the passphrase of that key; empty asks for it at the terminal.
    """

    NAME = "account"

    file: str = setting("", flat="account_file")
    passphrase_file: str = setting("", flat="passphrase_file")
