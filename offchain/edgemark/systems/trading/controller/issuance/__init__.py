"""From a letter of a seller's to the credential of its voucher."""
