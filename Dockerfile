# Two stages: what builds the environment does not ship.
FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/app
RUN python -m venv /opt/venv
COPY requirements/production.txt requirements/production.txt
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/production.txt
COPY . .
ENV PATH=/opt/venv/bin:$PATH DJANGO_SETTINGS_MODULE=backoffice.settings.prod STATIC_ROOT=/srv/static
# The message catalogues are compiled by manage.py itself; the values below are for this step only.
RUN SECRET_KEY=build ALLOWED_HOSTS=build SITE_URL=https://build.example python manage.py collectstatic --noinput

FROM python:3.11-slim-bookworm
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /srv/var --no-create-home --shell /usr/sbin/nologin retaguarda \
    && install -d -o retaguarda -g retaguarda -m 700 /srv/var /srv/var/tmp
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/static /srv/static
COPY --from=build /srv/app /srv/app
WORKDIR /srv/app
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=backoffice.settings.prod STATIC_ROOT=/srv/static VAR_DIR=/srv/var
USER retaguarda
EXPOSE 8000
CMD ["gunicorn", "backoffice.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--threads", "4", "--no-control-socket"]
