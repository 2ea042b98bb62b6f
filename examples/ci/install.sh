#!/usr/bin/env bash
# Brings mcai onto the runner, into .mcai/bin, which the pipelines cache and have in PATH.
set -euo pipefail

has() { command -v "$1" >/dev/null; }

fail() {
  echo "install: $*" >&2
  exit 1
}

bin=$PWD/.mcai/bin
if [[ -n ${GITHUB_PATH:-} ]]; then
  echo "$bin" >>"$GITHUB_PATH"
fi
if PATH=$bin:$PATH has mcai; then
  PATH=$bin:$PATH mcai --version
  exit
fi
has cargo || fail "neither mcai nor cargo is in PATH: install Rust, or use an image with mcai"
[[ -n ${MCAI_REPOSITORY:-} ]] || fail "MCAI_REPOSITORY is not set: the URL of mcai's Git repository"
# A branch would be another mcai on another night.
[[ ${MCAI_REVISION:-} =~ ^[0-9a-f]{40}$ ]] || fail "MCAI_REVISION is not a full commit of mcai"
cargo install --locked --git "$MCAI_REPOSITORY" --rev "$MCAI_REVISION" --root .mcai mcai
