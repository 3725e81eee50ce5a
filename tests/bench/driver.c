// SPDX-License-Identifier: MIT

/*
 * What the bench measures: a program that does nothing but allocate, from backtraces of a known shape.
 *
 *	driver MODE [-d DEPTH] [-t THREADS] [-n PAIRS] [-p PATHS] [-l LIVE] [-w WARM-UP]
 *
 *	dfs    a depth-first walk through a tree of calls, a malloc+free pair at each leaf: about 3 frames change
 *	       between two allocations, as in real programs
 *	flat   each pair comes back from the root by another path: nearly all frames change, the worst case
 *	leaf   the same, with 16 pairs at the end of each path
 *	churn  dfs, but each leaf frees one of LIVE blocks at random and puts a new one in its place
 *	cross  dfs, but blocks go through a ring to the next thread, which frees them
 *	many   THREADS threads that each use PATHS backtraces, all alive at the end: memory of the counters
 *	long   churn; prints resident memory ten times: it must not grow
 *
 * Chains of calls are DEPTH functions deep, with about 7 frames outside and one function around malloc inside. One
 * function in 8 uses alloca. Sizes are 16 to 512 bytes. Time is the CPU time of the threads, after a warm-up, by pair.
 */

#include <alloca.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))
#define RING 4096u
#define FUNCTIONS 64u
#define MAX_DEPTH 200u
#define LEAF_PAIRS 16u

enum mode { MODE_DFS, MODE_FLAT, MODE_LEAF, MODE_CHURN, MODE_CROSS, MODE_MANY, MODE_LONG, MODES };

static const char *const mode_names[MODES] = {"dfs", "flat", "leaf", "churn", "cross", "many", "long"};

struct worker;
struct node;
typedef void function(struct worker *worker, const struct node *node);

/** A call: of which function, and what it calls in turn. */
struct node {
	function *run;
	const struct node *children;
	uint32_t count; /* of children, 0: allocate */
	uint32_t room;  /* bytes of alloca */
};

/** Blocks on their way from one thread to the next: one writes, one reads. */
struct ring {
	_Alignas(64) size_t head; /* [atomic] */
	_Alignas(64) size_t tail; /* [atomic] */
	bool closed; /* [atomic] nobody reads any more */
	void *blocks[RING];
};

struct worker {
	pthread_t thread;
	uint64_t random;
	uint64_t pairs; /* done */
	uint64_t kept;  /* cross: blocks that found no room in the ring */
	uint64_t rounds, warm_rounds;
	double ns; /* CPU time */
	void **live;
	struct ring *in, *out;
	bool patient; /* waits for room in the ring */
};

static enum mode mode;
static uint64_t depth = 15, threads = 1, pairs, paths = 1000, live = 1000000, warm_up;
static struct node tree;
static const struct node **flat_paths; /* roots of chains */
static uint64_t leaves;
static pthread_barrier_t barrier;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* What programs call xmalloc. */
static NOINLINE void *new_block(uint64_t size)
{
	char *block = malloc(size);

	if (!block)
		abort();
	*block = 1;
	return block;
}

static uint64_t next_size(struct worker *worker)
{
	return 16 + (next_random(&worker->random) >> 32) * 497 / (1ull << 32);
}

static void drain(struct ring *ring)
{
	size_t tail = ring->tail, head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

	for (; tail != head; tail++)
		free(ring->blocks[tail % RING]);
	__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
}

/*
 * One block out, one block in. When the ring is full, the next thread is waiting for its turn on a processor: sleep, for
 * that costs no CPU time; or it is done.
 */
static void pass_on(struct worker *worker, void *block)
{
	struct ring *in = worker->in, *out = worker->out;
	size_t tail;

	while (out->head - __atomic_load_n(&out->tail, __ATOMIC_ACQUIRE) == RING) {
		drain(in);
		if (!worker->patient || __atomic_load_n(&out->closed, __ATOMIC_RELAXED)) {
			free(block);
			worker->kept++;
			return;
		}
		if (in != out)
			usleep(50);
	}
	out->blocks[out->head % RING] = block;
	__atomic_store_n(&out->head, out->head + 1, __ATOMIC_RELEASE);
	tail = in->tail;
	if (tail != __atomic_load_n(&in->head, __ATOMIC_ACQUIRE)) {
		free(in->blocks[tail % RING]);
		__atomic_store_n(&in->tail, tail + 1, __ATOMIC_RELEASE);
	}
}

static inline __attribute__((always_inline)) void allocate(struct worker *worker)
{
	uint64_t size = next_size(worker), times = mode == MODE_LEAF ? LEAF_PAIRS : 1;

	worker->pairs += times;
	if (worker->live) {
		void **place = &worker->live[(next_random(&worker->random) >> 32) * live >> 32];

		free(*place);
		*place = new_block(size);
	} else if (worker->out) {
		pass_on(worker, new_block(size));
	} else {
		for (uint64_t i = 0; i < times; i++)
			free(new_block(size));
	}
}

/* Children in either order, so that nobody learns the way by heart. */
static inline __attribute__((always_inline)) void call_children(struct worker *worker, const struct node *node)
{
	uint32_t turn = node->count == 2 ? worker->random >> 20 & 1 : 0;

	for (uint32_t i = 0; i < node->count; i++) {
		const struct node *child = &node->children[i ^ turn];

		child->run(worker, child);
	}
	if (!node->count)
		allocate(worker);
}

#define KEEP(pointer) __asm__ volatile("" ::"r"(pointer) : "memory")

#define PLAIN(n)                                                                      \
	static NOINLINE void call##n(struct worker *worker, const struct node *node) \
	{                                                                             \
		char frame[8 + 16 * (0##n % 7)];                                      \
									              \
		frame[0] = 0##n;                                                      \
		KEEP(frame);                                                          \
		call_children(worker, node);                                          \
		KEEP(frame);                                                          \
	}

#define ALLOCA(n)                                                                     \
	static NOINLINE void call##n(struct worker *worker, const struct node *node) \
	{                                                                             \
		char *room = alloca(node->room);                                      \
									              \
		room[0] = 0##n;                                                       \
		KEEP(room);                                                           \
		call_children(worker, node);                                          \
		KEEP(room);                                                           \
	}

#define EIGHT(n) PLAIN(n##0) PLAIN(n##1) PLAIN(n##2) ALLOCA(n##3) PLAIN(n##4) PLAIN(n##5) PLAIN(n##6) PLAIN(n##7)
#define NAMES(n) call##n##0, call##n##1, call##n##2, call##n##3, call##n##4, call##n##5, call##n##6, call##n##7

EIGHT(0)
EIGHT(1)
EIGHT(2)
EIGHT(3)
EIGHT(4)
EIGHT(5)
EIGHT(6)
EIGHT(7)

static function *const functions[FUNCTIONS] = {NAMES(0), NAMES(1), NAMES(2), NAMES(3),
					       NAMES(4), NAMES(5), NAMES(6), NAMES(7)};

static void *clear(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory) {
		perror("driver");
		exit(1);
	}
	return memory;
}

static void choose(struct node *node, uint64_t *random)
{
	node->run = functions[(next_random(random) >> 32) % FUNCTIONS];
	node->room = 16 + (uint32_t)(next_random(random) >> 32) % 100;
}

/* Levels below a node branch in two as long as they must, which is below; where they are few, those above in more. */
static uint32_t branches(uint64_t level, uint64_t *wanted)
{
	uint64_t left = depth - level, count = 2, product;

	if (*wanted <= 1)
		return 1;
	for (; level >= 2 && count < *wanted; count++) {
		product = 1;
		for (uint64_t i = 0; i < left && product < *wanted; i++)
			product *= count;
		if (product >= *wanted)
			break;
	}
	*wanted = (*wanted + count - 1) / count;
	return (uint32_t)count;
}

/* @param counts  by level: children of a node there */
static void grow(struct node *node, const uint32_t *counts, uint64_t level, uint64_t *random)
{
	struct node *children;

	choose(node, random);
	if (level + 1 == depth) {
		leaves++;
		return;
	}
	node->count = counts[level];
	node->children = children = clear(node->count, sizeof(*children));
	for (uint32_t i = 0; i < node->count; i++) {
		if (leaves == paths)
			node->count = i;
		else
			grow(&children[i], counts, level + 1, random);
		/* Sisters are different functions. */
		while (i && i < node->count && children[i].run == children[i - 1].run)
			choose(&children[i], random);
	}
}

/* All paths start at the root, which the callers call. */
static void plant(void)
{
	uint32_t counts[MAX_DEPTH] = {0};
	uint64_t random = 88172645463325252ull, wanted = paths;

	for (uint64_t above = 0; above + 1 < depth; above++)
		counts[depth - 2 - above] = branches(above + 1, &wanted);
	grow(&tree, counts, 0, &random);
	flat_paths = clear(paths, sizeof(*flat_paths));
	for (uint64_t i = 0; i < paths; i++) {
		struct node *chain = clear(depth, sizeof(*chain));

		for (uint64_t level = 0; level < depth; level++) {
			choose(&chain[level], &random);
			chain[level].children = &chain[level + 1];
			chain[level].count = level + 1 < depth;
		}
		flat_paths[i] = chain;
	}
}

static NOINLINE void one_round(struct worker *worker)
{
	const struct node *root = &tree;

	if (mode == MODE_FLAT || mode == MODE_LEAF)
		root = flat_paths[(next_random(&worker->random) >> 32) * paths >> 32];
	root->run(worker, root);
	KEEP(root);
}

static NOINLINE void rounds(struct worker *worker, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		one_round(worker);
	KEEP(worker);
}

static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static long resident_kib(const char *what)
{
	char line[128];
	long kib = 0;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, what, strlen(what)))
			kib = strtol(line + strlen(what) + 1, NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

static void watch_memory(struct worker *worker)
{
	for (unsigned tenth = 1; tenth <= 10; tenth++) {
		rounds(worker, worker->rounds / 10);
		printf("mode=long events=%llu rss_kib=%ld\n", (unsigned long long)(2 * worker->pairs), resident_kib("VmRSS"));
		fflush(stdout);
	}
}

static NOINLINE void *work(void *argument)
{
	struct worker *worker = argument;
	double start;

	if (mode == MODE_CHURN || mode == MODE_LONG) {
		worker->live = clear(live, sizeof(*worker->live));
		for (uint64_t i = 0; i < live; i++)
			worker->live[i] = new_block(next_size(worker));
	}
	pthread_barrier_wait(&barrier);
	rounds(worker, worker->warm_rounds);
	pthread_barrier_wait(&barrier);
	worker->pairs = worker->kept = 0;
	worker->patient = true;
	start = cpu_ns();
	if (mode == MODE_LONG)
		watch_memory(worker);
	else
		rounds(worker, worker->rounds);
	worker->ns = cpu_ns() - start;
	if (worker->in)
		__atomic_store_n(&worker->in->closed, true, __ATOMIC_RELAXED);
	pthread_barrier_wait(&barrier);
	/* All threads are alive until memory was looked at. */
	pthread_barrier_wait(&barrier);
	return NULL;
}

static uint64_t number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || value < 0 || value > 1e15) {
		fprintf(stderr, "driver: not a number: %s\n", text);
		exit(2);
	}
	return (uint64_t)value;
}

static void parse(int argc, char **argv)
{
	int option;
	bool chosen = false;

	while ((option = getopt(argc, argv, "d:t:n:p:l:w:")) != -1) {
		switch (option) {
		case 'd': depth = number(optarg); break;
		case 't': threads = number(optarg); break;
		case 'n': pairs = number(optarg); break;
		case 'p': paths = number(optarg); break;
		case 'l': live = number(optarg); break;
		case 'w': warm_up = number(optarg); break;
		default: exit(2);
		}
	}
	for (unsigned i = 0; optind < argc && i < MODES; i++) {
		if (!strcmp(argv[optind], mode_names[i])) {
			mode = (enum mode)i;
			chosen = true;
		}
	}
	if (!chosen || !depth || depth > MAX_DEPTH || !threads || threads > 1000 || !paths || !live) {
		fputs("usage: driver dfs|flat|leaf|churn|cross|many|long [-d DEPTH] [-t THREADS] [-n PAIRS] [-p PATHS]"
		      " [-l LIVE] [-w WARM-UP]\n", stderr);
		exit(2);
	}
	if (!pairs)
		pairs = mode == MODE_MANY ? paths : mode == MODE_CHURN ? 2000000 : 3000000;
	if (!warm_up)
		warm_up = pairs / 10;
}

static struct worker *hire(void)
{
	struct worker *workers = clear(threads, sizeof(*workers));
	struct ring *rings = mode == MODE_CROSS ? aligned_alloc(64, threads * sizeof(*rings)) : NULL;
	uint64_t by_round = mode == MODE_FLAT ? 1 : mode == MODE_LEAF ? LEAF_PAIRS : leaves;

	if (rings)
		memset(rings, 0, threads * sizeof(*rings));
	for (uint64_t i = 0; i < threads; i++) {
		struct worker *worker = &workers[i];

		worker->random = 0x9e3779b97f4a7c15ull * (i + 1);
		worker->rounds = (pairs + by_round - 1) / by_round;
		worker->warm_rounds = mode == MODE_MANY ? 0 : (warm_up + by_round - 1) / by_round;
		if (rings) {
			worker->in = &rings[i];
			worker->out = &rings[(i + 1) % threads];
		}
	}
	return workers;
}

static void report(const struct worker *workers, long rss, long before)
{
	double ns = 0;
	uint64_t done = 0, kept = 0;

	for (uint64_t i = 0; i < threads; i++) {
		ns += workers[i].ns;
		done += workers[i].pairs;
		kept += workers[i].kept;
	}
	printf("mode=%s depth=%llu threads=%llu paths=%llu pairs=%llu kept=%llu ns_per_pair=%.2f rss_kib=%ld rss_before_kib=%ld\n",
	       mode_names[mode], (unsigned long long)depth, (unsigned long long)threads,
	       (unsigned long long)(mode == MODE_FLAT || mode == MODE_LEAF ? paths : leaves), (unsigned long long)done,
	       (unsigned long long)kept, ns / (double)done, rss, before);
}

int main(int argc, char **argv)
{
	struct worker *workers;
	long rss, before;

	parse(argc, argv);
	plant();
	workers = hire();
	before = resident_kib("VmRSS");
	if (threads == 1) {
		pthread_barrier_init(&barrier, NULL, 1);
		work(workers);
		rss = resident_kib("VmRSS");
	} else {
		pthread_attr_t attributes;

		pthread_barrier_init(&barrier, NULL, (unsigned)threads + 1);
		pthread_attr_init(&attributes);
		pthread_attr_setstacksize(&attributes, 256 * 1024);
		for (uint64_t i = 0; i < threads; i++) {
			if (pthread_create(&workers[i].thread, &attributes, work, &workers[i])) {
				fputs("driver: no thread\n", stderr);
				return 1;
			}
		}
		for (unsigned i = 0; i < 3; i++)
			pthread_barrier_wait(&barrier);
		rss = resident_kib("VmRSS");
		pthread_barrier_wait(&barrier);
		for (uint64_t i = 0; i < threads; i++)
			pthread_join(workers[i].thread, NULL);
	}
	report(workers, rss, before);
	return 0;
}
