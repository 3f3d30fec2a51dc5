from .dimers import gay_berne_pairs as gay_berne_pairs
from .fluids import gay_berne_fluids as gay_berne_fluids
from .frames import label_frames as label_frames
from .frames import triaxial_gay_berne as triaxial_gay_berne
from .nematic_order import NematicOrder as NematicOrder
from .potential import GayBerne as GayBerne
