"""How sure a number is: shares, intervals, fits."""
