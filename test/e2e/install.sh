#!/bin/sh
# Installs the Debian packages that the end-to-end tests (npm run e2e) and the tests of the image (npm run test:image) need
# on a bare machine: etcd, the oldest supported container runtime, runc, CNI plugins, network tools, a Docker engine. Starts no daemon. Go is not installed here, only asked for.
set -eu

need_go=1.26
missing=''
want() { # PROGRAM-OR-FILE PACKAGE
  case $1 in
    /*) [ -e "$1" ] || missing="$missing $2" ;;
    *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing="$missing $2" ;;
  esac
}
want etcd etcd-server
want containerd containerd
want runc runc
want /usr/lib/cni/bridge containernetworking-plugins
want iptables iptables
want conntrack conntrack
want ip iproute2
want openssl openssl
want nsenter util-linux
# a busybox from the package of that name needs a C library, and our image has none
dpkg -s busybox-static >/dev/null 2>&1 || missing="$missing busybox-static"
want dockerd docker.io

if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || { echo "install: run as root to install:$missing" >&2; exit 1; }
  command -v apt-get >/dev/null 2>&1 || { echo "install: no apt-get here; install by hand:$missing" >&2; exit 1; }
  echo "install: installing$missing"
  # Debian starts a package's daemon unless policy-rc.d says no (exit 101); the tests start their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt-get update -q
  # shellcheck disable=SC2086 # a list of package names
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
fi

PATH="$PATH:/usr/local/go/bin"
if ! command -v go >/dev/null 2>&1; then
  echo "install: Go $need_go or newer is needed to build the node's programs: https://go.dev/dl" >&2
  exit 1
fi
echo "install: everything is there ($(go version))"
