#!/usr/bin/env bash
# Plans, and shows the plan as a comment: one for each pull or merge request, kept up to date.
#
# Ends with 0 whether or not something would change, with mcai's exit code if there is no whole plan, and with 1 if mcai
# says nothing or the comment can't be posted. MCAI_FLAGS: more flags of `mcai plan`, the same as for deploy.sh.
set -euo pipefail

here=$(dirname "${BASH_SOURCE[0]}")
# All words of all lines; `read` fails where the text ends, which is no failure here.
read -rd '' -a flags <<<"${MCAI_FLAGS:-}" || true

code=0
mcai plan --no-input --detailed-exitcode -o markdown "${flags[@]}" >mcai-plan.md || code=$?

bad="**mcai ended with exit code $code: this can't be deployed as it is.**"
case $code in
  0) note="Nothing would change." ;;
  2) note="Merging deploys this, planned anew." ;;
  7) note="**A cluster could not be read: the plan lacks it.**" ;;
  *) note=$bad ;;
esac
if [[ ! -s mcai-plan.md ]]; then
  # A wrong flag or a crash: mcai's words are on stderr. Without a plan nothing is well, whatever the code says.
  printf '### mcai failed\n\nThe log of the job says why.\n' >mcai-plan.md
  note=$bad
  case $code in
    0 | 2) code=1 ;;
  esac
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
