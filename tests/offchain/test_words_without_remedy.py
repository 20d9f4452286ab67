"""A receipt compares what an error says of the fault, and gives no advice."""

from __future__ import annotations

from edgemark.ledger.fabric.faults import ChaincodeRefused, EndorserWords
from edgemark.systems.trading.demo.consortium.checks import words_of


def test_words_of_a_refusal__are_those_of_the_fault_and_of_endorsers_without_the_remedy() -> None:
    refused = ChaincodeRefused("refused", who="chaincode", had="EvidenceExists", remedy="Ask anew.")
    refused.endorsers = (EndorserWords("peer:1", "Org1MSP", "no"),)
    assert words_of(refused) == "chaincode: refused; had EvidenceExists; no"
    assert str(refused) == "chaincode: refused; had EvidenceExists. Ask anew."
