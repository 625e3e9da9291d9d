"""The portal as a WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

from zenvoices.lib.environment import told_in_words

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zenvoices.settings")
with told_in_words(3):  # gunicorn's word for what no other try will mend
    application = get_wsgi_application()
