#!/bin/sh
# SPDX-License-Identifier: MIT
# node: threads, a JIT, garbage collection.
. "${0%/*}/../lib/zoo.sh"
need node
behaves "objects" node -e 'const m = new Map(); for (let i = 0; i < 200000; i++) m.set("k" + i % 5000, [i]); console.log(m.size)'
behaves "gc()" node --expose-gc -e 'let a = []; for (let i = 0; i < 100; i++) a.push(Buffer.alloc(100000)); a = null; gc(); console.log("done")'
behaves "a child" node -e 'console.log(require("child_process").execSync("echo child").toString().trim())'
behaves "an exception" node -e 'process.exitCode = 3; setTimeout(() => console.log("later"), 10)'
behaves "zlib in threads" node -e 'const z = require("zlib"); Promise.all([1,2,3,4].map(i => new Promise(r => z.gzip(Buffer.alloc(1e6, i), (e, b) => r(b.length))))).then(l => console.log(l.join()))'
done_testing
