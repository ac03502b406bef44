#!/usr/bin/env bash
# Does evalkit hold with the newest versions that pyproject.toml allows, instead of the locked ones? Installs them into an
# environment of its own, runs the checks and the tests in it, and says what failed and which versions are not the lock's.
# By hand: [PYTHON=python3.12] [VENV=DIR, where the environment is to stay] scripts/newest.sh
set -uo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
venv=${VENV:-$scratch/venv}
summary=$scratch/summary.md
failed=0

fenced() { echo '```'; cat; echo '```'; }

part() {  # NAME COMMAND...: runs the command, notes how it went, and how its output ended if it failed
  local name=$1; shift
  echo "== $name"
  if "$@" 2>&1 | tee "$scratch/log"; then
    echo "- $name: passed" >>"$summary"
  else
    failed=1
    { echo "- $name: FAILED"; tail -n 60 "$scratch/log" | fenced; } >>"$summary"
  fi
}

install() {
  local extras
  extras=$("$PYTHON" -c 'import tomllib
print(",".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]))') &&
    "$PYTHON" -m venv "$venv" &&
    "$venv/bin/python" -m pip install --quiet --upgrade pip &&
    "$venv/bin/python" -m pip install --quiet --editable ".[$extras]"
}

# With -o make takes the environment as it is, and does not set up the locked one in its place.
fresh() { make -o "$venv/.installed" VENV="$venv" PYTHON="$venv/bin/python" "$@"; }

version=$("$PYTHON" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || exit 2
echo "## Python $version with the newest versions" >>"$summary"
part install install
if [ "$failed" = 0 ]; then
  part "make check" fresh check
  part "make test" fresh test
  { echo; "$venv/bin/python" scripts/compare_lock.py "locks/python$version.txt" | fenced; } >>"$summary"
fi
cat "$summary"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$summary" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$failed"
