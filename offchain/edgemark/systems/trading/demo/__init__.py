"""The demonstration: computing power sold by the minute, and four ways in which a trade can end.

`cast` says who is on the stage, `market` what is there before anybody trades, `seen` what the chain
tells of a channel, `checks` compares every answer, amount and token. Nothing outside imports this
package but the command line.
"""
