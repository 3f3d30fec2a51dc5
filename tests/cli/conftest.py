"""Files of frames and of a fluid, and as many threads afterwards as before."""

from featurized_files import source, threads
from repelling_disks import fluid

__all__ = ["fluid", "source", "threads"]
