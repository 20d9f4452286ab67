"""Options that commands share: amounts, and the settings of servers."""
