#!/usr/bin/env bash
# Plans, and shows the plan as a comment: one for each pull or merge request, kept up to date.
#
# Ends with 0 whether or not something would change, with mcai's exit code if there is no whole plan, and with 1 if the
# comment can't be posted. MCAI_FLAGS: more flags of `mcai plan`, the same as for deploy.sh.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
read -ra flags <<<"${MCAI_FLAGS:-}"

code=0
mcai plan --no-input --detailed-exitcode -o markdown "${flags[@]}" >mcai-plan.md || code=$?

case $code in
  0) note="Nothing would change." ;;
  2) note="Merging deploys this, planned anew." ;;
  7) note="**A cluster could not be read: the plan lacks it.**" ;;
  *) note="**mcai ended with exit code $code: this can't be deployed as it is.**" ;;
esac
if [[ ! -s mcai-plan.md ]]; then
  # A wrong flag or a crash: mcai's words are on stderr.
  printf '### mcai failed\n\nThe log of the job says why.\n' >mcai-plan.md
fi
printf '\n%s Commit %s, [log](%s)\n' "$note" "\`${MCAI_COMMIT:0:10}\`" "$MCAI_LOG_URL" >>mcai-plan.md

cat mcai-plan.md
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  cat mcai-plan.md >>"$GITHUB_STEP_SUMMARY"
fi

# A job with a stale comment must not look well.
posted=0
"$here/comment.sh" mcai-plan.md || posted=1
case $code in
  0 | 2) exit "$posted" ;;
  *) exit "$code" ;;
esac
