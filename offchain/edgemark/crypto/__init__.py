"""The cryptographic ground: pure functions, no clock, socket, chain or file in sight.

One scheme a file. The letters of the papers live here and nowhere else; each module says which part
of which paper it is. Vectors of field elements travel as *packed* bytes (`field.ELEMENT_BYTES`
each, big-endian); plain integers appear in the definitions and for single scalars only.

| module          | what                                                                        |
|-----------------|-----------------------------------------------------------------------------|
| `field`         | F_q by definition, in plain Python                                          |
| `arithmetic`    | the interface every implementation of F_q offers                            |
| `kernel`        | chooses the fastest implementation there is                                 |
| `randomness`    | the one door to the system's random source                                  |
| `shamir`        | secret sharing (Meta-BMEOC IV-A, eqs 3-5)                                   |
| `polynomial`    | the outsourced function F, its canonical bytes and its evaluation           |
| `reed_solomon`  | decoding with errors and erasures, one error set for all columns            |
| `verification`  | the device's check of the answers (eqs 6-9, corrected)                      |
| `fixed_point`   | real numbers in F_q, and the proof that nothing wraps                       |
| `hashing`       | keccak256, and SHA-256 for what is long and only compared                   |
| `merkle`        | tree over exactly m leaves                                                  |
| `commitments`   | job id, task id, leaf, outputs hash, commitment                             |
| `typed_data`    | EIP-712 digests                                                             |
| `secp256k1`     | keys, signatures, strict recovery                                           |
"""
