// SPDX-License-Identifier: MIT
// What C++ programs do: strings, vectors, maps, shared pointers; everything is freed but 100 strings of 32 and 51 bytes.
// Expect: counter
// Own: keep_strings() 200 8300 200 8300
#include <map>
#include <memory>
#include <string>
#include <vector>

static void keep_strings()
{
	for (int i = 0; i < 100; i++)
		new std::string(50, 'x'); /* 32 + 51 bytes each */
}

int main()
{
	std::map<std::string, std::vector<int>> map;
	std::vector<std::shared_ptr<std::string>> pointers;

	for (int i = 0; i < 2000; i++) {
		map[std::to_string(i * 1000003LL)].assign(i % 17, i);
		pointers.push_back(std::make_shared<std::string>(i % 100, 'y'));
	}
	keep_strings();
	return map.size() == 2000 ? 0 : 99;
}
