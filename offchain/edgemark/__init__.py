"""Accountable computing at the network edge: private work done off chain, checked and paid."""
