from .coarse_graining.connectivity import find_molecules as find_molecules
from .coarse_graining.ellipsoids import coarse_grain as coarse_grain
from .coarse_graining.ellipsoids import iterate_coarse_grained as iterate_coarse_grained
from .ellipsoid_data import EllipsoidData as EllipsoidData
from .files.readers import count_frames as count_frames
from .files.readers import iterate_ellipsoids as iterate_ellipsoids
from .files.readers import read_ellipsoids as read_ellipsoids
from .random_rotation import RandomRotation as RandomRotation
