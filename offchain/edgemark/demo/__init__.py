"""What the demonstration of any system needs: a cast of real processes, and a stage for them.

`stage` sets and ends it all, `actor` is one party on it, `script` what it is to do wrong,
`commands` what a user types, `progress` how far it is. `evm` adds a chain, the contracts, tokens
and providers, and what they cost. A system brings its cast, its parameters and its story; nothing
here knows a system.
"""
