"""Connection profiles: where an organisation's peers are, as users of Fabric write them.

A profile is JSON or YAML of Fabric's common form (`organizations`, `peers`, `orderers`, `client`),
which its SDKs share. `reading` takes any, `writing` makes them, `addresses` is what either means.
"""
