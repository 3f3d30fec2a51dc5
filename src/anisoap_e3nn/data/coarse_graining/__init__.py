"""Groups of atoms as ellipsoids."""
