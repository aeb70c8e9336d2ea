"""Many reward models side by side: over data set sizes, over settings, with and without a remedy."""
