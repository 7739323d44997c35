#!/bin/sh
# A job that says how it ended: MISHPULSE_URL=http://... beat.sh COMMAND...
# A monitor that is away never fails the job.
set -u
if "$@"; then
    curl -fsS -m 10 --retry 3 -o /dev/null -X POST "$MISHPULSE_URL" || true
else
    code=$?
    curl -fsS -m 10 --retry 3 -o /dev/null -X POST "$MISHPULSE_URL" \
        -d "{\"status\":\"error\",\"message\":\"exit code $code\"}" || true
    exit "$code"
fi
