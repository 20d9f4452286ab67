"""The thing sold: polynomials by the project's kernel, and programs of the seller's own list.

| trading (EFSC)                              | here                                            |
|---------------------------------------------|-------------------------------------------------|
| the buyer's job runs at the seller (IV-B)   | `engine.Engine.take`                            |
| meter readings of an interval (TST)         | `engine.Engine.readings`, `messages.Reading`    |
| what the buyer can check before it signs    | `checking`                                      |

The paper lets a buyer send code; here no program of a buyer's ever runs. It says nothing of what a
reading may be either; here each is no more than was used, and bounded by what the buyer knows.

Rules of metering:

1. A polynomial is metered in *units*: products, exactly `checking.count_units` of function and
   batch, whatever the kernel did. A program is metered in the processor time that the kernel of the
   machine counted for it and all that descended from it, from when it began; what confining,
   starting, looking and writing cost the seller is in no reading. Bytes are those of the data and
   of the output.
2. What the buyer's data made a program take counts, however the program ended, up to its limits. A
   run that the seller could not begin, or ended itself, counts nothing but what a reading told.
3. A reading is all that was ever used in its channel. It never falls, and no order is in it twice:
   an order that is run again, as its engine was killed, counts the larger of what was told of the
   first run and what the last one took, not their sum.
"""
