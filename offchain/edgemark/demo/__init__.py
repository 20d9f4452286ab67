"""What the demonstration of any system needs: a chain, the contracts, and a cast of real processes.

`stage` sets and ends it all, `actor` is one server on it, `script` what it is to do wrong,
`holdings` who has which tokens, `costs` what it took, `commands` what a user types, `progress` how
far it is. A system brings its cast, its parameters and its story; nothing here knows a system.
"""
