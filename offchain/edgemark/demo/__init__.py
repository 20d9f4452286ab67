"""What the demonstration of any system needs: a chain, the contracts, and a cast of real processes.

`stage` sets and ends it all, `actor` is one server on it. A system brings its cast, its parameters
and its story; nothing here knows a system.
"""
