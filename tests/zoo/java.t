#!/bin/sh
# SPDX-License-Identifier: MIT
# java: many threads, a JIT, its own signal handlers; javac.
. "${0%/*}/../lib/zoo.sh"
need java javac
cat >Work.java <<'J'
import java.util.*;
public class Work {
	public static void main(String[] arguments) throws Exception {
		Map<String, List<Integer>> map = new HashMap<>();
		for (int i = 0; i < 200000; i++) map.computeIfAbsent("k" + i % 1000, k -> new ArrayList<>()).add(i);
		Thread[] threads = new Thread[8];
		long[] sums = new long[8];
		for (int t = 0; t < 8; t++) { int n = t; threads[t] = new Thread(() -> { for (int i = 0; i < 1000000; i++) sums[n] += i; }); threads[t].start(); }
		for (Thread t : threads) t.join();
		Object nothing = null;
		try { nothing.toString(); } catch (NullPointerException e) { System.out.println("null pointer"); }
		System.out.println(map.size() + " " + Arrays.stream(sums).sum());
		System.exit(5);
	}
}
J
behaves "javac" javac Work.java
behaves "java" java -Xmx256m Work
done_testing
