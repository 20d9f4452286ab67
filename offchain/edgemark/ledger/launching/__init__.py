"""Programs that run for a folder: started, noted there, found again by another process, ended."""
