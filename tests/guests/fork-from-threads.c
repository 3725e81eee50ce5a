// SPDX-License-Identifier: MIT
// Two threads allocate and free all the time while main forks 50 children; each leaks 2 blocks of 30 bytes and has a
// thread of its own that leaks a third. (A child's thread costs one block of the C library, kept with its stack.)
// Expect: counter
// Children: 50 inherited=0
// Own: child 100 3000 100 3000
// Own: child_thread 50 1500 50 1500
// Counter: no the number of rounds differs
#include "guest.h"

static int stop;

static void *churn(void *unused)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		void *p = malloc(100), *q = calloc(3, 33);
		free(p);
		free(realloc(q, 500));
	}
	return NULL;
}

static void *child_thread(void *unused) { leak(1, 30); return NULL; }

static void child(void)
{
	pthread_t own;

	leak(2, 30);
	check(pthread_create(&own, NULL, child_thread, NULL) == 0 && pthread_join(own, NULL) == 0);
	_exit(17);
}

int main(void)
{
	pthread_t threads[2];
	int status;

	for (int i = 0; i < 2; i++)
		check(pthread_create(&threads[i], NULL, churn, NULL) == 0);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();
		if (pid == 0)
			child();
		check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 17);
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		check(pthread_join(threads[i], NULL) == 0);
	return 0;
}
