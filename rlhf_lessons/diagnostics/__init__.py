"""The doctor, the log reader and the alarms: what is wrong with a reward model or a run, and why."""
