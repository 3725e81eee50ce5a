// SPDX-License-Identifier: MIT
// thread_local and pthread_key destructors allocate, in a second thread and at the end of main.
// Expect: counter
// Own: Local::Local() 2 600 0 0
// Own: Local::~Local() 2 800 2 800
// Own: key_destructor(void*) 1 50 1 50
#include <pthread.h>
#include <cstdlib>

struct Local {
	void *p;
	Local() : p(malloc(300)) {}
	~Local() { free(p); if (!malloc(400)) abort(); }
	void touch() {}
};
static thread_local Local local;
static pthread_key_t key;
static void key_destructor(void *) { if (!malloc(50)) abort(); }

static void *run(void *)
{
	local.touch();
	pthread_setspecific(key, &key);
	return nullptr;
}

int main()
{
	pthread_t thread;

	pthread_key_create(&key, key_destructor);
	local.touch();
	if (pthread_create(&thread, nullptr, run, nullptr) || pthread_join(thread, nullptr))
		abort();
}
