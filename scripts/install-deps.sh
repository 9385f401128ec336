#!/usr/bin/env bash
# Installs what campipe needs on Debian 12 and does nothing where it is there already.
#
#   scripts/install-deps.sh [--yes] [--tests] [--bench]
#
# Without --yes it shows the packages and asks once. --tests adds what tests/run.sh runs against:
# compilers for the sanitizers, players, a browser, an emulator for the kernel cameras. --bench adds
# what the preset "bench" builds with, and what it measures beside campipe.
set -euo pipefail

build_packages=(
  g++ cmake ninja-build pkg-config ccache
  libcli11-dev libfmt-dev libyaml-cpp-dev nlohmann-json3-dev libuv1-dev node-llhttp libssl-dev
  libturbojpeg0-dev libyuv-dev libv4l-dev
  libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
)
test_packages=(
  clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev llvm-19
  libgtest-dev libgmock-dev libbenchmark-dev bats shellcheck mandoc man-db
  ffmpeg mpv curl socat jq procps psmisc util-linux iproute2 ca-certificates git zsh fish debootstrap
  gstreamer1.0-tools gstreamer1.0-rtsp gstreamer1.0-plugins-base gstreamer1.0-plugins-good
  gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
  python3 python3-gi python3-numpy python3-opencv python3-yaml gir1.2-gst-rtsp-server-1.0
  chromium chromium-driver fonts-dejavu-core openssh-client openssh-server
  qemu-system-x86 v4l-utils xz-utils make
)
bench_packages=(
  libbenchmark-dev python3
  libgstreamer-plugins-base1.0-dev gstreamer1.0-plugins-base gstreamer1.0-plugins-bad
  libgstrtspserver-1.0-dev gstreamer1.0-plugins-good ustreamer ffmpeg
)

yes=0 tests=0 bench=0
for arg in "$@"; do
  case $arg in
    --yes | -y) yes=1 ;;
    --tests) tests=1 ;;
    --bench) bench=1 ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "install-deps.sh: unknown option $arg: see --help" >&2; exit 64 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps.sh: this is not Debian: install these or their like yourself: ${build_packages[*]}" >&2
  exit 69
fi

wanted=("${build_packages[@]}")
if [ "$tests" = 1 ]; then wanted+=("${test_packages[@]}"); fi
if [ "$bench" = 1 ]; then wanted+=("${bench_packages[@]}"); fi

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$state" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps.sh: need root to install: ${missing[*]}" >&2
    exit 77
  fi
  as_root=(sudo)
fi

echo "To install with apt-get: ${missing[*]}"
if [ "$yes" = 0 ]; then
  if [ ! -t 0 ]; then
    echo "install-deps.sh: nobody to ask: run it with --yes" >&2
    exit 64
  fi
  read -r -p "Install them now? [Y/n] " answer
  case $answer in "" | y | Y | yes) ;; *) exit 75 ;; esac
fi

"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
