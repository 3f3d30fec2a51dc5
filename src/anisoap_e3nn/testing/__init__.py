"""Checks of models, for our tests and those of others."""
