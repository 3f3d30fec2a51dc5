"""Readers of particle files and writers of feature files."""
