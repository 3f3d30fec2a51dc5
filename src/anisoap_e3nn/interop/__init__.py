"""Interfaces to other projects, one module or package for each."""
