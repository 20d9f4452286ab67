"""A tower: it holds the newest state of a seller's channel, and brings it when the seller does not.

For each state that it holds it signs a receipt, and answers for that with what it has set aside.
"""
