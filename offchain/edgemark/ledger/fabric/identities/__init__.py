"""Who speaks on a consortium ledger: certificates, roles and attributes, signatures, key folders.

An identity is (MSP id, DER of the certificate), whatever the PEM around it. Signatures are ECDSA on
P-256 over SHA-256, with the smaller of the two values of s.
"""
