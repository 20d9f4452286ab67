"""`edgemark fabric`: a network of Hyperledger Fabric's own programs on this machine."""
