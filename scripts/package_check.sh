#!/usr/bin/env bash
# Installs a package on a bare Debian 12, makes a clip and serves there: nothing that the package needs
# may be missing from its dependencies. Needs root, debootstrap and the network.
#   scripts/package_check.sh [PACKAGE.deb]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
package=${1:-$(ls build/package/t3video*.deb)}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

for program in debootstrap chroot; do
  command -v "$program" >/dev/null || {
    echo "package check: $program is not installed" >&2
    exit 1
  }
done
((EUID == 0)) || {
  echo 'package check: run this as root, which chroot needs' >&2
  exit 1
}

root=$(mktemp -d)
chmod 755 "$root"  # users other than root see it too
clean_up() {
  umount -q "$root/proc" "$root/dev" || true
  rm -rf --one-file-system "$root"
}
trap clean_up EXIT

debootstrap --variant=minbase bookworm "$root" "$mirror" >"$root.log" 2>&1 || {
  tail "$root.log" >&2
  exit 1
}
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/"
cp "$package" "$root/tmp/package.deb"
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"

inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@"; }

inside apt-get -q update >/dev/null
inside env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0 install -y --no-install-recommends \
  /tmp/package.deb >/dev/null
inside t3 --version
inside t3 generate --model demo --progress none --steps 2 --output /tmp/clip.mp4 \
  --prompt 'The desert at noon. A clear sky. A red balloon moves to the left.'
test -s "$root/tmp/clip.mp4"

# As its unit does it: the service's user, in its folder.
health() {  # health ADDRESS: the status line of /health
  exec 3<>"/dev/tcp/${1/://}"
  printf 'GET /health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&3
  head -n 1 <&3
}
inside runuser -u t3video -- t3 serve --model demo --data /var/lib/t3video --port 0 \
  >"$root/tmp/address" 2>"$root/tmp/log" &
server=$!
for ((i = 0; i < 60; ++i)); do
  address=$(sed -n 's|.*http://||p' "$root/tmp/address")
  [[ -n $address && $(health "$address" 2>/dev/null) == *' 200 '* ]] && break
  sleep 1
done
kill "$server" || true
wait "$server" || true
((i < 60)) || {
  cat "$root/tmp/log" >&2
  echo 'package check: t3 serve is not healthy' >&2
  exit 1
}

inside apt-get -q -o Dpkg::Use-Pty=0 remove -y t3video\* >/dev/null
if test -e "$root/usr/bin/t3" -o -e "$root/usr/lib/t3video"; then
  echo 'package check: files stay after the package is removed' >&2
  exit 1
fi
echo 'package check: good'
