from .calculator import AniSOAPMACECalculator as AniSOAPMACECalculator
from .loss import EllipsoidLoss as EllipsoidLoss
from .model import AniSOAPScaleShiftMACE as AniSOAPScaleShiftMACE
from .training import train as train
