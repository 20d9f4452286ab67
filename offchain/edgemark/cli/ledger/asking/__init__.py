"""Commands that ask a chaincode: which ledger, as whom, what it answered, what is missing."""
