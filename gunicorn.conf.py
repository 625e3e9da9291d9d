"""What gunicorn does wherever it is started from this folder: its lines are lines of the portal's log.

Its master has no settings of Django's; what is wrong with these two, they tell when a worker reads them.
"""

from zenvoices.lib import logs
from zenvoices.lib.environment import Environment

_env = Environment()
_form = _env.chosen("LOG_FORMAT", logs.usual_form(debug=_env.bool("DEBUG", False)), *logs.FORMS)
logconfig_dict = logs.configuration(_form, _env.chosen("LOG_LEVEL", "INFO", *logs.LEVELS))
