"""The work of a seller: parts that buyers bring, and orders of its engine."""
