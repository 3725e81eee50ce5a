// SPDX-License-Identifier: MIT
// The example of ESP-IDF's documentation, as it stands but for app_main(), which a program on Linux calls itself.
// Build: -Iinclude/heaptrace
#include "esp_heap_trace.h"

#define NUM_RECORDS 100
static heap_trace_record_t trace_record[NUM_RECORDS]; // This buffer must be in internal RAM

__attribute__((noinline)) static void leak_some_memory(void)
{
	void *volatile a = malloc(32);
	void *volatile b = malloc(8);

	(void)a;
	(void)b;
}

static void do_something_you_suspect_is_leaking(void)
{
	leak_some_memory();
	free(malloc(100));
}

static void some_function(void)
{
	ESP_ERROR_CHECK( heap_trace_start(HEAP_TRACE_LEAKS) );

	do_something_you_suspect_is_leaking();

	ESP_ERROR_CHECK( heap_trace_stop() );
	heap_trace_dump();
}

void app_main(void)
{
	ESP_ERROR_CHECK( heap_trace_init_standalone(trace_record, NUM_RECORDS) );
	some_function();
}

int main(void)
{
	app_main();
	return 0;
}
