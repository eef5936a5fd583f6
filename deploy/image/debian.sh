#!/bin/sh
# Fetches the Debian packages that the image takes a few files from, and unpacks them into a new directory: DIR/files, and
# DIR/control with one file a package. Nothing is installed, and apt's own lists on this machine stay as they are. Needs
# apt-get and dpkg-deb.
#
# Usage: debian.sh DIR [ARCHITECTURE]
set -eu

[ $# -ge 1 ] || { echo "usage: debian.sh DIR [ARCHITECTURE]" >&2; exit 2; }
[ ! -e "$1" ] || { echo "debian.sh: $1 exists already: remove it, or name another directory" >&2; exit 2; }
for program in apt-get dpkg dpkg-deb; do
  command -v "$program" >/dev/null || { echo "debian.sh: no $program here: build with 'docker build .', whose first stage has it" >&2; exit 4; }
done
target=$(realpath -m "$1")
architecture=${2:-$(dpkg --print-architecture)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages"
apt() { # PROGRAM ARGUMENTS...
  program=$1
  shift
  "$program" -q -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" -o "Dir::State::Lists=$work/lists" \
    -o Dir::State::Status=/dev/null -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}
apt apt-get update >&2
# gcc-N-base holds the copyright of both gcc libraries
gcc=$(apt apt-cache depends libgcc-s1 | sed -n 's/^ *Depends: \(gcc-[0-9]*-base\)$/\1/p')
cd "$work/packages"
# shellcheck disable=SC2086 # none, or one name
apt apt-get download base-files dash libc6 libgcc-s1 libstdc++6 util-linux $gcc >&2

mkdir -p "$work/out/files" "$work/out/control"
for package in *.deb; do
  dpkg-deb -x "$package" "$work/out/files"
  dpkg-deb -f "$package" >"$work/out/control/${package%%_*}"
done
# the whole tree or nothing
mkdir -p "$(dirname "$target")"
mv "$work/out" "$target.$$"
mv "$target.$$" "$target"
