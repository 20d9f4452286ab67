"""The prime field: elements, kernels, randomness."""
