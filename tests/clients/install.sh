#!/usr/bin/env bash
# install.sh FOLDER: copies the client tests there, and installs their npm packages unless these are there already.
set -euo pipefail

source=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
find "$1" -mindepth 1 -maxdepth 1 ! -name node_modules -exec rm -rf {} +
find "$source" -mindepth 1 -maxdepth 1 ! -name node_modules -exec cp -R -t "$1" {} +
cd "$1"
if ! cmp -s package-lock.json node_modules/installed-lock.json; then
    npm ci --no-audit --no-fund
    cp package-lock.json node_modules/installed-lock.json
fi
