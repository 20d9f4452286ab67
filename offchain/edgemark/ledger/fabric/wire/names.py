"""What is a name on a consortium ledger, and the names that everybody knows.

Source: Fabric 3.1, `common/configtx/validator.go` and `core/chaincode/lifecycle/scc.go`; a name is
shorter here, so that all of them fit where several stand.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgemark.ledger.fabric.wire.limits import MAX_NAME

LIFECYCLE = "_lifecycle"
BLOCKS = "qscc"
CONFIGURATION = "cscc"
SYSTEM_CHAINCODES = (LIFECYCLE, CONFIGURATION, "lscc", BLOCKS)  # that a peer has on every channel
RESERVED = frozenset({CONFIGURATION, "escc", "lscc", BLOCKS, "vscc"})  # no chaincode is called so
DEFAULT_CHANNEL = "mychannel"
DEFAULT_ORGANISATION = "Org1MSP"


@dataclass(frozen=True)
class NameRule:
    """Which texts are names of a kind.

    Attributes:
        pattern: that the whole text has.
        needed: the same in words, for an error.
    """

    pattern: re.Pattern[str]
    needed: str

    def fits(self, text: str) -> bool:
        """Whether a text is such a name."""
        return len(text) <= MAX_NAME and self.pattern.fullmatch(text) is not None


CHANNEL = NameRule(
    re.compile(r"[a-z][a-z0-9.-]*"),
    f"a small letter, then small letters, digits, dots and dashes, <= {MAX_NAME}",
)
MSP_ID = NameRule(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*"),
    f"a letter or digit, then letters, digits, dots and dashes, <= {MAX_NAME}",
)
CHAINCODE = NameRule(
    re.compile(r"[a-zA-Z0-9]+([-_][a-zA-Z0-9]+)*"),
    f"up to {MAX_NAME} letters, digits, _ and -, a letter or digit at both ends",
)
CALLED = NameRule(  # a system chaincode among them
    re.compile(f"_?{CHAINCODE.pattern.pattern}"), CHAINCODE.needed
)
VERSION = NameRule(re.compile(r"[A-Za-z0-9_.+-]+"), f"up to {MAX_NAME} letters, digits and _ - + .")
