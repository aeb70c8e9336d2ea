"""How long things take, as ratios within one run: `make bench`. Seconds are printed and never asserted."""
