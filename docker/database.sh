#!/bin/sh
# Two roles: portal_owner owns the tables and migrates, portal serves. Neither is a superuser, who would walk past
# row-level security. Runs once, when the database volume is empty; may be run again, also on a database of one role.
set -eu
: "${OWNER_PASSWORD:?set POSTGRES_OWNER_PASSWORD in .env}"
psql --set ON_ERROR_STOP=1 --username postgres --set portal="$PORTAL_PASSWORD" --set owner="$OWNER_PASSWORD" <<'SQL'
SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['portal', 'portal_owner']) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) \gexec
ALTER ROLE portal LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'portal';
ALTER ROLE portal_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD :'owner';
ALTER ROLE postgres PASSWORD :'owner';
SELECT 'CREATE DATABASE portal OWNER portal_owner'
WHERE NOT EXISTS (SELECT 1 FROM pg_database WHERE datname = 'portal') \gexec
ALTER DATABASE portal OWNER TO portal_owner;
REVOKE CREATE, TEMPORARY ON DATABASE portal FROM PUBLIC;
\connect portal
REASSIGN OWNED BY portal TO portal_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
-- Until PostgreSQL 15 the schema is not the database owner's.
GRANT CREATE ON SCHEMA public TO portal_owner;
SQL
