"""The demonstration: strangers compute on private data, the liar is named and fined.

`examples` trains the models, `cast` says who is on the stage, `dishonest` is what the planted
parties run, `play` plays the jobs, `typed` one of them by commands, `checks` compares every
answer, charge and token, `costs` tells what it took. Nothing outside imports this
package but the command line.
"""
