"""A machine and what drives it: an event in, a record in the journal, effects out."""
