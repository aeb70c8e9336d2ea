"""The toy pharmacy: facts, cases, answers, and the gold reward."""
