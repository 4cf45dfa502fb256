#!/bin/sh
# Makes the role that TrueDue is at the database: no superuser, so that row-level security holds for it.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set password="$POSTGRES_PASSWORD" <<'SQL'
CREATE ROLE truedue LOGIN PASSWORD :'password';
CREATE DATABASE truedue OWNER truedue;
SQL
