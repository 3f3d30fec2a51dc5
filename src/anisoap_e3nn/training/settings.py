"""Settings of training runs and linear fits: what their configuration files may contain."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass
class DataSettings:
    """Frames, and which of them validate.

    Parameters
    ----------
    files : list of str
        Files of ellipsoids, as :func:`~anisoap_e3nn.data.read_ellipsoids` reads them.
    validation_files : list of str
        Files for validation. Without any, a share of `files` validates.
    validation_share : float
        Share of the blocks of `files` that validates.
    block : int
        Number of successive frames that stay together, since neighbours in a trajectory are alike.
    seed : int
        Seed of the choice of blocks.
    dtype : "float32" or "float64"
        Precision of frames and model.
    visible_torques : bool
        Whether torques about axes of symmetry are removed; see
        :func:`~anisoap_e3nn.data.visible_torques`.
    """

    files: list[str]
    validation_files: list[str] = field(default_factory=list)
    validation_share: float = 0.1
    block: int = 5
    seed: int = 0
    dtype: Literal["float32", "float64"] = "float32"
    visible_torques: bool = True


@dataclass
class NetworkSettings:
    """Network, and what is held fixed beneath it.

    Parameters
    ----------
    name : str
        Class in :mod:`anisoap_e3nn.networks`.
    hyperparameters : dict
        Its arguments except the types: `cutoff` and others.
    base : str, optional
        Checkpoint of a fitted model. It is held fixed, and the network learns the rest.
    repulsion : bool
        Whether a :class:`~anisoap_e3nn.potentials.SurfaceRepulsion` that the frames suggest is held fixed
        beneath the network. A base brings its own.
    """

    name: str
    hyperparameters: dict[str, Any]
    base: str | None = None
    repulsion: bool = True


@dataclass
class OptimizationSettings:
    """Loss, optimiser and schedule.

    Parameters
    ----------
    epochs : int
        Number of passes over the frames.
    batch_size : int
        Number of frames in a step, of all processes together.
    learning_rate : float
        Largest learning rate.
    optimizer : "adam" or "adamw"
    weight_decay : float
        Of "adamw".
    schedule : "one-cycle", "cosine" or "constant"
        Learning rate over all steps: up for a twentieth of them and down to zero, down to zero, or constant.
    weights : dict
        Weights of the targets in the :class:`~anisoap_e3nn.fitting.MechanicsLoss`.
    later_weights : dict
        Weights that replace these from an epoch on, by epoch.
    average : float
        Decay of the moving average of the weights over steps, which is validated and saved; 0 for none.
    clip : float
        Largest norm of the gradient.
    patience : int, optional
        Number of epochs without a better validation after which the run ends; by default it does not.
    """

    epochs: int = 100
    batch_size: int = 8
    learning_rate: float = 0.01
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = 0.0
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    weights: dict[str, float] = field(default_factory=dict)
    later_weights: dict[int, dict[str, float]] = field(default_factory=dict)
    average: float = 0.99
    clip: float = 10.0
    patience: int | None = None


@dataclass
class TrainingSettings:
    """A training run.

    Parameters
    ----------
    data : DataSettings
    network : NetworkSettings
    optimization : OptimizationSettings
    output : str
        Folder of the run: ``best.pt`` and ``last.pt`` are models, ``last.ckpt`` continues the run, and
        ``logs`` has the curves.
    units : dict
        Units of length and energy, for the checkpoint.
    seed : int
        Seed of the network's first weights and of the order of the frames.
    devices : int
        Number of processes.
    accelerator : "cpu" or "gpu"
    tensorboard : bool
        Whether curves are also logged for TensorBoard.
    """

    data: DataSettings
    network: NetworkSettings
    optimization: OptimizationSettings = field(default_factory=OptimizationSettings)
    output: str = "run"
    units: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    devices: int = 1
    accelerator: Literal["cpu", "gpu"] = "cpu"
    tensorboard: bool = False


@dataclass
class FitSettings:
    """A linear fit.

    Parameters
    ----------
    data : DataSettings
    components : list of dict
        Linear potentials: `name`, a class in :mod:`anisoap_e3nn.potentials`, and its arguments except the
        types. A ManyBodyPotential with none of `max_angular`, `max_radial`, `radial_gaussian_width` and
        `density_width` gets those that :func:`~anisoap_e3nn.nn.suggest_hyperparameters` finds in the frames.
    repulsion : bool
        Whether a :class:`~anisoap_e3nn.potentials.SurfaceRepulsion` that the frames suggest is held fixed
        beneath them, and pair potentials are bounded below the smallest gap of the frames.
    ridge : float
        See :func:`~anisoap_e3nn.fitting.fit_linear`.
    weights : dict
        Weights of the targets.
    output : str
        File of the model.
    units : dict
        Units of length and energy, for the checkpoint.
    """

    data: DataSettings
    components: list[dict[str, Any]]
    repulsion: bool = True
    ridge: float = 1e-8
    weights: dict[str, float] = field(default_factory=dict)
    output: str = "fitted.pt"
    units: dict[str, str] = field(default_factory=dict)
