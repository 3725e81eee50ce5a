# SPDX-License-Identifier: MIT
# Servers under load for a while, with a dump every second. Included by the Makefile.
#
# `make soak` takes SOAK_SECONDS for each (600); make check-full 60 (the default of soak.py).

SOAK_SECONDS ?= 600
SOAK_TESTS := $(wildcard tests/soak/*.t)

.PHONY: soak

test-programs: $(TEST_O)/soak/threads

soak: TEST_SECONDS = $(shell expr $(SOAK_SECONDS) + 300)
soak: export SOAK_SECONDS := $(SOAK_SECONDS)
soak: all $(TEST_O)/soak/threads
	$(call run_tests,$(SOAK_TESTS))

$(TEST_O)/soak/threads: tests/soak/threads.cc
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(CXX) -std=gnu++17 -g -O2 -Wall -Wextra -pthread -o $@ $<
