"""What a chain tells about any matter for which the anchor holds tokens.

A system holds them in a lock, known by the contract that locked (the locker) and by the matter (the
subject). `marks` says when something happened and what became of tokens, `steps` what may be done
next; both are pure. `pots` follows one lock, `book` one account through all its locks.
"""
