#!/bin/sh
# SPDX-License-Identifier: MIT
# Every single backtrace of the checking build equals libunwind's, frame by frame (the long form: make check-unwind).
exec sh "$(dirname "$0")/../unwind/check.sh" short
