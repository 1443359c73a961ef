"""`python -m gvmpy`: the same program as the console script."""

from __future__ import annotations

from gvmpy.entry import main

if __name__ == "__main__":
    raise SystemExit(main())
