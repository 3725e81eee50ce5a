# SPDX-License-Identifier: MIT
# Tests, installation and the rest around the build. Included by the Makefile.

TEST_O := $(O)/tests
JOBS ?= 2
TEST_SECONDS ?= 900
PROVE ?= prove
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
UNIT_CFLAGS := -std=gnu11 -g -O1 -Wall -Wextra -Wshadow -Wno-unused-parameter -MMD -MP -D_GNU_SOURCE \
	-DHEAPTRACE_DEPTH=$(DEPTH) -DHEAPTRACE_LIBDIR='"$(LIBDIR)"' $(SANITIZERS)

UNIT_SRC := $(wildcard tests/unit/*.c)
UNIT := $(UNIT_SRC:tests/unit/%.c=$(TEST_O)/unit/%)
UNIT_TOOLS := $(patsubst tools/%.c,$(TEST_O)/tools/%.o,$(filter-out tools/main.c,$(wildcard tools/*.c)))
UNIT_LIB := $(patsubst tests/lib/%.c,$(TEST_O)/lib/%.o,$(filter-out tests/lib/counter.c tests/lib/bump.c,$(wildcard tests/lib/*.c)))

# A guest is a test of its own: its header says what to expect, tests/lib/guest.sh holds it to that.
GUEST_TEST_SRC := $(wildcard tests/guests/*.c tests/guests/*.cc)
GUEST_PROGRAMS := $(patsubst tests/guests/%,$(TEST_O)/guests/%,$(basename $(GUEST_TEST_SRC)))
GUEST_EXPECTING := $(shell grep -l '^// Expect:' $(GUEST_TEST_SRC) /dev/null)
GUEST_FULL := $(shell grep -l '^// Tier: full' $(GUEST_TEST_SRC) /dev/null)
guest_tests = $(patsubst tests/guests/%,$(TEST_O)/guests/%.t,$(basename $(1)))
GUEST_TESTS := $(call guest_tests,$(filter-out $(GUEST_FULL),$(GUEST_EXPECTING)))
GUEST_TESTS_FULL := $(call guest_tests,$(filter $(GUEST_FULL),$(GUEST_EXPECTING)))

CLI_TESTS := $(wildcard tests/cli/*.t) $(wildcard tests/check-*.t)
ZOO_TESTS := $(wildcard tests/zoo/*.t)
chosen = $(if $(T),$(foreach test,$(1),$(if $(findstring $(T),$(test)),$(test))),$(1))
# What a sanitizer has to say may be about a process that nobody hears, as the collector: it goes to files.
SAN_FOUND := $(abspath $(O))/found
SAN_ENVIRONMENT := $(if $(SAN),ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0:log_path=$(SAN_FOUND)/log \
	UBSAN_OPTIONS=print_stacktrace=1:log_path=$(SAN_FOUND)/log)
# prove says the last word; nothing hangs for ever. A filter that chooses nothing is a mistake, not a success.
run_tests = $(if $(strip $(call chosen,$(1))),BUILD='$(abspath $(O))' $(SAN_ENVIRONMENT) $(PROVE) --exec 'timeout -k 10 $(TEST_SECONDS)' -j$(JOBS) $(if $(filter 0,$(V)),,-v) \
	$(patsubst tests/%,./tests/%,$(call chosen,$(1))),@echo "no test's name contains '$(T)'" >&2; false)

.PHONY: check check-unit check-cli check-guests check-end-to-end check-full npm check-sanitized check-install lint \
	install uninstall clean distclean dist help format test-programs

test-programs: all $(UNIT) $(GUEST_PROGRAMS) $(GUEST_TESTS) $(GUEST_TESTS_FULL) $(TEST_O)/counter.so $(TEST_O)/bump.so

check: test-programs
	$(call run_tests,$(UNIT) $(FUZZ_REPLAYS) $(CLI_TESTS) $(GUEST_TESTS))

check-unit: $(UNIT)
	$(call run_tests,$(UNIT))

check-cli: test-programs
	$(call run_tests,$(CLI_TESTS))

check-guests: test-programs
	$(call run_tests,$(GUEST_TESTS))

# What exports are read with and npm alone has. Without a network the tests that want it are skipped.
npm:
	$(Q)sh scripts/install-npm.sh '$(O)/npm'

check-full: test-programs
	-$(Q)$(MAKE) --no-print-directory npm O='$(O)'
	$(call run_tests,$(UNIT) $(FUZZ_REPLAYS) $(CLI_TESTS) $(GUEST_TESTS) $(GUEST_TESTS_FULL) $(ZOO_TESTS) \
		$(SOAK_TESTS))
	$(if $(SAN),,$(Q)$(MAKE) --no-print-directory check-sanitized O='$(O)')

# The end-to-end tests on a host built with sanitizers; the library stays as it is, because it has to live with strangers.
check-sanitized:
	@rm -rf '$(O)/san/found' && mkdir -p '$(O)/san/found' && chmod 1777 '$(O)/san/found'
	@status=0; $(MAKE) --no-print-directory O='$(O)/san' SAN=address,undefined check-end-to-end || status=1; \
	if [ -n "$$(ls '$(O)/san/found')" ]; then cat '$(O)/san/found'/* >&2; status=1; fi; exit $$status

check-end-to-end: test-programs
	$(call run_tests,$(CLI_TESTS) $(GUEST_TESTS))

check-install: test-programs
	$(call run_tests,tests/cli/installs-anywhere.t)

$(TEST_O)/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(TEST_O)/lib/%.o: tests/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -c -o $@ $<

$(TEST_O)/libtools.a: $(UNIT_TOOLS) $(UNIT_LIB)
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(TEST_O)/unit/%: tests/unit/%.c $(TEST_O)/libtools.a
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(UNIT_CFLAGS) -o $@ $< $(TEST_O)/libtools.a -lelf -liberty -lz -lpthread

# Calls stay as they are written: no builtin malloc, no inlining, no tail calls. `// Build:` in a guest adds flags.
GUEST_TEST_FLAGS := -g -O1 -fno-builtin -fno-inline -fno-optimize-sibling-calls -Wall -Wno-unused-result \
	-Wno-use-after-free -Wno-infinite-recursion -Wno-deprecated-declarations -pthread
guest_build = $$(sed -n 's,^// Build: ,,p' $<)

$(TEST_O)/guests/%: tests/guests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE $(GUEST_TEST_FLAGS) -o $@ $< $(guest_build)

$(TEST_O)/guests/%: tests/guests/%.cc
	@mkdir -p $(@D)
	$(call say,CXX,$@)
	$(Q)$(CXX) -std=gnu++17 $(GUEST_TEST_FLAGS) -o $@ $< $(guest_build)

$(GUEST_TESTS) $(GUEST_TESTS_FULL): $(TEST_O)/guests/%.t: tests/lib/guest.sh
	@mkdir -p $(@D)
	$(Q)printf '#!/bin/sh\nexec sh %s %s\n' '$(CURDIR)/tests/lib/guest.sh' '$*' > $@ && chmod +x $@

$(TEST_O)/%.so: tests/lib/%.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu11 -g -O2 -Wall -Wextra -fPIC -shared -fno-builtin -D_GNU_SOURCE -nostartfiles -o $@ $<

lint: test-programs
	$(call run_tests,tests/check-guest-symbols.t tests/check-sources.t tests/check-docs.t)

INSTALL_HEADERS := $(wildcard include/*.h)
INSTALL_HEADERS_BELOW := $(wildcard include/heaptrace/*.h include/heaptrace/*.hpp)
PKGCONFIG := $(PREFIX)/lib/pkgconfig
BASH_COMPLETION := $(PREFIX)/share/bash-completion/completions/heaptrace
ZSH_COMPLETION := $(PREFIX)/share/zsh/site-functions/_heaptrace
FISH_COMPLETION := $(PREFIX)/share/fish/vendor_completions.d/heaptrace.fish
COMPLETION_PLACES := bash-completion/completions bash-completion zsh/site-functions zsh fish/vendor_completions.d fish
install: all
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(PREFIX)/share/man/man1' \
		'$(DESTDIR)$(PREFIX)/share/man/man5'
	install -m 755 $(O)/heaptrace '$(DESTDIR)$(PREFIX)/bin/heaptrace'
	install -m 755 $(wildcard $(O)/libheaptrace*.so) '$(DESTDIR)$(LIBDIR)/'
	install -m 644 tools/man/heaptrace.1 '$(DESTDIR)$(PREFIX)/share/man/man1/heaptrace.1'
	install -m 644 tools/man/heaptrace-json.5 '$(DESTDIR)$(PREFIX)/share/man/man5/heaptrace-json.5'
	install -D -m 644 tools/man/heaptrace.schema.json '$(DESTDIR)$(PREFIX)/share/heaptrace/heaptrace.schema.json'
	install -D -m 644 tools/man/heaptrace.3 '$(DESTDIR)$(PREFIX)/share/man/man3/heaptrace.3'
	install -m 644 $(MADE_PAGES) '$(DESTDIR)$(PREFIX)/share/man/man1/'
	install -D -m 644 $(O)/completions/heaptrace.bash '$(DESTDIR)$(BASH_COMPLETION)'
	install -D -m 644 $(O)/completions/heaptrace.zsh '$(DESTDIR)$(ZSH_COMPLETION)'
	install -D -m 644 $(O)/completions/heaptrace.fish '$(DESTDIR)$(FISH_COMPLETION)'
	install -d '$(DESTDIR)$(PREFIX)/include/heaptrace' '$(DESTDIR)$(PKGCONFIG)'
	install -m 644 $(INSTALL_HEADERS) '$(DESTDIR)$(PREFIX)/include/'
	$(if $(INSTALL_HEADERS_BELOW),install -m 644 $(INSTALL_HEADERS_BELOW) '$(DESTDIR)$(PREFIX)/include/heaptrace/')
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|' \
		-e "s|@VERSION@|$$(sed -n 's/.*HT_RELEASE "\(.*\)".*/\1/p' src/segment.h)|" tools/heaptrace.pc.in \
		>'$(DESTDIR)$(PKGCONFIG)/heaptrace.pc'

# Directories go when they are empty, that is when they were ours alone.
uninstall:
	rm -f '$(DESTDIR)$(PREFIX)/bin/heaptrace' '$(DESTDIR)$(LIBDIR)/libheaptrace.so' \
		'$(DESTDIR)$(LIBDIR)/libheaptrace-unwind.so' '$(DESTDIR)$(PREFIX)/share/man/man1/heaptrace.1' \
		'$(DESTDIR)$(PREFIX)/share/man/man5/heaptrace-json.5' '$(DESTDIR)$(PREFIX)/share/man/man3/heaptrace.3' \
		'$(DESTDIR)$(PREFIX)/share/heaptrace/heaptrace.schema.json' \
		$(MADE_PAGES:$(O)/man/%='$(DESTDIR)$(PREFIX)/share/man/man1/%') '$(DESTDIR)$(BASH_COMPLETION)' \
		'$(DESTDIR)$(ZSH_COMPLETION)' '$(DESTDIR)$(FISH_COMPLETION)' \
		$(INSTALL_HEADERS:include/%='$(DESTDIR)$(PREFIX)/include/%') '$(DESTDIR)$(PKGCONFIG)/heaptrace.pc' \
		$(INSTALL_HEADERS_BELOW:include/%='$(DESTDIR)$(PREFIX)/include/%')
	-for directory in '$(LIBDIR)' '$(PKGCONFIG)' '$(PREFIX)/include/heaptrace' '$(PREFIX)/lib' '$(PREFIX)/share/man/man1' '$(PREFIX)/share/man/man3' '$(PREFIX)/share/man/man5' '$(PREFIX)/share/man' '$(PREFIX)/share/heaptrace' \
		$(COMPLETION_PLACES:%='$(PREFIX)/share/%') '$(PREFIX)/share' \
		'$(PREFIX)/include' '$(PREFIX)/bin' '$(PREFIX)'; do \
		rmdir "$(DESTDIR)$$directory" 2>/dev/null || true; done

clean:
	@case '$(abspath $(O))' in / | '$(CURDIR)') echo "refusing to remove $(abspath $(O))" >&2; exit 1;; esac
	rm -rf '$(O)'

distclean: clean
	rm -f heaptrace-*.tar.gz tags

RELEASE = $(shell sed -n 's/^\#define HT_RELEASE "\(.*\)"/\1/p' src/segment.h)
dist:
	git archive --format=tar.gz --prefix='heaptrace-$(RELEASE)/' -o 'heaptrace-$(RELEASE).tar.gz' HEAD

format:
	clang-format -i $(wildcard src/*.[ch] tools/*.[ch] tests/unit/*.c tests/lib/*.[ch])

help:
	@printf '%s\n' \
		'all            build $$O/heaptrace and $$O/libheaptrace.so (default)' \
		'lua            the Lua 5.4 module, $$O/lua/heaptrace.so; part of all where liblua5.4-dev is' \
		'check          all tests but the zoo, a few minutes; T=NAME runs those whose path contains NAME' \
		'check-unit     unit tests of the host, with address and undefined behaviour sanitizers' \
		'check-cli      end-to-end tests of the command' \
		'check-guests   small programs with exact expected counts' \
		'check-fuzz     inputs that a fuzzer found once, and more of the kind' \
		'fuzz           libFuzzer on all that reads what others wrote; FUZZ_SECONDS=60 each, FUZZ=NAME' \
		'npm            fetch what only npm has of the programs that read exports, for check' \
		'check-full     check, the zoo of real programs, a minute of each soak, check-sanitized' \
		'check-sanitized  end-to-end tests of a host with address and undefined behaviour sanitizers' \
		'soak           servers under load with a dump every second, SOAK_SECONDS=600 each' \
		'check-install  install, run, uninstall, look for leftovers' \
		'lint           symbols of the guest, scripts, spelling, man page, documentation' \
		'install        into $$DESTDIR$$PREFIX' \
		'uninstall      remove what install put there' \
		'clean          remove $$O' \
		'distclean      clean, and made archives' \
		'dist           heaptrace-VERSION.tar.gz from the last commit' \
		'format         clang-format the sources' \
		'' \
		'O=DIR          build directory (build)       V=1            show commands' \
		'PREFIX=DIR     (/usr/local)                  DESTDIR=DIR    staging root' \
		'DEPTH=NUM      default of --depth (256)      SAN=address,undefined  sanitize the host' \
		'CC= CXX= CFLAGS= LDFLAGS=                    JOBS=NUM       tests side by side (2)'

-include $(UNIT:=.d) $(UNIT_TOOLS:.o=.d) $(UNIT_LIB:.o=.d)
