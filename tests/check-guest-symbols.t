#!/bin/sh
# SPDX-License-Identifier: MIT
# What lives in a stranger's process calls only what tests/guest-symbols.allowed lists, and exports only what
# src/libheaptrace.map says.
export TAP_SOURCE="${0%/*}/.."
# shellcheck source=tests/lib/tap.sh
. "${0%/*}/lib/tap.sh"
cd "$SOURCE" || exit 1

library=$BUILD/libheaptrace.so
sed 's/#.*//; s/[[:space:]]*$//; /^$/d' tests/guest-symbols.allowed | sort >"$T/allowed"
nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $2); print $NF }' | sed 's/@.*//' | sort -u >"$T/used"
[ -s "$T/used" ]
ok $? "the library uses something of libc" || diag "$(nm -D "$library" 2>&1 | head)"
is "$(comm -23 "$T/used" "$T/allowed")" "" "undefined symbols are allowed ones"
forbidden=$(grep -x -e 'v\{0,1\}[fsdn]*printf.*' -e 'f\{0,1\}open' -e 'fdopen' -e 'puts' -e 'pthread_mutex_.*' -e 'pthread_rwlock_.*' -e 'mallinfo' \
	-e 'getenv' -e 'syslog' -e 'exit' -e 'sigprocmask' -e 'pthread_sigmask' -e 'dl_iterate_phdr_.*' -e 'backtrace.*' -e '__tls_get_addr' "$T/allowed")
is "$forbidden" "" "and the list allows nothing forbidden"
is "$(nm -D --defined-only "$library" | awk '$2 ~ /[TWDBRVi]/ { sub(/@.*/, "", $3); print $3 }' | sort -u | grep -v '^HEAPTRACE')" \
	"$(sed -n '/global:/,/local:/p' src/libheaptrace.map | sed 's,/\*.*\*/,,; s/\(global\|local\)://' | tr -d ' \t' | tr ';' '\n' | sed '/^$/d; /^[{}*]/d' | sort -u)" \
	"exported symbols are those of the map"
is "$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -v '^ld-linux')" libc.so.6 "links libc only"
is "$(readelf -lW "$library" | grep -c '^  TLS')" 0 "no thread-local segment"
is "$(readelf -dW "$library" | grep -c TEXTREL)" 0 "no text relocations"
is "$(readelf -lW "$library" | grep GNU_STACK | grep -c RWE)" 0 "no executable stack"
done_testing
