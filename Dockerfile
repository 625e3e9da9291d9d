# One image for all our services; docker-compose.yml says which program each runs.
# By digest, as the images of docker-compose.yml; docs/security.md says where from, and how to renew them.
FROM python:3.12-slim-bookworm@sha256:0f5b26b9518d002b6173fd61daad821fa340635ebfec5bba471013f9ca114579

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DJANGO_SETTINGS_MODULE=zenvoices.settings \
    DATA_DIR=/data \
    STATIC_ROOT=/app/static

RUN useradd --system --uid 10001 --create-home --home-dir /home/portal portal \
    && install --directory --owner portal --group portal --mode 0700 /data \
    && install --directory --owner portal --group portal /app

WORKDIR /app
COPY requirements.txt requirements-s3.txt requirements-observability.txt ./
RUN pip install --require-hashes --requirement requirements.txt --requirement requirements-s3.txt --requirement requirements-observability.txt

COPY manage.py gunicorn.conf.py ./
COPY zenvoices zenvoices
COPY administrations administrations
COPY documents documents
COPY notifications notifications
COPY leaving leaving
COPY channels channels
COPY templates templates

# Needs settings, not secrets: these two are gone when the step ends.
RUN SECRET_KEY=of-this-build-alone CREDENTIAL_KEYS=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    python manage.py collectstatic --no-input --verbosity 0 \
    && chown -R portal:portal /data /app/static

USER portal
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "zenvoices.wsgi:application", "--bind", "0.0.0.0:8000", "--worker-class", "zenvoices.lib.web_worker.BufferingWorker", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/tmp", "--no-control-socket"]
