"""Entry point of ``python -m anisoap_e3nn.cli``."""

import sys

from .main import main

sys.exit(main())
