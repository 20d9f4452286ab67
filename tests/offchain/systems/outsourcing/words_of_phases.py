"""What docs/outsourcing.md promises: the word that everybody has for each phase of a device."""

from __future__ import annotations

import re

from tests.architecture.checkout import ROOT

_ROW = re.compile(r"^\| (?P<device>`.*?) \| (?P<all>.*?) ?\| (?P<contract>`.*?) \|$", re.MULTILINE)
_WORD = re.compile(r"`(\w+)`")


def read_words() -> dict[str, tuple[str, str]]:
    """By the device's word: everybody's, empty for none, and the phase of the contract."""
    page = (ROOT / "docs" / "outsourcing.md").read_text()
    table = page.partition("| device | everybody | contract |")[2].partition("\n\n")[0]
    return {
        device: ("".join(_WORD.findall(row["all"])), _WORD.findall(row["contract"])[0])
        for row in _ROW.finditer(table)
        for device in _WORD.findall(row["device"])
    }
