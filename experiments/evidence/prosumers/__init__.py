"""Of prosumers and their market: balances, offers, bargains, matching."""
