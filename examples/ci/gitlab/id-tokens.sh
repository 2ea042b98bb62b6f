#!/usr/bin/env bash
# Writes GitLab's identity tokens to the files where the clouds' tools look for them. They live as long as the job.
set -euo pipefail

umask 077
mkdir -p .mcai
for cloud in AWS GCP AZURE; do
  token=${cloud}_ID_TOKEN
  if [[ -n ${!token:-} ]]; then
    printf '%s' "${!token}" >".mcai/${cloud,,}-id-token"
  fi
done
