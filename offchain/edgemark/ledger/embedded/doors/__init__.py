"""The services of a ledger over gRPC, with TLS on: one port for each organisation, one to order.

| service | where |
|---|---|
| gateway.Gateway | `gateway`, `events` |
| protos.Endorser | `endorser` |
| orderer.AtomicBroadcast | `broadcast`, `delivery` |
| protos.Deliver | `delivery` |

`serving/` has what all of them stand on: methods, places, servers, counters, services that are not
there; `behind` what stands behind them.

`admission` says who passes, `endorsing` asks the peers of several organisations and compares,
`choosing` says which of them.

Nobody passes a door whose certificate has expired, was revoked, or is of no organisation of the
channel. Calls and waiters have a bound; beyond it a call is refused at once (RESOURCE_EXHAUSTED).
"""
