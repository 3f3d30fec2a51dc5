"""One face per neighbour project."""
