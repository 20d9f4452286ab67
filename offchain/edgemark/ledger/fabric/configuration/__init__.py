"""The configuration of a channel, as Fabric's own clients and programs read it.

    Config: sequence, group Channel
      Channel: hashing, capabilities, policies
        Application: capabilities, policies
          a group for each organisation: MSP (CAs, units, revocation lists), policies
        Orderer: type, batches, capabilities, policies
          a group for the organisation that orders

Source: `common/configtx.proto`, `msp/msp_config.proto`; Fabric's documentation "Channel
configuration"; what `configtxgen` of Fabric 3.1 writes.

| what | where |
|---|---|
| an organisation as a group, and back | `groups` |
| the whole, and back | `configurations` |
"""
