// SPDX-License-Identifier: MIT

/* SHA-256: the examples of FIPS 180-4, and lengths around the end of a block, as sha256sum has them. */

#include "../../tools/sha256.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/tap.h"

int main(void)
{
	static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	static const struct {
		size_t letters;
		const char *digest;
	} cases[] = {
		{ 55, "1eKFaDzU78AtAhpcYgFGlJWJAQBdb3HongmJ+sd+QHI=" }, { 56, "BMJiYTcO51QVSdFt7jIMcj4/0UZx5moJmv4KN3wWiI4=" },
		{ 63, "dSILRyGCeOZW8gE7uPDEVaJerwHobGSSTp1I2Jd21vI=" }, { 64, "fOEAlx9k5wAej+WlGXPs3+HO1Cvv5+6NX9YhlQa1OTw=" },
		{ 65, "lTfF/fEgSC99WNJentWD9SwCtOME6oFNsWM61WWu1+k=" }, { 119, "AAtI1O3w+nvuPGI27NJ4W6pdtO64u1Q0GwKeDZ+l+ww=" },
		{ 120, "E/BaC1lHh/Xs0xXtyWFBvTJDID0bfU8INvNzCLJ2upg=" }, { 1000, "RPg1RJSlugO6F5Ko0+nFNMR6kYGYD956P0SwbvKufH8=" },
	};

	is_str(sha256_base64("", 0).text, "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", "nothing");
	is_str(sha256_base64("abc", 3).text, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=", "abc");
	is_str(sha256_base64(two_blocks, strlen(two_blocks)).text, "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=", "two blocks");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *letters = malloc(cases[i].letters); /* exactly: a byte read too many would be noticed */

		memset(letters, 'x', cases[i].letters);
		is_str(sha256_base64(letters, cases[i].letters).text, cases[i].digest, "%zu letters", cases[i].letters);
		free(letters);
	}
	return tap_done();
}
