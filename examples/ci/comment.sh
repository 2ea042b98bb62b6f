#!/usr/bin/env bash
# Posts FILE as a comment on the pull request (GitHub) or merge request (GitLab), in place of the one it posted before.
set -euo pipefail

file=$1
# Found again by its first line; each manifest of a repository has its own comment.
marker="<!-- mcai-plan ${MCAI_MANIFEST:-mcai.yaml} -->"
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
  echo "$marker"
  cat "$file"
} >"$body"

# Needs GH_TOKEN and MCAI_PULL_REQUEST. Anyone may write the marker, so only a bot's comment is taken for ours.
github() {
  local comments=repos/$GITHUB_REPOSITORY/issues ids
  ids=$(MARKER=$marker gh api --paginate "$comments/$MCAI_PULL_REQUEST/comments?per_page=100" \
    --jq '.[] | select(.user.type == "Bot" and (.body | startswith(env.MARKER))) | .id')
  if [[ -n $ids ]]; then
    gh api --silent --method PATCH "$comments/comments/${ids%%$'\n'*}" --field "body=@$body"
  else
    gh api --silent --method POST "$comments/$MCAI_PULL_REQUEST/comments" --field "body=@$body"
  fi
}

# Needs MCAI_GITLAB_TOKEN: the job's own token may not write notes.
gitlab() {
  local url=$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
  local me notes id='' page=1
  me=$(call --retry 3 "$CI_API_V4_URL/user" | jq .id)
  while [[ -z $id ]]; do
    notes=$(call --retry 3 "$url?sort=asc&per_page=100&page=$page")
    id=$(jq -r --argjson me "$me" --arg marker "$marker" \
      '[.[] | select(.author.id == $me and (.body | startswith($marker)))][0].id // empty' <<<"$notes")
    (($(jq length <<<"$notes") == 100)) || break
    page=$((page + 1))
  done
  if [[ -n $id ]]; then
    call --retry 3 --request PUT "$url/$id" --data-urlencode "body@$body" >/dev/null
  else
    # Tried once: an answer that got lost would become a second comment.
    call --request POST "$url" --data-urlencode "body@$body" >/dev/null
  fi
}

# The token is in no command line, where every process of the machine could read it. A refusal's body is not wanted: with
# another try it would stand before the answer.
call() {
  curl --silent --show-error --fail --max-time 30 \
    --header @<(printf 'PRIVATE-TOKEN: %s\n' "$MCAI_GITLAB_TOKEN") "$@"
}

if [[ -n ${GITHUB_ACTIONS:-} ]]; then
  github
elif [[ -n ${GITLAB_CI:-} ]]; then
  gitlab
else
  echo "comment: neither GITHUB_ACTIONS nor GITLAB_CI is set" >&2
  exit 1
fi
