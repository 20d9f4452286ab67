"""Whatever a stranger's file may be."""
