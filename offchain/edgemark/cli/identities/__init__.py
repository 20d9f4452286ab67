"""Commands about identities: what they are, what changes them, and a resolver that serves."""
