"""How letters of channels get from one to the other: topics, logins, and who carries them."""
