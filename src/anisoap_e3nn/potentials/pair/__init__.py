"""Energies of pairs of ellipsoids."""
