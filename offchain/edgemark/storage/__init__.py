"""Content, named by what it is: CIDs, and where blocks of it are kept."""
