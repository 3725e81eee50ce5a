// SPDX-License-Identifier: MIT
//
// A server in small, for hours: four threads take requests from a queue, build strings and maps, hand some of what they
// made to a neighbour that frees it, throw now and then, and start short-lived threads. SIGTERM ends it; then it says how
// many requests there were, how many were answered, and the sum over all answers beside the one expected.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::atomic<bool> ending;
static std::atomic<unsigned long> answered, sum;
static std::mutex lock;
static std::condition_variable filled;
static std::deque<unsigned long> queue;
static std::deque<std::unique_ptr<std::map<std::string, std::vector<int>>>> parcels;

static void on_term(int)
{
	ending = true;
}

static unsigned long count_words(unsigned long request)
{
	auto words = std::make_unique<std::map<std::string, std::vector<int>>>();
	unsigned long count = 0;

	for (unsigned long i = 0; i < 20; i++)
		(*words)["a word that is too long for the string itself " + std::to_string((request + i) % 13)].push_back((int)i);
	for (auto &word : *words)
		count += word.second.size();
	if (request % 16 == 0)
		throw std::runtime_error(std::to_string(count));
	std::lock_guard<std::mutex> guard(lock);
	parcels.push_back(std::move(words));
	if (parcels.size() > 64)
		parcels.pop_front();
	return count;
}

static void answer(unsigned long request)
{
	try {
		sum += count_words(request);
	} catch (const std::runtime_error &error) {
		sum += std::stoul(error.what());
	}
	if (request % 512 == 0)
		std::thread([] { std::string("a thread that lives for one string only").append(100, 'x'); }).join();
	answered++;
}

static void work()
{
	for (;;) {
		std::unique_lock<std::mutex> guard(lock);
		filled.wait(guard, [] { return !queue.empty(); });
		unsigned long request = queue.front();
		queue.pop_front();
		guard.unlock();
		if (!request)
			return;
		answer(request);
	}
}

static void put(unsigned long request)
{
	{
		std::lock_guard<std::mutex> guard(lock);
		queue.push_back(request);
	}
	filled.notify_one();
}

int main()
{
	std::vector<std::thread> threads;
	unsigned long requests = 0;

	signal(SIGTERM, on_term);
	for (int i = 0; i < 4; i++)
		threads.emplace_back(work);
	puts("ready");
	fflush(stdout);
	while (!ending) {
		for (int i = 0; i < 100 && requests - answered < 1000; i++)
			put(++requests);
		std::this_thread::sleep_for(std::chrono::milliseconds(20));
	}
	for (int i = 0; i < 4; i++)
		put(0);
	for (auto &thread : threads)
		thread.join();
	printf("requests %lu answered %lu sum %lu expected %lu\n", requests, answered.load(), sum.load(), 20 * requests);
	return requests == answered && sum == 20 * requests ? 0 : 1;
}
