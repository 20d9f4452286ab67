"""The seller: what it remembers of a channel, and whom it believes what.

Pure; its process joins with the commands of this system and uses exactly this.
"""
