from sentrybox.cli import main

raise SystemExit(main())
