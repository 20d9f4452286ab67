"""Every key of the evidence registry: ids are digests, so that nothing is counted or shared.

| key                              | what stands there                           | written      |
|----------------------------------|---------------------------------------------|--------------|
| `parameters`                     | what organisations agreed to by `init`      | once         |
| `said/<msp>`                     | what an organisation says they are to be    | until then   |
| `evidence/<id>`                  | a piece of evidence                         | once         |
| `root/<root>/<controller>/<msp>` | a root, by who anchored it                  | once         |
| `clock/<msp>`                    | an organisation's clock, by `clock`         | at each tick |
| `clocks`                         | organisations whose clocks count, likewise  | once         |

Two recordings touch one key only when both are of the same digest by the same signers: all others
go side by side in one block. Every part but the last is of one length, so that no two of them
make one key.
"""

from __future__ import annotations

from edgemark.identifiers import Address, Hash32

PARAMETERS = "parameters"


def key_of_saying(msp_id: str) -> str:
    """Of what an organisation says the parameters are to be."""
    return f"said/{msp_id}"


def key_of_evidence(evidence: Hash32) -> str:
    """Of a piece of evidence, by what was signed and by whom."""
    return f"evidence/{evidence.hex()}"


def key_of_root(root: Hash32, controller: Address, msp_id: str) -> str:
    """Of a root, by the organisation that anchored it for a controller.

    The organisation is part of it: whoever else anchors the same root in a controller's name bars
    nobody.
    """
    return f"root/{root.hex()}/{controller.lower()}/{msp_id}"
