# SPDX-License-Identifier: MIT
# heaptrace. `make help` lists targets and knobs.

O ?= build
CC ?= gcc
CXX ?= g++
V ?= 0
# The one of the last build: `make DEPTH=30; make install`.
DEPTH ?= $(or $(file <$(O)/depth),256)
ifeq ($(filter $(DEPTH),$(shell seq 256)),)
$(error DEPTH=$(DEPTH): it takes a number of frames, from 1 to 256)
endif
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib/heaptrace
T ?=

WARN := -Wall -Wextra -Werror -Wundef -Wmissing-prototypes -Wstrict-prototypes -Wshadow -Wno-unused-parameter
BASE := -std=gnu11 -g -O2 $(WARN) -MMD -MP -DHEAPTRACE_DEPTH=$(DEPTH)
ifneq ($(SAN),)
HOST_SAN := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
# The guest lives in strangers' processes: nothing but libc, nothing exported but what src/libheaptrace.map says.
GUEST_CFLAGS := $(BASE) -fPIC -fvisibility=hidden -fno-stack-protector -fno-plt -fno-exceptions \
	-D_GNU_SOURCE -fasynchronous-unwind-tables -fomit-frame-pointer -mcx16 -U_FORTIFY_SOURCE $(CFLAGS)
GUEST_LDFLAGS := -shared -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--version-script=src/libheaptrace.map \
	-Wl,-soname,libheaptrace.so -Wl,--no-undefined-version -nostartfiles
HOST_CFLAGS := $(BASE) -D_GNU_SOURCE -DHEAPTRACE_LIBDIR='"$(LIBDIR)"' $(HOST_SAN) $(CFLAGS)
HOST_LIBS := -lelf -liberty -lz -lncursesw -ltinfo -lpthread

GUEST_SRC := $(wildcard src/*.c)
HOST_SRC := $(wildcard tools/*.c)
GUEST_OBJ := $(GUEST_SRC:%.c=$(O)/%.o)
HOST_OBJ := $(HOST_SRC:%.c=$(O)/%.o)

Q0 := @
Q := $(Q$(V))
say = $(if $(filter 0,$(V)),@printf '  %-5s %s\n' $(1) $(2))

.PHONY: all
all: $(O)/heaptrace $(O)/libheaptrace.so

# Hooks find their caller through their own frame pointer (CALLER in unwind.h).
$(O)/src/interpose%.o $(O)/check/src/interpose%.o: GUEST_CFLAGS += -fno-omit-frame-pointer

$(O)/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(O)/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(HOST_CFLAGS) -c -o $@ $<

# What holds DEPTH is made anew when DEPTH is another one.
$(patsubst %.c,$(O)/%.o,$(shell grep -lw HEAPTRACE_DEPTH $(GUEST_SRC) $(HOST_SRC))): $(O)/depth
.PHONY: FORCE
$(O)/depth: FORCE
	@mkdir -p $(@D)
	@echo '$(DEPTH)' | cmp -s - $@ || echo '$(DEPTH)' >$@

# The HTML report's page is taken in by the assembler, which tells make nothing about it.
HTML_PAGE := $(wildcard tools/html/*)
$(O)/tools/html_page.o $(O)/tests/tools/html_page.o $(O)/fuzz/tools/html_page.o: $(HTML_PAGE)

$(O)/libheaptrace.so: $(GUEST_OBJ) src/libheaptrace.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $(GUEST_OBJ)

# Every backtrace compared with libunwind's; see make check-unwind.
CHECK_OBJ := $(GUEST_SRC:%.c=$(O)/check/%.o) $(O)/check/src/check/check.o

$(O)/check/src/%.o: src/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) -DHEAPTRACE_CHECK -c -o $@ $<

$(O)/check/libheaptrace.so: $(CHECK_OBJ) src/libheaptrace.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(GUEST_LDFLAGS) -o $@ $(CHECK_OBJ) -lunwind

# The second build, with libunwind instead of our own rows: --unwinder=libunwind.
UNWIND_OBJ := $(filter-out $(O)/src/unwind.o,$(GUEST_OBJ)) $(O)/src/variants/unwind_libunwind.o

$(O)/libheaptrace-unwind.so: $(UNWIND_OBJ) src/libheaptrace.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(GUEST_LDFLAGS:-Wl,-soname,libheaptrace.so=-Wl,-soname,libheaptrace-unwind.so) -o $@ $(UNWIND_OBJ) -lunwind

$(O)/heaptrace: $(HOST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(HOST_SAN) $(LDFLAGS) -o $@ $(HOST_OBJ) $(HOST_LIBS)

# What is made from the table of options, by the command itself: completions, lists of options in manual pages.
MADE_PAGES := $(patsubst tools/man/%.in,$(O)/man/%,$(wildcard tools/man/*.1.in))
COMPLETIONS := $(O)/completions/heaptrace.bash $(O)/completions/heaptrace.zsh $(O)/completions/heaptrace.fish
all: $(MADE_PAGES) $(COMPLETIONS)

$(O)/completions/heaptrace.%: $(O)/heaptrace
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(Q)$(O)/heaptrace --completion=$* >$@.new && mv $@.new $@

$(O)/man/heaptrace-%.1: tools/man/heaptrace-%.1.in $(O)/heaptrace
	@mkdir -p $(@D)
	$(call say,MAKE,$@)
	$(Q)$(O)/heaptrace --completion=man-$* >$@.options && \
		sed -e '/^\.\\" OPTIONS/{' -e 'r $@.options' -e 'd' -e '}' $< >$@.new && mv $@.new $@ && rm $@.options

include tests/tests.mk
include tools/lua/lua.mk

# Without libunwind-dev the comparison is skipped, visibly.
ifneq ($(wildcard /usr/include/libunwind.h /usr/include/*/libunwind.h),)
all: $(O)/libheaptrace-unwind.so
test-programs: $(O)/check/libheaptrace.so
endif

.PHONY: check-unwind
check-unwind: $(O)/check/libheaptrace.so
	BUILD='$(abspath $(O))' $(PROVE) --exec '' -v tests/unwind/check.sh :: full

-include $(O)/src/variants/unwind_libunwind.d $(CHECK_OBJ:.o=.d) $(GUEST_OBJ:.o=.d) $(HOST_OBJ:.o=.d)

include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/soak/soak.mk
