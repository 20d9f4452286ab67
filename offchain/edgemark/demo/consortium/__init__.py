"""What a consortium ledger adds to a stage: the ledger, identities, chaincode, clocks."""
