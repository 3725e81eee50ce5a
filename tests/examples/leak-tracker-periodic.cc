// SPDX-License-Identifier: MIT

/*
 * A leak check every now and then, from a thread of its own, while the others work. Each round of work leaves 100 bytes.
 *
 *	c++ -g -pthread -I/usr/local/include/heaptrace -o leak-tracker-periodic leak-tracker-periodic.cc
 *	heaptrace ./leak-tracker-periodic 2
 *
 * The argument is the number of checks. Times are shorter than a real program's: hundredths instead of seconds.
 */

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <unistd.h>

#include "memory_tracker.hpp"

#define ESP_LOGI(tag, text) fprintf(stderr, "I (%s) %s\n", tag, text)
#define pdMS_TO_TICKS(ms) (ms)
#define vTaskDelay(ticks) usleep((ticks) * 10)

static const char *TAG = "monitor";
static int checks;
static std::atomic<bool> done;

void monitor_task(void *param) {
    while (checks-- > 0) {
        ESP_LOGI(TAG, "Starting leak check cycle");
        leak_tracker_start(2000, 2000);

        // Let system run for a while
        vTaskDelay(pdMS_TO_TICKS(30000));  // 30 seconds

        ESP_LOGI(TAG, "Leak check results:");
        leak_tracker_end();

        // Wait between checks
        vTaskDelay(pdMS_TO_TICKS(60000));  // 1 minute
    }
}

static char *volatile lost;

static void work()
{
	while (!done) {
		char *kept = static_cast<char *>(malloc(200));
		lost = static_cast<char *>(malloc(100));
		usleep(20000);
		free(kept);
	}
}

int main(int argc, char **argv)
{
	checks = argc > 1 ? atoi(argv[1]) : 1;
	std::thread worker(work);
	monitor_task(nullptr);
	done = true;
	worker.join();
	return 0;
}
