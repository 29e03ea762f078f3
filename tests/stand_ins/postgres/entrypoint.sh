#!/bin/bash
# What the entrypoint of PostgreSQL's image does and the stack relies on: an empty folder becomes a
# cluster with the superuser's password, the scripts run against a server that nobody else can reach,
# and only then does it listen.
set -euo pipefail

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?has to be set}"
    initdb --username=postgres --pwfile=<(echo "$POSTGRES_PASSWORD") --auth=trust >/dev/null
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl --wait --options="-c listen_addresses=''" start
    for script in /docker-entrypoint-initdb.d/*.sql; do
        psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username=postgres --file="$script"
    done
    pg_ctl --wait --mode=fast stop
fi
exec postgres -c listen_addresses='*'
