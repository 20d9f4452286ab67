"""Whether a credential was revoked or suspended: lists of bits, named by the issuer's DID."""
