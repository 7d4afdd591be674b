"""python -m vision"""

import sys

from vision.worker.app import main

sys.exit(main())
