#!/bin/sh
# Runs once, when the database volume is empty. A superuser would walk past row-level security.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE portal LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE portal OWNER portal;
SQL
