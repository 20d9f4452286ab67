"""Computing power sold by the minute, settled off chain with credentials.

Source: "EFSC", edge computing power traded over off-chain channels. It has no money: a buyer could
stop paying. Here a payer locks a deposit, signs what it owes, and the chain pays the largest amount
that it signed.

Roles: seller (the paper's provider) and buyer (its consumer, the payer on chain); a controller
(TCC) issues credentials and decides no money; towers watch a channel for a party.

| room       | what is in it                                                                  |
|------------|--------------------------------------------------------------------------------|
| `contract` | the contracts in Python: ChannelEscrow (terms, statements, what every call does, |
|            | who gets what), and in rooms of their own `market` (TemplateRegistry, OfferBook), |
|            | `evidence` (EvidenceRegistry, Controllers), `towers` (Watchtowers)              |
| `templates` | what is sold (TIT, TST), what a reading costs, how long service goes on        |
| `credentials` | TIC, TSC, qualification: what they say, and what each signature covers       |
| `protocol` | phases, events, effects, the table of moves, what parties say to each other      |
| `seller`, `buyer`, `controller` | what each remembers of a channel, owes, believes and signs |
| `tower`    | which states a tower takes, what it brings, and when; `seller.watching`: its seller |
| `station`  | contracts as they are deployed; deals, identities, what all shells share        |
| `demo`     | the stage of the demonstration, and what its receipt checks                    |
| `story`    | the life of a channel as the chain tells it                                    |
| `work`     | the thing sold: polynomials, and programs of the seller's list; orders, readings |
"""
