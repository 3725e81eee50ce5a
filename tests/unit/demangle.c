// SPDX-License-Identifier: MIT

/* Names as people write them. */

#include <stdlib.h>
#include <string.h>

#include "../../tools/symbols.h"
#include "../lib/tap.h"

int main(void)
{
	const char *const cases[][2] = {
		{ "main", "main" }, { "_start", "_start" }, { "_Znwm", "operator new(unsigned long)" },
		{ "_ZNSt6vectorIiSaIiEE9push_backERKi", "std::vector<int, std::allocator<int> >::push_back(int const&)" },
		{ "_ZN3foo3barEv.cold", "foo::bar() [clone .cold]" },
		{ "_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE", "core::fmt::Write::write_fmt" },
		{ "_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar" },
		{ "_D3foo3barFiZv", "foo.bar(int)" }, { "_Dmain", "D main" }, { "_DYNAMIC", "_DYNAMIC" },
		{ "_Z", "_Z" }, { "_R", "_R" }, { "_ZNope", "_ZNope" }, { "", "" }, { "_Destroy", "_Destroy" },
		{ "_RNvCs1234_7mycrate3foo.llvm.1234", "mycrate::foo" },
	};
	char *deep = malloc(200002);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *name = demangle(cases[i][0]);

		is_str(name, cases[i][1], "%s", cases[i][0]);
		free(name);
	}
	memset(deep, 'P', 200001);
	memcpy(deep, "_Z1f", 4);
	deep[200001] = '\0';
	for (size_t length = 1000; length <= 200001; length = length * 3 > 200001 && length < 200001 ? 200001 : length * 3) {
		char kept = deep[length];
		char *name;

		deep[length] = '\0';
		name = demangle(deep);
		ok(name, "%zu nested pointers are survived", length);
		free(name);
		deep[length] = kept;
	}
	free(deep);
	return tap_done();
}
