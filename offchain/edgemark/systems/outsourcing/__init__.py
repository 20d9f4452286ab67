"""Private, accountable outsourced computation.

Source: Li et al., "Blockchain-Based Privacy-Preserving and Accountable Mobile Edge Outsourcing
Computing Framework for the Metaverse" (Meta-BMEOC), IEEE Trans. Green Commun. Netw. 9(2), 2025.

Roles: device (MTD) orders and checks; compute nodes (CSN) evaluate F on one share each; judges
(enclaves) re-execute charged tasks; anybody may end what is overdue.

| paper step               | function                             | event on chain                |
|--------------------------|--------------------------------------|-------------------------------|
| 2 registration           | `party.evm.joining`                  | ParticipantRegistered         |
| 3 task handling          | `steps.share.share_inputs`           | JobPosted                     |
|   group of m CSNs        | named by the device                  | NodeAccepted, JobStarted      |
| 4 online computation     | `steps.compute.compute_outputs`      | ResultCommitted               |
| 5 verify and reconstruct | `steps.decode.decode_answers`        | NodePaid                      |
| 6 accountability         | `steps.accuse.check_evidence`, `find` | NodeCharged, ChargeServed,    |
|                          |                                      | NodeConvicted, ChargeRefuted|
|   settlement             | `contract.amounts.compute_payout`    | NodePaid, FeeUnearned|

What is corrected, and why, stands at the head of each step.

| room        | what is in it                                                           |
|-------------|-------------------------------------------------------------------------|
| `contract`  | JobSettlement in Python: terms, statements' hashes, records, amounts    |
| `protocol`  | what can happen to a job, what is then owed, and every legal move       |
| `steps`     | the paper's steps, pure                                                 |
| `station`   | what its parties have beside keys, chain and peers                      |
| `offline`   | orders drafted, shares made and answers read without a chain            |
| `device`, `node`, `judge` | what a party remembers of a job, sees on chain, and does  |
| `order`     | how a user orders and is told what becomes of it                        |
| `story`     | the life of a job as the chain tells it, and its settling by a stranger |
| `evidence`  | what convinces a stranger afterwards                                    |
| `demo`      | the demonstration                                                       |
"""
