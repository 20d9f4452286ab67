"""A network of Fabric's own programs on this machine: started, found again, ended; no Docker.

Everything stands below one folder; nothing of Fabric is brought along or downloaded. TLS is on
wherever transactions travel, and at the orderers' administration, with certificates both ways. At
the ports of health and metrics it is off; as all others, they are of this machine alone.

| file | what it holds |
|---|---|
| `plan.py` | which network: orderers, organisations, channels; its nodes and their ports |
| `programs.py` | finds Fabric's programs, and runs those that end by themselves |
| `channel_settings.py`, `node_settings.py` | pure: what Fabric's programs read at their start |
| `builder.py` | lets a peer take a chaincode for a service instead of building it |
| `writing.py` | writes certificates, settings and first blocks into the folder |
| `joining.py` | who takes part in which channel |
| `health.py` | whether a node answers, and whether an ordering service has a leader |
| `network.py` | the network of a folder: up, status, down |
"""
