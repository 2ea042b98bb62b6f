#!/usr/bin/env bash
# Plans anew and carries it out. Ends with 0 if everything is as the manifest says, else with mcai's exit code.
#
# MCAI_FLAGS: more flags of `mcai deploy`, the same as for plan-comment.sh.
set -euo pipefail

# All words of all lines; `read` fails where the text ends, which is no failure here.
read -rd '' -a flags <<<"${MCAI_FLAGS:-}" || true

# A job that is cancelled tells this script alone; mcai then starts nothing new and says how everything stands.
# The trap is there first, and bash knows `$!` from the moment that mcai is started: no signal is too early to reach it.
signals=0
trap '[[ -n ${!:-} ]] || exit 130; signals=$((signals + 1)); kill -TERM "$!" 2>/dev/null || true' INT TERM

# What is written to mcai-deploy.* and mcai-status.* becomes an artifact of the job.
mcai deploy --no-input --yes --detailed-exitcode --report-file mcai-deploy.json "${flags[@]}" &
# A signal ends `wait` too: only one that none cut short has mcai's exit code.
until
  before=$signals code=0
  wait "$!" || code=$?
  ((signals == before))
do :; done

case $code in
  0) words="nothing to do: the clusters are as the manifest says" ;;
  1) words="refused: nothing was changed" ;;
  2) words="deployed: every model is ready" ;;
  3) words="changed in part: a cluster failed or was not reached; what is applied stays, run the job again to go on" ;;
  6) words="applied, but not ready in time or without capacity; nothing is undone, run the job again to go on waiting" ;;
  130 | 143) words="interrupted: what is applied stays, run the job again to go on" ;;
  *) words="failed: see above" ;;
esac
echo "deploy: $words (mcai's exit code: $code)"

case $code in
  0 | 2) code=0 ;;
  3 | 6 | 130 | 143)
    # The state is for people; whether it could be read changes nothing about how the deploy ended.
    mcai status --no-input -o markdown >mcai-status.md || true
    cat mcai-status.md
    ;;
esac
if [[ -n ${GITHUB_STEP_SUMMARY:-} ]]; then
  {
    printf '### mcai deploy: %s\n\n' "$words"
    if [[ -e mcai-status.md ]]; then cat mcai-status.md; fi
  } >>"$GITHUB_STEP_SUMMARY"
fi
exit "$code"
