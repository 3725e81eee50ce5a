#!/bin/sh
# SPDX-License-Identifier: MIT
# Dumps through the launcher and by `heaptrace dump` never interrupt the program: no EINTR that would not have been.
. "${0%/*}/../lib/tap.sh"
cd "$T" || exit 1

cat >wait.c <<'C'
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#define TRY(call) do { if ((call) < 0) { write(1, #call "\n", sizeof(#call)); return 9; } free(malloc(10)); } while (0)
int main(void)
{
	struct timespec some = {0, 3000000};
	struct epoll_event event;
	struct pollfd fd = {0, POLLIN, 0};
	int epoll = epoll_create1(0), n = 0;
	char c;
	if (!malloc(77)) return 8;
	write(1, "ready\n", 6);
	while (!(fd.revents & (POLLIN | POLLHUP))) {
		TRY(poll(&fd, 1, 3));
		TRY(epoll_wait(epoll, &event, 1, 3));
		TRY(nanosleep(&some, NULL));
		TRY(usleep(2000));
		if (++n == 20) write(1, "going\n", 6);
	}
	TRY(read(0, &c, 1));
	return 0;
}
C
${CC:-gcc} -fno-builtin -w -o wait wait.c || bail "compiled"
serve --outfile=report ./wait
wait_until 20 file_has bg.out going || bail "it goes on"
i=0
while [ $i -lt 50 ]; do
	kill -USR1 $pid
	kill -USR2 $pid
	[ $((i % 10)) -ne 0 ] || "$HT" dump --format=json "$program" >dump.$i
	i=$((i + 1))
done
exec 9>&-
wait $pid
is "$?:$(cat bg.out)" "0:ready
going" "no system call failed"
is "$(cat dump.* | jq -s '[.[].processes[].totals | .live_blocks == .allocations - .frees] | all')" true "each dump is consistent"
like "$(cat report)" 'USR1' "and dumps were made"
done_testing
