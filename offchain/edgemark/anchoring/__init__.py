"""Stakes and deposits: accounts in the AssetAnchor contract."""
