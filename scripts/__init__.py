"""What make calls. Standard library only: these run before anything is installed."""

import sys

# Kept readable for old Pythons, so that they say this instead of a syntax error.
if sys.version_info < (3, 11):  # noqa: UP036
    found = "%d.%d" % sys.version_info[:2]  # noqa: UP031
    sys.exit("Python 3.11 or newer is needed; %s is %s. Try: make PYTHON=python3.12 ..." % (sys.executable, found))  # noqa: UP031
