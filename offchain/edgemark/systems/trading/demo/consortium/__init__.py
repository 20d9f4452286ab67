"""`edgemark demo ledger`: evidence of trades on a consortium ledger, and all that goes wrong there.

| file        | what it holds                                                         |
|-------------|-----------------------------------------------------------------------|
| `trade`     | settlements that three signed for a chain, as files of their parties  |
| `acts`, `killing` | what is written, refused and lost, act by act                   |
| `dying`     | a client that is killed between Submit and its answer                 |
| `checks`    | what each of them has to have shown                                   |
| `scene`     | ledger, parties and receipt of the acts; what the ledger tells of     |
| `play`      | the demonstration, scene by scene                                     |
| `elsewhere` | what of it one identity can show on a network of others               |
"""
