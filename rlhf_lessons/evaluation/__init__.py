"""What judges a policy: the scorecard of the gold reward, best of n, one update token by token."""
