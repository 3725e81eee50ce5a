# SPDX-License-Identifier: MIT
# The Lua 5.4 module; see tools/lua/heaptrace.c. Without Lua's headers everything else is built and tested.

LUA_INCLUDE ?= $(firstword $(patsubst %/lua.h,%,$(wildcard /usr/include/lua5.4/lua.h /usr/local/include/lua5.4/lua.h)))
LUA_OBJ := $(patsubst tools/lua/%.c,$(O)/lua/%.o,$(wildcard tools/lua/*.c))
LUA_LIBDIR ?= $(PREFIX)/lib/lua/5.4
# It stays in memory: somebody may have wrapped the allocator that it wraps a state's with.
LUA_LDFLAGS := -shared -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete

.PHONY: lua install-lua uninstall-lua
ifneq ($(LUA_INCLUDE),)
all: lua
lua: $(O)/lua/heaptrace.so
install: install-lua
else
lua:
	@echo "make lua: lua.h is missing; install liblua5.4-dev, or say where it is: make lua LUA_INCLUDE=DIR" >&2; false
endif

$(O)/lua/%.o: tools/lua/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) -D_GNU_SOURCE -fPIC -fvisibility=hidden -fno-optimize-sibling-calls -Iinclude \
		-I'$(LUA_INCLUDE)' $(CFLAGS) -c -o $@ $<

$(O)/lua/heaptrace.so: $(LUA_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LUA_LDFLAGS) $(LDFLAGS) -o $@ $(LUA_OBJ)

install-lua: lua
	install -d '$(DESTDIR)$(LUA_LIBDIR)'
	install -m 755 $(O)/lua/heaptrace.so '$(DESTDIR)$(LUA_LIBDIR)/heaptrace.so'

uninstall: uninstall-lua
uninstall-lua:
	rm -f '$(DESTDIR)$(LUA_LIBDIR)/heaptrace.so'
	-for directory in '$(LUA_LIBDIR)' '$(PREFIX)/lib/lua'; do rmdir "$(DESTDIR)$$directory" 2>/dev/null || true; done

-include $(LUA_OBJ:.o=.d)
