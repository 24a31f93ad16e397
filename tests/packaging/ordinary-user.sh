#!/bin/sh
# Run all tests as an ordinary user, in a copy of the checkout, with an interpreter that user can reach.
# Does nothing where the caller is an ordinary user already: then `make test` has been that.
set -eu
if [ "$(id -u)" != 0 ]; then
    echo "not root: the tests ran as an ordinary user already"
    exit 0
fi
tree=$(cd "$(dirname "$0")/../.." && pwd)
place=$(mktemp -d /var/tmp/sqlports-user.XXXXXX)
trap 'rm -rf "$place"' EXIT
as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs env -i PATH="/usr/local/bin:/usr/bin:/bin" \
        HOME="$place/home" TMPDIR="$place/tmp" LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 "$@"
}
mkdir "$place/home" "$place/tmp" "$place/tree"
(cd "$tree" && tar -c --exclude=./.git --exclude=./.venv --exclude=./build --exclude='*.egg-info' .) | tar -x -C "$place/tree"
chown -R 65534:65534 "$place"
chmod 755 "$place"
for python in "$1" /usr/bin/python3; do
    if as_nobody "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        as_nobody make -s -C "$place/tree" test PYTHON="$python"
        exit
    fi
done
echo "no Python of at least 3.11, with venv, that an ordinary user can run" >&2
exit 1
