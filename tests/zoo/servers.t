#!/bin/sh
# SPDX-License-Identifier: MIT
# redis-server (jemalloc), nginx with workers, memcached: under a little load, dumped, then ended by a signal.
. "${0%/*}/../lib/zoo.sh"
need redis-server redis-cli nginx memcached curl

# up COMMAND...: traced, in the background
up()
{
	rm -f "$T"/json*
	start "$HT" --format=json --outfile="$T/json" "$@"
}
# The document of the first process, and its children's.
all() { jq -s '{processes: [.[].processes[]]}' "$T"/json* >"$T/all.json"; }

port=$((20000 + $$ % 20000))
up redis-server --port $port --save '' --appendonly no --dir "$T"
wait_until 30 redis-cli -p $port ping || bail "redis came up" "$(cat bg.out bg.err)"
redis-cli -p $port ping | grep -q PONG
ok $? "redis answers"
i=0
while [ $i -lt 2000 ]; do echo "set key$i $(printf '%0200d' $i)"; i=$((i + 1)); done | redis-cli -p $port >/dev/null
is "$(redis-cli -p $port dbsize)" 2000 "redis holds 2,000 keys"
program=$(children "$pid" | tr -d ' ')
ht dump --format=json "$program"
at_least "$(jq '[.processes[].totals.live_bytes] | add' out)" 400000 "redis: a dump while it runs"
kill -USR1 "$pid"
redis-cli -p $port get key7 | grep -q 7
ok $? "redis answers after the dump"
kill -TERM "$pid"
wait "$pid"
is "$?" 0 "redis: SIGTERM to the launcher ends it in order"
at_least "$(json '.processes[0].totals.allocations')" 4000 "redis: counted over jemalloc"
is "$(json '[.processes[].unseen | .table_full + .corrupt_records] | add')" 0 "redis: nothing lost"

mkdir -p html logs
echo hello >html/index.html
cat >nginx.conf <<N
daemon off;
master_process on;
worker_processes 2;
pid $T/nginx.pid;
error_log $T/logs/error.log;
events { worker_connections 64; }
http {
	access_log off;
	client_body_temp_path $T/body; proxy_temp_path $T/proxy; fastcgi_temp_path $T/fcgi; uwsgi_temp_path $T/uwsgi; scgi_temp_path $T/scgi;
	server { listen 127.0.0.1:$((port + 1)); root $T/html; }
}
N
up nginx -p "$T" -c "$T/nginx.conf"
wait_until 30 curl -s "http://127.0.0.1:$((port + 1))/" || bail "nginx came up" "$(cat bg.err logs/error.log)"
is "$(for _ in 1 2 3 4 5 6 7 8; do curl -s "http://127.0.0.1:$((port + 1))/"; done | sort | uniq -c | tr -s ' ')" " 8 hello" "nginx serves"
kill -HUP "$pid"
wait_until 30 grep -q 'hello' html/index.html
is "$(curl -s "http://127.0.0.1:$((port + 1))/")" hello "nginx serves after SIGHUP through the launcher"
kill -QUIT "$pid"
wait "$pid"
is "$?" 0 "nginx: SIGQUIT to the launcher ends it in order"
all
at_least "$(json '.processes | length' all.json)" 3 "nginx: master and workers have reports"
is "$(json '[.processes[].unseen | .table_full + .corrupt_records] | add' all.json)" 0 "nginx: nothing lost"

user=
[ "$(id -u)" -ne 0 ] || user="-u nobody"
# shellcheck disable=SC2086
up memcached $user -l 127.0.0.1 -p $((port + 2)) -t 4
memcached_get() { printf 'set k 0 0 5\r\nhello\r\nget k\r\nquit\r\n' | perl -MIO::Socket -e 'my $s = IO::Socket::INET->new(shift) or exit 1; print $s <STDIN>; print while <$s>' "127.0.0.1:$((port + 2))"; }
wait_until 30 memcached_get || bail "memcached came up" "$(cat bg.err)"
like "$(memcached_get)" hello "memcached answers"
kill -TERM "$pid"
wait "$pid"
memcached_status=$?
# shellcheck disable=SC2086
memcached $user -l 127.0.0.1 -p $((port + 2)) -t 4 >/dev/null 2>&1 &
plain=$!
reap_later $plain
wait_until 30 memcached_get
kill -TERM $plain
wait $plain
is "$memcached_status" "$?" "memcached: SIGTERM ends it as without us"
at_least "$(json '.processes[0].totals.allocations')" 100 "memcached: counted"
done_testing
