"""The buyer: what it remembers of a channel, and what it signs.

Pure; its process joins with the commands of this system and uses exactly this.
"""
