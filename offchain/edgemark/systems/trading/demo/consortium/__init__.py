"""`edgemark demo ledger`: evidence of trades on a consortium ledger, and all that goes wrong there.

| file        | what it holds                                                         |
|-------------|-----------------------------------------------------------------------|
| `trade`     | settlements that three signed for a chain, as files of their parties  |
| `play`      | the demonstration, scene by scene                                     |
| `elsewhere` | what of it one identity can show on a network of others               |
"""
