"""The judge: an enclave that re-executes."""
