"""What a buyer asks a seller for over HTTPS: a channel before there is one, and bytes beside it.

| face of the seller                   | takes                         | gives                    |
|--------------------------------------|-------------------------------|--------------------------|
| POST /v1/initiations                 | `quotes.QuoteRequest`         | `quotes.Quote`           |
| PUT /v1/parts/CHANNEL/DIGEST         | `slips.Slip` and the bytes    | `taken`                  |
| POST /v1/outputs                     | `slips.Slip`                  | the bytes                |

A part of more than 64 KiB is taken of the payer's account, which shows its card (`Visitor.card_for`
of the seller's account): strangers' bodies are no longer.

What each signature covers:

| statement      | by                     | covers                                               |
|----------------|------------------------|------------------------------------------------------|
| QuoteRequest   | a key of the buyer's   | the seller's account, every byte of the request;     |
|                | DID                    | chain and escrow                                     |
| the TIC        | a key of the seller's  | header and every byte of it: both DIDs, all claims,  |
|                | DID                    | until when the buyer may open with it                |
| Opening        | the seller's account   | the channel, so all its terms with chain and escrow, |
|                |                        | the TIC's digest among them; until when              |
| Slip           | the payer's key        | channel, what is wanted, digest, until when; chain   |
|                |                        | and escrow                                           |
"""
