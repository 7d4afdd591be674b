"""python -m vision"""

import sys

from vision.worker.app import main

try:
    sys.exit(main())
except ImportError as error:
    # The backend's libraries are loaded when a graph asks for them.
    sys.exit("vision: %s; on a PC: pip install 'sentrybox[vision]'" % error)
