"""Trajectory of a run and, beside it, the state that continues the run."""

from pathlib import Path
from typing import Any

from ..data.files.extended_xyz_file import ExtendedXYZFile, frame_text
from ..data.files.output_file import refuse_output
from ..simulation import Dynamics, load_state, save_state


class Trajectory:
    """Trajectory in extended XYZ that grows frame by frame, with the state of its last frame.

    Files that are to be replaced stay until the first frame is written.

    Parameters
    ----------
    path : Path
        Trajectory, ``OUT.xyz``. The state is ``OUT.state``.
    restart : bool
        Whether both exist and are continued.
    overwrite : bool
        Whether both may be replaced.

    Attributes
    ----------
    state : Path
        File of the state.
    n_frames : int
        Number of frames written by this run.

    Raises
    ------
    FileExistsError
        If one of the files exists, and may neither be continued nor replaced.
    FileNotFoundError
        If one of the files is missing, and the run is to be continued.
    """

    def __init__(self, path: Path, restart: bool, overwrite: bool) -> None:
        refuse_output(path, restart or overwrite, ExtendedXYZFile.suffixes)
        self.path, self.state, self.restart = path, path.with_suffix(".state"), restart
        refuse_output(self.state, restart or overwrite, (".state",))
        if restart and not self.state.is_file():
            raise FileNotFoundError(f"no such file: {self.state}; start the run without --restart")
        if restart and not path.is_file():
            raise FileNotFoundError(
                f"found {self.state} without {path}, expected the trajectory that it continues; move it "
                "back, or start a run without --restart under another name"
            )
        self.n_frames = 0

    def resume(self, dynamics: Dynamics) -> None:
        """Continue from the state, whose frame is the last one of the trajectory.

        What follows that frame in the file, as after a crash, is cut off.

        Raises
        ------
        ValueError
            If the file is no state of these bodies, or the trajectory does not end with its frame.
        """
        load_state(dynamics, self.state)
        frame = _encoded(dynamics.bodies.data)
        with self.path.open("rb+") as file:
            start = max(0, file.seek(0, 2) - 5 * len(frame) // 2)  # it and at most one more
            file.seek(start)
            place = file.read().rfind(frame)
            if place < 0:
                raise ValueError(
                    f"found another last frame in {self.path} than that of {self.state}, expected a "
                    "trajectory and its state, of the bodies of the input; move back those that belong "
                    "together, or start a run without --restart under another name"
                )
            file.truncate(start + place + len(frame))

    def append(self, dynamics: Dynamics) -> None:
        """Write a frame and then the state."""
        is_new = not self.restart and self.n_frames == 0
        if is_new:
            self.state.unlink(missing_ok=True)  # of an earlier run
        with self.path.open("wb" if is_new else "ab") as file:
            file.write(_encoded(dynamics.bodies.data))
        self.n_frames += 1
        save_state(dynamics, self.state)

    @property
    def has_frames(self) -> bool:
        """Whether the file has frames of the run, also of parts that this one continues."""
        return self.restart or self.n_frames > 0

    @property
    def kept(self) -> str:
        """Words for the frames that are kept if the run ends now."""
        if self.n_frames == 0 and not self.restart:
            return "nothing written"
        found = {0: "no new frame", 1: "1 new frame"}.get(
            self.n_frames, f"{self.n_frames} new frames"
        )
        return f"{self.path} has {found}; continue with --restart"


def _encoded(data: Any) -> bytes:
    return frame_text(data).encode()
