// SPDX-License-Identifier: MIT

/*
 * Heap sort: no memory but the list itself, no bad case.
 */

#include "sort.h"

static void sift(uint32_t *heap, uint32_t at, uint32_t count, sort_behind *behind, const void *things)
{
	for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
		uint32_t number = heap[at];

		if (child + 1 < count && behind(things, heap[child + 1], heap[child]))
			child++;
		if (!behind(things, heap[child], number))
			return;
		heap[at] = heap[child];
		heap[child] = number;
	}
}

void sort_numbers(uint32_t *numbers, uint32_t count, sort_behind *behind, const void *things)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sift(numbers, i, count, behind, things);
	for (uint32_t left = count; left > 1; left--) {
		uint32_t last = numbers[0];

		numbers[0] = numbers[left - 1];
		numbers[left - 1] = last;
		sift(numbers, 0, left - 1, behind, things);
	}
}
