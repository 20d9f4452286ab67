"""EvidenceRegistry and Controllers in Python: issuances, what is signed, leaves, what they log."""
