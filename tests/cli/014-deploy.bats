# examples/deploy without Docker: compose.yaml as a YAML parser sees it, and that its three files agree.
# tests/deploy_chroot.py carries them out.
load helper

DEPLOY=$ROOT/examples/deploy

# service FILTER [NAME=VALUE...]: what jq finds in the service of compose.yaml, with these variables set
service() {
  local filter=$1
  shift
  env -u CAMERA -u VIDEO_GID -u LISTEN "$@" "$PYTHON" "$ROOT/tests/support/compose.py" | jq -cr ".service | $filter"
}

@test "compose.yaml: ports, for this machine alone unless told otherwise" {
  published() { for port in 8080 8554 8001 8002 5000; do echo "$1:$port:$port"; done; }
  assert_equal "$(service '.ports[]')" "$(published 127.0.0.1)"
  assert_equal "$(service '.ports[]' LISTEN=0.0.0.0)" "$(published 0.0.0.0)"
}

@test "compose.yaml: camera, group, shared memory, recordings" {
  assert_equal "$(service .devices)" '["/dev/video0:/dev/video0"]'
  assert_equal "$(service '[.group_add, .build.args.VIDEO_GID, .environment.CAMGRAB_URL]')" '[["44"],"44","/dev/video0"]'
  assert_equal "$(service '[.group_add, .build.args.VIDEO_GID, .environment.CAMGRAB_URL]' VIDEO_GID=985 CAMERA=pattern)" \
    '[["985"],"985","pattern"]'
  assert_equal "$(service '[.shm_size, .ipc]')" '["256m","shareable"]'
  assert_equal "$(service .volumes)" '["recordings:/recordings"]'
  assert_equal "$("$PYTHON" "$ROOT/tests/support/compose.py" | jq -c '.volumes | keys')" '["recordings"]'
}

@test "compose.yaml: no capabilities, an end in order, a Dockerfile that is there" {
  assert_equal "$(service '[.cap_drop, .security_opt, .privileged]')" '[["ALL"],["no-new-privileges:true"],null]'
  assert_equal "$(service '[.init, .restart, .stop_grace_period]')" '[true,"unless-stopped","30s"]'
  context=$DEPLOY/$(service .build.context)
  assert_equal "$(realpath "$context")" "$(realpath "$ROOT")"
  cmp "$context/$(service .build.dockerfile)" "$DEPLOY/Dockerfile"
}

@test "the Dockerfile exposes, and camwatch.yaml listens on, the ports of compose.yaml" {
  published=$(service '.ports[] | split(":")[-1]' | sort)
  assert_equal "$(sed -n 's/^EXPOSE //p' "$DEPLOY/Dockerfile" | tr ' ' '\n' | sort)" "$published"
  assert_equal "$(grep -oE '":[0-9]+"' "$DEPLOY/camwatch.yaml" | tr -d '":' | sort)" "$published"
  assert_equal "$(sed -n 's/^VOLUME //p' "$DEPLOY/Dockerfile")" "$(service '.volumes[] | split(":")[1]')"
  assert_contains "$(grep -o 'camrec.*' "$DEPLOY/camwatch.yaml")" " /recordings]"
}

@test "the configuration in the image is one that camwatch takes" {
  run_tool camwatch check -c "$DEPLOY/camwatch.yaml"
  assert_contains "$output" "chains: 2, stages: 8"
}

@test "what the Dockerfile copies is there" {
  cd "$ROOT" || return 1
  count=0
  while read -r line; do
    for word in ${line% *}; do
      [ -e "$word" ] || { echo "COPY $line: there is no $word" >&2; return 1; }
      count=$((count + 1))
    done
  done < <(sed -n 's/^COPY \([^-]\)/\1/p' examples/deploy/Dockerfile)
  assert_between "$count" 10 30 "files and folders copied"
}
