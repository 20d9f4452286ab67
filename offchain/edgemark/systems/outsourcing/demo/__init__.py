"""The demonstration: strangers recognise private digits, the liar is named and fined.

`classifier` trains the model, `stage` starts chain and parties, `dishonest` is what the planted
parties run, `story` plays the three jobs, `accounts` checks every token. Nothing outside imports
this package but the command line.
"""
