"""The controller: what it issues in a channel, and whom it admits.

Pure; its process joins with the broker and the commands of this system and uses exactly this.
"""
