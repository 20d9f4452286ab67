"""What sellers and auditors put on the market: offers, evidence of qualifications."""
