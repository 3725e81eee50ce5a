#!/bin/sh
# SPDX-License-Identifier: MIT
# xmllint (whose hashes are seeded by the clock: its totals differ from second to second) and jq.
. "${0%/*}/../lib/zoo.sh"
need xmllint jq
{ echo '<list>'; for i in $(seq 500); do echo "<item id=\"$i\"><name>n$i</name></item>"; done; echo '</list>'; } >list.xml
behaves "xmllint --format" xmllint --format list.xml
behaves "xmllint --xpath" xmllint --xpath 'count(//item[@id > 250])' list.xml
echo '<broken>' >broken.xml
behaves "xmllint of broken input" xmllint broken.xml
seq 3000 | jq -c '{n: ., s: tostring}' >list.json
exact "jq" jq -s 'map(.n) | add' list.json
exact "jq of a mistake" jq '.[' list.json
done_testing
