"""The cryptographic ground: pure functions, no clock, socket, chain or file in sight.

One scheme a file, in rooms: `field`, `sharing`, `polynomial`, `ethereum`. The letters of the papers
live here and nowhere else; each module says which part of which paper it is. Vectors of field
elements travel as *packed* bytes (`field.field.ELEMENT_BYTES` each, big-endian); plain integers
appear in the definitions and for single scalars only.

| module                   | what                                                              |
|--------------------------|-------------------------------------------------------------------|
| `field.field`            | F_q by definition, in plain Python                                |
| `field.arithmetic`       | the interface every implementation of F_q offers                  |
| `field.kernel`           | chooses the fastest implementation there is                       |
| `field.randomness`       | the one door to the system's random source                        |
| `sharing.shamir`         | secret sharing (Meta-BMEOC IV-A, eqs 3-5)                         |
| `sharing.reed_solomon`   | decoding with errors and erasures, one error set for all columns  |
| `sharing.verification`   | the device's check of the answers (eqs 6-9, corrected)            |
| `polynomial`             | the outsourced function F, its canonical bytes and its evaluation |
| `polynomial.fixed_point` | real numbers in F_q, and the proof that nothing wraps             |
| `ethereum.hashing`       | keccak256, and SHA-256 for what is long and only compared         |
| `ethereum.merkle`        | tree over exactly m leaves                                        |
| `ethereum.typed_data`    | EIP-712 digests                                                   |
| `ethereum.secp256k1`     | keys, signatures, strict recovery                                 |
| `ethereum.abi`           | the ABI's encoding; `ethereum.abi_decoding` reads it back         |
"""
