"""Coarse-graining: groups of atoms become ellipsoids."""
