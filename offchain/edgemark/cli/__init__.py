"""The command line: noun, verb, options. It reads settings, calls one function, prints."""
