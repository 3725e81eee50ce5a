// SPDX-License-Identifier: MIT
// Every function of heap_trace, in a program that is not traced: it runs, and each says that it is not supported.
#include "esp_heap_trace.h"

static heap_trace_record_t recs[4];
static heap_trace_summary_t summary;
static heap_trace_summary_ex_t more;

static void failed(size_t size, uint32_t caps, const char *name)
{
	(void)size;
	(void)caps;
	(void)name;
}

int main(void)
{
	heap_trace_record_t r;

	printf("init %x\n", (unsigned)heap_trace_init_standalone(recs, 4));
	printf("auto %x\n", (unsigned)heap_trace_init_auto(4, HEAP_TRACE_GROW));
	printf("tohost %x\n", (unsigned)heap_trace_init_tohost());
	printf("tohost_to %x\n", (unsigned)heap_trace_init_tohost_to("x"));
	printf("start %x\n", (unsigned)heap_trace_start(HEAP_TRACE_LEAKS));
	free(malloc(10));
	printf("pause %x\n", (unsigned)heap_trace_alloc_pause());
	printf("resume %x\n", (unsigned)heap_trace_resume());
	printf("stop %x\n", (unsigned)heap_trace_stop());
	printf("count %u\n", (unsigned)heap_trace_get_count());
	printf("get %x\n", (unsigned)heap_trace_get(0, &r));
	printf("summary %x\n", (unsigned)heap_trace_summary(&summary));
	printf("more %x\n", (unsigned)heap_trace_summary_ex(&more));
	printf("callback %x\n", (unsigned)heap_caps_register_failed_alloc_callback(failed));
	printf("mark %u\n", (unsigned)heap_trace_mark());
	printf("fd %x\n", (unsigned)heap_trace_dump_fd(1, 0));
	heap_trace_dump();
	heap_trace_dump_caps(MALLOC_CAP_INTERNAL);
	heap_trace_dump_since(0);
	printf("name %s\n", esp_err_to_name(heap_trace_stop()));
	return 0;
}
