"""python -m vision"""

import sys

from vision.app import main

sys.exit(main())
