# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# For tests of the Lua module with the real interpreter. After tap.sh:
#	. "${0%/*}/../lib/lua.sh"
#
# lua CMD...   run as `run`, the module in reach; plain and traced name the two ways to run an interpreter

command -v lua5.4 >/dev/null || skip_all "lua5.4 is missing"
[ -e "$BUILD/lua/heaptrace.so" ] || skip_all "the Lua module was not built (liblua5.4-dev is missing)"
LUA_CPATH="$BUILD/lua/?.so"
export LUA_CPATH
unset LUA_INIT LUA_INIT_5_4 LUA_CPATH_5_4
cd "$T" || exit 1

# typed FILE CMD...: type the lines of a file at an interpreter's prompt, as a person would; the screen is in $out
typed() { run python3 "$SOURCE/tests/lib/typed.py" "$@"; }
