"""Claim templates (TIT, TST), what a reading of a meter costs, and how long service goes on.

Source: EFSC IV-B.2 (CPT templates, settlement strategies) and IV-B.1 (N cycles).

| paper                                       | file                                            |
|---------------------------------------------|-------------------------------------------------|
| CPT template: fields, types, which are due  | `template`, `schema`, `fields`                  |
| TIT, claims of a TIC                        | `initiation`                                    |
| TST, claims of a TSC                        | `settlement`                                    |
| settlement strategy, quotations by period,  | `strategies`                                    |
| motivational factors                        |                                                 |
| meter readings (the paper has only a fee)   | `readings`                                      |
| N, raised when the chain's queue is long    | `allowance`, with grace, credit and overdraft   |
"""
