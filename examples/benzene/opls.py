"""Numbers of OPLS-AA for the atoms of benzene. Those of two kinds of atoms are geometric means."""

MASSES = {"C": 12.011, "H": 1.008}  # u
CHARGES = {"C": -0.115, "H": 0.115}  # e
WELLS, DIAMETERS = {"C": 0.07, "H": 0.03}, {"C": 3.55, "H": 2.42}  # kcal/mol, Å
