// SPDX-License-Identifier: MIT

/* A backtrace in one line: names without arguments, without allocators and wrappers, without what is below main(). */

#include "../../tools/top_label.h"

#include <stdlib.h>

#include "../lib/tap.h"

static void names(void)
{
	const struct {
		const char *name, *expected;
	} cases[] = {
		{ "main", "main" },
		{ "std::vector<int, std::allocator<int> >::push_back(int const&)", "std::vector<>::push_back" },
		{ "void f<int>(std::map<int, char>)", "void f<>" },
		{ "(anonymous namespace)::reader::read(char*)", "(anon)::reader::read" },
		{ "ns::(anonymous namespace)::reader::read(char*)", "ns::(anon)::reader::read" },
		{ "std::function<void (int)>::operator()(int) const", "std::function<>::operator()" },
		{ "operator<<(std::ostream&, int)", "operator<<" },
		{ "list::operator->() const", "list::operator->" },
		{ "bool operator< <int>(a<int> const&, a<int> const&)", "bool operator< <>" },
		{ "my_operator(int)", "my_operator" },
		{ "f(int)::local::g()", "f::local::g" },
		{ "<alloc::vec::Vec<T> as core::clone::Clone>::clone", "<alloc::vec::Vec<> as core::clone::Clone>::clone" },
		{ "a<(b<c>)>::d()", "a<>::d" },
		{ "broken<unclosed(", "broken<>" },
		{ "open<", "open<>" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *label = label_short(cases[i].name);

		is_str(label, cases[i].expected, "%s", cases[i].name);
		free(label);
	}
}

static void label_is(const char *const *functions, size_t count, size_t enough, const char *expected, const char *name)
{
	char *label = label_make(functions, count, enough);

	is_str(label, expected, "%s", name);
	free(label);
}

static void labels(void)
{
	const char *const plain[] = { "malloc", "xmalloc", "read_file(char const*)", "main", "__libc_start_call_main", "_start" };
	const char *const cxx[] = { "operator new(unsigned long)", "std::__new_allocator<int>::allocate(unsigned long, void const*)",
				    "keep()", "main" };
	const char *const below[] = { "calloc", "_start" };
	const char *const nothing[] = { "malloc" };
	const char *const again[] = { "malloc", "walk(int)", "walk(int)", "walk(int)", "main", "main(int)" };

	label_is(plain, 6, 100, "read_file < main", "without allocator, wrapper and what is below main");
	label_is(cxx, 4, 100, "keep < main", "without the C++ library's allocators");
	label_is(plain, 6, 5, "read_file", "no more than is asked for");
	label_is(nothing, 1, 100, "malloc", "an allocator called by nobody is itself");
	label_is(below, 2, 100, "_start", "what is below main stands where there is nothing else");
	label_is(again, 6, 100, "walk x3 < main < main", "recursion is told in one word");
	label_is(nothing, 0, 100, "", "no function at all");
}

int main(void)
{
	names();
	labels();
	return tap_done();
}
