#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Install what is missing (Debian, Ubuntu), as root or through sudo:
#	install-deps.sh           to build and run heaptrace
#	install-deps.sh --test    and for make check and make lint
#	install-deps.sh --full    and for make check-full: the real programs
# What is there already is left alone; with nothing missing no package list is fetched.

set -eu

packages="gcc make libc6-dev libelf-dev libiberty-dev zlib1g-dev libncurses-dev libunwind-dev binutils"
test_packages="g++ perl jq python3 git util-linux bsdutils strace valgrind mandoc shellcheck codespell
	libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0 google-perftools file procps lua5.4 liblua5.4-dev dwz xz-utils"
full_packages="sqlite3 libxml2-utils nodejs default-jdk-headless php-cli ruby redis-server redis-tools nginx-light memcached
	bash bash-completion zsh fish dash vim tmux curl clang chromium
	golang-go libjemalloc-dev libdevel-nytprof-perl python3-jsonschema npm musl-tools"

case ${1:-} in
'') ;;
--test) packages="$packages $test_packages";;
--full) packages="$packages $test_packages $full_packages";;
*) sed -n '3,8s/^# \{0,1\}//p' "$0" >&2; exit 2;;
esac

# What a package brings may have come by another way: then its command or file speaks for it.
is_there()
{
	case $1 in
	libc6-dev) file=/usr/include/stdlib.h;;
	libelf-dev) file=/usr/include/libelf.h;;
	libiberty-dev) file=/usr/include/libiberty/demangle.h;;
	zlib1g-dev) file=/usr/include/zlib.h;;
	libncurses-dev) file=/usr/include/curses.h;;
	libunwind-dev) file=$(find /usr/include -name libunwind.h | head -n 1);;
	libjemalloc2) file=$(find /usr/lib -name libjemalloc.so.2 | head -n 1);;
	libtcmalloc-minimal4) file=$(find /usr/lib -name libtcmalloc_minimal.so.4 | head -n 1);;
	libmimalloc2.0) file=$(find /usr/lib -name 'libmimalloc.so.2*' | head -n 1);;
	binutils) file=$(command -v addr2line);;
	bsdutils) file=$(command -v script);;
	util-linux) file=$(command -v unshare);;
	procps) file=$(command -v ps);;
	xz-utils) file=$(command -v xz);;
	google-perftools) file=$(command -v google-pprof);;
	liblua5.4-dev) file=/usr/include/lua5.4/lua.h;;
	bash-completion) file=/usr/share/bash-completion/bash_completion;;
	libxml2-utils) file=$(command -v xmllint);;
	nodejs) file=$(command -v node);;
	default-jdk-headless) file=$(command -v javac);;
	php-cli) file=$(command -v php);;
	golang-go) file=$(command -v go);;
	libjemalloc-dev) file=$(command -v jeprof);;
	libdevel-nytprof-perl) file=/usr/share/perl5/Devel/NYTProf/flamegraph.pl;;
	python3-jsonschema) file=/usr/lib/python3/dist-packages/jsonschema;;
	redis-tools) file=$(command -v redis-cli);;
	nginx-light) file=$(PATH=$PATH:/usr/sbin command -v nginx);;
	*) file=$(command -v "$1");;
	esac
	[ -e "${file:-}" ]
}

missing=
for package in $packages; do
	is_there "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "install-deps.sh: no apt-get here; please install by other means:$missing" >&2
	exit 1
fi
as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: neither root nor sudo; please have these packages installed:$missing" >&2
		exit 1
	fi
	as_root=sudo
fi
echo "installing:$missing"
$as_root apt-get update -qq
# Words on purpose.
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
