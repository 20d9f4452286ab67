"""Signed and encrypted JSON, of each the one form that is used here (JOSE)."""
