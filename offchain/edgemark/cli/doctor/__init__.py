"""edgemark doctor: what is wrong here."""
