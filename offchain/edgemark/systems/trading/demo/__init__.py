"""The demonstration: computing power sold by the minute, and four ways in which a trade can end.

`cast` says who is on the stage, `market` what is there before anybody trades, `buying` how a user
drives a buyer, `dishonest` is what the planted buyers run, `runs` says what each does, `play` plays
them, `proof` makes the receipt. Nothing outside imports this package but the command line.
"""
