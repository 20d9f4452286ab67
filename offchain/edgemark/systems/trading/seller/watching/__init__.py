"""Who watches a seller's channels for it: towers, their receipts, and why nobody does.

A matter of its own beside the sale, with a journal of its own: the sale needs no tower.
"""
