"""Losses and estimators as pure functions of tensors."""
