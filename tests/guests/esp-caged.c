// SPDX-License-Identifier: MIT
// heap_trace goes on in a strict seccomp cage, where nothing but reading and writing is left.
// Build: -Iinclude/heaptrace
#include "esp.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>

int main(void)
{
	heap_trace_record_t r;

	check(heap_trace_init_auto(1000, HEAP_TRACE_GROW) == ESP_OK && heap_trace_start(HEAP_TRACE_LEAKS) == ESP_OK);
	void *before = block(10);

	fflush(stdout);
	check(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0));
	void *p = block(20);

	for (int i = 0; i < 5000; i++)
		free(block(30));
	free(before);
	if (heap_trace_get_count() != 1 || heap_trace_get(0, &r) || r.address != p || r.size != 20)
		put("wrong\n");
	for (int i = 0; i < 3; i++)
		heap_trace_dump();
	if (heap_trace_stop() == ESP_OK)
		put("stopped\n");
	syscall(SYS_exit, 0);
}
