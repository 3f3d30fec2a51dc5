"""Particles, models and scripts that the ranks run and the tests look at."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from anisoap_e3nn import EllipsoidData
from anisoap_e3nn.gay_berne import GayBerne, triaxial_gay_berne
from anisoap_e3nn.networks import MACEStylePotential, NequIPStylePotential
from anisoap_e3nn.potentials import (
    ManyBodyPotential,
    OneBodyPotential,
    PairPotential,
    StackedPotential,
)
from benchmarks.baselines.lammps_gay_berne import MIXED, SEMIAXES, WELL_DEPTHS, mixed_fluid

TYPES = list(SEMIAXES)
THERMO = """compute energies all pe/atom
compute owner all property/atom proc
compute energy all reduce sum c_energies
thermo_style custom step pe press pxx pyy pzz pxy pxz pyz c_energy
thermo_modify norm no
"""


class Case(NamedTuple):
    """A script, {folder} where the files are, and the models that it names."""

    script: str
    models: Mapping[str, torch.nn.Module] = {}


def random_model(model: torch.nn.Module, seed: int, scale: float = 0.1) -> torch.nn.Module:
    """Random parameters where a new model has zeros."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn(
                parameter.shape, generator=generator, dtype=parameter.dtype
            )
    return model.eval()


def slab(seed: int) -> EllipsoidData:
    """Particles in the left quarter of a box: of two ranks along x one has none, of four three.

    One of the three has no ghosts either.
    """
    data = mixed_fluid(seed)
    cell = torch.diag(torch.tensor([40.0, 9.0, 9.0]))[None]
    return EllipsoidData(
        pos=data.pos % 8.0 + 0.5,
        orientations=data.orientations,
        semiaxes=data.semiaxes * 0.8,
        types=data.types,
        cell=cell,
        pbc=True,
    )


def built_models() -> dict[str, torch.nn.Module]:
    """A model of each kind, of the types of :func:`mixed_fluid`."""
    small = {"max_angular": 2, "max_radial": 1, "n_radial": 4, "radial_layers": [8]}
    hidden = "4x0e + 4x1o + 4x2e"
    many_body = ManyBodyPotential(TYPES, 2.6, max_angular=2, max_radial=1)
    return {
        "gay_berne": GayBerne(
            TYPES, 3.5, **MIXED, well_depths=WELL_DEPTHS, sphere_types=[5], smoothing_width=0.0
        ),
        "stack": StackedPotential(
            [
                random_model(OneBodyPotential(TYPES), 1),
                random_model(PairPotential(TYPES, 3.0), 2, 0.01),
                random_model(many_body, 3, 0.01),
            ]
        ),
        "nequip": random_model(NequIPStylePotential(TYPES, 3.0, hidden, n_layers=2, **small), 4),
        "one_density": random_model(
            NequIPStylePotential(TYPES, 3.0, hidden, n_layers=2, include_self=True, **small), 5
        ),
        "mace": random_model(MACEStylePotential(TYPES, 3.0, n_channels=4, n_layers=2, **small), 6),
    }


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    MODELS = built_models()
    torch.set_default_dtype(before)
MODELS["single"] = random_model(ManyBodyPotential([7, 3, 5], 3.0, 2, 1).float(), 7, 0.01)


def setup(file: str = "fluid", before: str = "", style: str = "lj") -> str:
    return f"units {style}\natom_style ellipsoid\n{before}\nread_data {{folder}}/{file}.data\n"


def anisoap(words: str) -> str:
    return f"pair_style anisoap\npair_coeff * * {words}\nneighbor 0.4 bin\n{THERMO}"


def lammps_gay_berne() -> str:
    """LAMMPS' own style with the constants of the model."""
    lines = ["pair_style gayberne 1.0 1.0 1.0 3.5"]
    for k in range(len(TYPES)):
        depths = " ".join(map(str, WELL_DEPTHS[k]))
        lines.append(
            f"pair_coeff {k + 1} {k + 1} {MIXED['epsilon'][k]} {MIXED['sigma'][k]} {depths} {depths}"
        )
    return "\n".join([*lines, "neighbor 0.4 bin", THERMO])


TRIAXIAL = triaxial_gay_berne(3.0)
DEPTHS = " ".join(map(repr, TRIAXIAL.well_depths[0].tolist()))


def lammps_triaxial() -> str:
    return (
        f"pair_style gayberne 1.0 1.0 1.0 3.0\npair_coeff 1 1 1.0 1.0 {DEPTHS} {DEPTHS}\n"
        f"neighbor 0.4 bin\n{THERMO}"
    )


OWN = {"triaxial": TRIAXIAL}
TYPE_WORDS = " ".join(map(str, TYPES))
MOVE = "velocity all create 2.0 7 loop geom\nfix 1 all nve/asphere\ntimestep 0.001\n"
SLABS = "processors * 1 1"
LIQUID = setup("liquid")
TRIAXIAL_STYLE = anisoap("triaxial 0")
THOUSAND_STEPS = (
    "neigh_modify every 1 delay 0 check yes\n" + MOVE.replace("2.0", "4.0") + "run 1000"
)

CASES: dict[str, Case] = {
    **{
        name: Case(setup() + anisoap(f"{name} {TYPE_WORDS}") + "run 0", {name: model})
        for name, model in MODELS.items()
    },
    **{
        f"{name}_slab": Case(
            setup("slab", SLABS) + anisoap(f"{name} {TYPE_WORDS}") + "run 0", {name: MODELS[name]}
        )
        for name in ("gay_berne", "stack", "nequip")
    },
    "short_ghosts": Case(  # LAMMPS itself lengthens the ghost cutoff to what its lists need
        setup() + "comm_modify cutoff 0.5\n" + anisoap(f"nequip {TYPE_WORDS}") + "run 0", MODELS
    ),
    "converted": Case(setup(style="real") + anisoap("{folder}/metal.pt 7 3 5") + "run 0"),
    "lammps": Case(setup() + lammps_gay_berne() + "run 0"),
    "lammps_slab": Case(setup("slab", SLABS) + lammps_gay_berne() + "run 0"),
    "trajectory": Case(LIQUID + TRIAXIAL_STYLE + THOUSAND_STEPS, OWN),
    "lammps_trajectory": Case(LIQUID + lammps_triaxial() + THOUSAND_STEPS),
}

# What users expect, STYLE being ours or LAMMPS' own
MIXTURE = """read_data {folder}/liquid.data extra/atom/types 1
create_atoms 2 random 20 5 NULL overlap 1.0 maxtry 1000
set type 2 mass 1.5
pair_style hybrid/overlay PAIR lj/cut 2.5
pair_coeff 1*2 2 lj/cut 1.0 1.0
"""
USES = {
    "npt": "change_box all triclinic\nSTYLE\nVELOCITY\n"
    "fix 1 all npt/asphere temp 2 2 0.5 tri 1 1 2.0\nrun 50",
    "langevin": "STYLE\nVELOCITY\nfix 1 all nve/asphere\n"
    "fix 2 all langevin 2 2 0.5 48279 angmom 3.333\nrun 20\nrun 20\nrun 0",
    "minimize": "STYLE\nmin_style cg\nminimize 0 0 20 50",
    "restart": "STYLE\nVELOCITY\nfix 1 all nve/asphere\nrun 20\nwrite_restart {folder}/restart\n"
    "clear\nread_restart {folder}/restart\nSTYLE\nfix 1 all nve/asphere\nrun 20",
    "nvt": "STYLE\nVELOCITY\nfix 1 all nvt/asphere temp 2 2 0.5\nrun 20",
}
VELOCITY = "velocity all create 2.0 7 loop geom\ntimestep 0.002\n"


def use(name: str, style: str) -> str:
    return LIQUID + USES[name].replace("STYLE", style).replace("VELOCITY", VELOCITY)


def mixture(style: str, coefficients: str) -> str:
    """Plain atoms beside ellipsoids, by two pair styles."""
    return (
        "units lj\natom_style ellipsoid\n"
        + MIXTURE.replace("PAIR", style)
        + f"pair_coeff {coefficients}\nneighbor 0.4 bin\n{THERMO}{VELOCITY}"
        + "group bodies type 1\ngroup atoms type 2\nfix 1 bodies nve/asphere\nfix 2 atoms nve\n"
        + "run 20"
    )


for _name in USES:
    CASES[_name] = Case(use(_name, TRIAXIAL_STYLE), OWN)
    CASES[f"lammps_{_name}"] = Case(use(_name, lammps_triaxial()))
# shapes that a command changes between runs, without and with a new setup, and so without and with new lists
RESHAPED = (
    LIQUID
    + TRIAXIAL_STYLE
    + "neigh_modify delay 50\n"
    + MOVE
    + "run 5\nset type 1 shape 0.9 1.4 2.1\ntimestep 0.0\n"
)
CASES["reshaped"] = Case(RESHAPED + "run 1 pre no", OWN)
CASES["reshaped_anew"] = Case(RESHAPED + "run 1", OWN)
CASES["not_reshaped"] = Case(RESHAPED.replace("set type", "# set type") + "run 1", OWN)
# types that a command changes in the same way: to another one of the model, and to NULL
RETYPED = (
    "neigh_modify delay 50\nfix 1 all nve/asphere\ntimestep 0.0\nrun 0\nset atom 5*30 type 2\n"
)
BESIDE_NULL = "hybrid/overlay anisoap zero 3.5\npair_coeff * * zero\npair_coeff * * anisoap"
_styles = {
    "stack": anisoap(f"stack {TYPE_WORDS}"),
    "gay_berne": anisoap("gay_berne 7 NULL 5").replace("anisoap\npair_coeff * *", BESIDE_NULL),
}
for _name, _style in _styles.items():
    _script = setup() + _style + RETYPED
    CASES[f"{_name}_retyped"] = Case(_script + "run 1 pre no", MODELS)
    CASES[f"{_name}_retyped_anew"] = Case(_script + "run 1", MODELS)
    CASES[f"{_name}_not_retyped"] = Case(
        _script.replace("set atom", "# set atom") + "run 1", MODELS
    )
# a script that names one model after another: by a kernel without Python, by Python, and back
for _name, _before in {"stack": "gay_berne", "gay_berne": "nequip", "nequip": "gay_berne"}.items():
    CASES[f"{_name}_after_{_before}"] = Case(
        setup()
        + anisoap(f"{_before} {TYPE_WORDS}")
        + f"run 0\npair_style anisoap\npair_coeff * * {_name} {TYPE_WORDS}\nrun 0",
        MODELS,
    )
CASES["mixture"] = Case(mixture("anisoap", "* * anisoap triaxial 0 NULL"), OWN)
CASES["lammps_mixture"] = Case(
    mixture("gayberne 1.0 1.0 1.0 3.0", f"1 1 gayberne 1.0 1.0 {DEPTHS} {DEPTHS}")
)


def cases_of(n_ranks: int) -> dict[str, Case]:
    """Cases to run on so many ranks: not all on four, which share the cores of a small machine."""
    single = {"lammps_trajectory"} if n_ranks > 1 else set()
    few = {*USES, *(f"lammps_{name}" for name in USES)} if n_ranks > 2 else set()
    return {name: case for name, case in CASES.items() if name not in single | few}


REFUSALS: dict[str, Case] = {
    "no_file": Case(setup() + anisoap(f"nothing.pt {TYPE_WORDS}")),
    "unknown_type": Case(setup() + anisoap("gay_berne 7 3 8"), MODELS),
    "too_few_types": Case(setup() + anisoap("gay_berne 7 3"), MODELS),
    "units": Case(setup(style="metal") + anisoap("{folder}/real_in_cal.pt 7 3 5")),
    "newton": Case(
        setup(before="newton off") + anisoap(f"gay_berne {TYPE_WORDS}") + "run 0", MODELS
    ),
    "no_shape": Case(
        setup() + "set atom 5 shape 0 0 0\n" + anisoap(f"gay_berne {TYPE_WORDS}") + "run 0", MODELS
    ),
    "fewer_particles": Case(
        setup()
        + anisoap(f"gay_berne {TYPE_WORDS}")
        + "neigh_modify delay 50\nrun 0\ngroup some id 5:9\ndelete_atoms group some\nrun 1 pre no",
        MODELS,
    ),
    "other_list": Case(
        setup()
        + anisoap(f"gay_berne {TYPE_WORDS}")
        + f"run 0\npair_coeff * * stack {TYPE_WORDS}\nrun 1 pre no",
        MODELS,
    ),
    **{
        f"overlap_{name}": Case(
            setup()
            + "set atom 5 x 1 y 1 z 1\nset atom 9 x 1 y 1 z 1\n"
            + anisoap(f"{name} {TYPE_WORDS}")
            + "run 0",
            MODELS,
        )
        for name in ("gay_berne", "stack")
    },
    "one_rank_alone": Case(
        setup() + "set atom 5 type 3 shape 1 2 1\n" + anisoap(f"gay_berne {TYPE_WORDS}") + "run 0",
        MODELS,
    ),
}


def frames() -> dict[str, Any]:
    """Particles of the files, by their names."""
    return {"fluid": mixed_fluid(11), "slab": slab(12)}
