"""Judging models and reading training runs: what the gold reward, the logs and the alarms say."""
