// SPDX-License-Identifier: MIT

/* Names of functions that hand memory on: what is hidden at the inner end of a stack, and who is taken for the caller. */

#include "../../tools/allocators.h"
#include "../lib/tap.h"

#define EACH(array, i) (size_t i = 0; i < sizeof(array) / sizeof((array)[0]); i++)

static void hides(void)
{
	const char *const names[] = {
		"malloc", "operator new(unsigned long)", "operator new[](unsigned long, std::nothrow_t const&)", "strdup",
		"xmalloc", "xmalloc.part.0", "xrealloc.constprop.0", "xcalloc [clone .isra.0]", "g_malloc0_n",
		"Perl_safesysmalloc", "PyMem_RawMalloc", "_PyObject_GC_New", "sqlite3DbMallocRawNN", "zmalloc_usable",
		"CRYPTO_zalloc", "QArrayData::allocate(QArrayData**, long long, long long)", "alloc::raw_vec::finish_grow",
		"<alloc::alloc::Global as core::alloc::Allocator>::allocate", "__rust_alloc_zeroed",
		"std::__new_allocator<int>::allocate(unsigned long, void const*)", "std::allocator<char>::allocate(unsigned long)",
		"std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::_M_create(unsigned long&, unsigned long)",
		"void std::vector<int, std::allocator<int> >::_M_realloc_insert<int>(__gnu_cxx::__normal_iterator<int*, std::vector<int> >, int&&)",
		"std::pair<int, int>* std::__relocate_a<std::pair<int, int>*>(std::pair<int, int>*)",
		"std::__shared_count<(__gnu_cxx::_Lock_policy)2>::__shared_count<Node>(Node*&)",
		"std::__1::allocator<int>::allocate[abi:v160006](unsigned long)",
	};

	for EACH(names, i) {
		ok(is_allocator_function(names[i]), "hidden: %s", names[i]);
		ok(is_handing_on(names[i]), "and no caller");
	}
}

static void shows(void)
{
	const char *const names[] = {
		"main", "", "xmal", "allocate", "malloc_stats", "parse(char const*)", "mystd::_M_create()", "Perl_newSV",
		"std::_Function_handler<void (), main::{lambda()#1}>::_M_invoke(std::_Any_data const&)",
		"std::thread::_State_impl<std::thread::_Invoker<std::tuple<main::{lambda()#1}> > >::_M_run()",
		"void std::__invoke_impl<void, main::{lambda()#1}>(std::__invoke_other, main::{lambda()#1}&&)",
		"std::function<void ()>::operator()() const", "main::{lambda()#1}::operator()() const",
		"(anonymous namespace)::allocate(std::vector<int>&)", "operator<<(std::ostream&, Thing const&)",
		"Thing::operator<(Thing const&) const", "std::vector<int> make<std::string::_Rep>()", "operator newest(int)",
		"Thing::operator std::_Rep*()", "<unfinished", "a(b", "operator", "::", "std::vector<int", "{{", "operator<",
	};

	for EACH(names, i)
		ok(!is_allocator_function(names[i]), "shown: %s", names[i]);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(names[i], "std::vector<int", 16) != 0)
			ok(!is_handing_on(names[i]), "may be the caller: %s", names[i]);
	}
}

static void knows_the_library(void)
{
	const char *const names[] = {
		"std::vector<int, std::allocator<int> >::push_back(int const&)", "std::make_shared<Node>()",
		"std::shared_ptr<std::enable_if<!std::is_array<Node>::value, Node>::type> std::make_shared<Node>()",
		"std::ostream& std::operator<< <std::char_traits<char> >(std::ostream&, char const*)",
		"std::map<int, std::string>::operator[](int&&)",
	};

	for EACH(names, i) {
		ok(!is_allocator_function(names[i]), "pictures show: %s", names[i]);
		ok(is_handing_on(names[i]), "but it asks for somebody else");
	}
}

int main(void)
{
	hides();
	shows();
	knows_the_library();
	return tap_done();
}
