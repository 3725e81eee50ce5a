// SPDX-License-Identifier: MIT

/*
 * Which memory does a connection leave behind? Tracked from the third one on, because the first ones fill caches.
 *
 *	c++ -g -I/usr/local/include/heaptrace -o leak-tracker-connection leak-tracker-connection.cc
 *	heaptrace ./leak-tracker-connection
 *
 * The session of each connection, 84 bytes, is never deleted. On an ESP32 the same code runs with ESP-IDF's ESP_LOGI and
 * vTaskDelay in place of those here.
 */

#include <cstdio>
#include <string>
#include <unistd.h>

#include "memory_tracker.hpp"

#define ESP_LOGI(tag, text) fprintf(stderr, "I (%s) %s\n", tag, text)
#define pdMS_TO_TICKS(ms) (ms)
#define vTaskDelay(ticks) usleep((ticks) * 1000)

using std::string;

static const char *TAG = "app";

struct Session {
	char state[84];
};
static Session *session;
static string *peer;

// In your connection handler
static int connection_count = 0;

void onNewConnection(string client_id) {
    connection_count++;

    // Start tracking on 3rd connection to measure accumulation
    if (connection_count == 3) {
        ESP_LOGI(TAG, "Starting leak tracking (connection #3)");
        leak_tracker_start(3000, 3000);
    }

    // ... create peer connection, etc ...
    session = new Session();
    peer = new string(client_id + " is a peer with a long name");
}

void onConnectionClosed(string client_id) {
    // ... cleanup code ...
    session = nullptr;
    delete peer;

    // Stop tracking after 3rd connection cleanup
    if (connection_count == 3) {
        // Wait for async cleanup
        vTaskDelay(pdMS_TO_TICKS(500));

        ESP_LOGI(TAG, "Stopping leak tracker");
        leak_tracker_end();
    }
}

int main()
{
	for (int i = 0; i < 4; i++) {
		onNewConnection("client");
		onConnectionClosed("client");
	}
	return 0;
}
