"""Of a leader's price: what deviations would pay, and its first-order conditions."""
