"""Programs that run on data of strangers, shut off from everything else on the machine."""
