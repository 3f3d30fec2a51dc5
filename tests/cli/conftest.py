"""A file of frames, and as many threads afterwards as before."""

from featurized_files import source, threads

__all__ = ["source", "threads"]
