"""The paper's steps, pure: what is random or read from outside arrives as an argument."""
