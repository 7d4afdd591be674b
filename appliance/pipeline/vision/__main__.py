"""python -m appliance.pipeline.vision"""

import sys

from appliance.pipeline.vision.app import main

sys.exit(main())
