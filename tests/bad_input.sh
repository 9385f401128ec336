#!/usr/bin/env bash
# What goes wrong for users, tool by tool: each case is a command, the exit code it must end with, and words that its one
# line on stderr must hold. TAP.
#
#   tests/bad_input.sh [PATTERN]      only the cases whose name holds PATTERN
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=${CAMPIPE_BIN:-$root/build/dev/bin}:$PATH
only=${1:-}
work=$(mktemp -d)
background=()
trap '[ ${#background[@]} = 0 ] || kill "${background[@]}"; umount "$work/full" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 70
unset NOTIFY_SOCKET CAMPIPE_CLOCK CAMGRAB_URL
for name in ASAN_OPTIONS LSAN_OPTIONS TSAN_OPTIONS UBSAN_OPTIONS; do export "$name=${!name:+${!name}:}log_path=$work/.sanitizer"; done
export XDG_RUNTIME_DIR=$work/runtime XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state
mkdir -p runtime config state && chmod 700 runtime

count=0 usage_cases=0
declare -A codes_seen=()

# bad TOOL CODE "WORDS" 'SHELL COMMAND': the command's exit status and its single line "TOOL: …" are checked.
bad() {
  local tool=$1 code=$2 words=$3 command=$4 status lines line
  if [[ "$tool $words $command" != *"$only"* ]]; then return; fi
  count=$((count + 1))
  [ "$code" != 64 ] || usage_cases=$((usage_cases + 1))
  codes_seen[$tool]+=" $code"
  timeout -k 2 20 bash -c "$command" >stdout 2>stderr </dev/null
  status=$?
  lines=$(wc -l <stderr)
  line=$(tail -n 1 stderr)
  if [ "$status" = "$code" ] && [ "$lines" = 1 ] && [[ $line == "$tool: "* ]] && grep -qiF -- "$words" <<<"$line"; then
    echo "ok $count $tool exits $code: $words: $command"
  else
    echo "not ok $count $tool exits $code: $words: $command"
    echo "# exit $status, $lines lines on stderr:"
    head -c 1500 stderr | tr -d '\0' | sed 's/^/# /'
    echo
  fi
}

check() { # NAME COMMAND…
  local name=$1
  shift
  count=$((count + 1))
  if "$@" >check.out 2>&1; then echo "ok $count $name"; else
    echo "not ok $count $name"
    sed 's/^/# /' check.out
  fi
}

# ---- things to trip over
head -c 300000 /dev/urandom >random.bin
seq 1 20000 >text.txt
: >empty
mkdir folder rings
export CAMPIPE_RING_DIR=$work/rings
cp random.bin rings/campipe.spoilt
: >rings/campipe.theirs
chown nobody rings/campipe.theirs
camgrab pattern -s 64x48 -r 30 -n 20 --quiet >whole.nut
camenc -c mjpeg --quiet <whole.nut >whole.mjpeg.nut
camenc -c h264 --quiet <whole.nut >whole.h264.nut
head -c $(($(stat -c %s whole.nut) - 1000)) whole.nut >cut.nut
ffmpeg -v error -f lavfi -i sine=d=0.2 -f wav sound.wav
mkdir locked && touch locked/file && chmod 700 locked
chmod 755 "$work"
as_nobody="setpriv --reuid=nobody --regid=nogroup --clear-groups --"
mkdir full && mount -t tmpfs -o size=256k none full 2>/dev/null && dd if=/dev/zero of=full/ballast bs=1k count=250 2>/dev/null
port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
/usr/bin/python3 - "$port" <<'PY' &
import http.server, sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        code = {"/secret": 401, "/forbidden": 403, "/text": 200, "/random": 200}.get(self.path, 404)
        body = open("random.bin", "rb").read() if self.path == "/random" else b"hello, this is no video\n" * 500
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
PY
background+=($!)
for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.05; done
shim=$root/build/dev/lib/libcamera_shim.so
[ -n "${CAMPIPE_BIN:-}" ] && shim=$(find "$CAMPIPE_BIN/.." -name 'libcamera_shim.so' | head -1)

. "$root/tests/bad_input_cases.sh"

server_ends() { # it has served until now, and nothing but SIGTERM ends it
  kill "${background[0]}" || return
  local code=0
  wait "${background[0]}" 2>/dev/null || code=$?
  background=()
  [ "$code" = 143 ] || { echo "exit $code"; return 1; }
}
check "the HTTP server beside the cases lived until their end" server_ends
check "no sanitizer has reported" "$root/tests/support/sanitizer_reports.sh" "$work"

echo "1..$((count + 2))"
count=$((count + 1))
if [ "$usage_cases" -le 8 ]; then echo "ok $count at most 8 cases are wrong usage"; else echo "not ok $count $usage_cases cases exit 64"; fi
count=$((count + 1))
if [ $((count - 4)) -ge 40 ] || [ -n "$only" ]; then echo "ok $count at least 40 cases"; else echo "not ok $count only $((count - 4)) cases"; fi
