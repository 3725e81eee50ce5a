#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""nginx with two workers under a bounded loop of requests, for a while: see soak.py."""

import http.client
import os
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from soak import Run, free_port, need, done, ok, wait_until

need("nginx")
port = free_port()
root = tempfile.mkdtemp(prefix="ht-nginx-")
body = b"x" * 5000
with open(os.path.join(root, "index.html"), "wb") as page:
    page.write(body)
os.chmod(root, 0o755)
with open(os.path.join(root, "nginx.conf"), "w") as conf:
    conf.write("""daemon off;
worker_processes 2;
pid %(root)s/pid;
error_log %(root)s/error.log;
events { worker_connections 128; }
http {
	access_log off;
	gzip on;
	gzip_types text/plain;
	client_body_temp_path %(root)s/b; proxy_temp_path %(root)s/p; fastcgi_temp_path %(root)s/f;
	uwsgi_temp_path %(root)s/u; scgi_temp_path %(root)s/s;
	server { listen 127.0.0.1:%(port)d; root %(root)s; }
}
""" % {"root": root, "port": port})
run = Run("nginx", "-p", root, "-c", os.path.join(root, "nginx.conf"))
sent = answered = 0
lost = []


def get(connection, path="/index.html", status=200):
    """One request, whose answer must be right."""
    global sent, answered
    sent += 1
    connection.request("GET", path)
    response = connection.getresponse()
    content = response.read()
    if response.status == status and (status != 200 or content == body):
        answered += 1
    else:
        lost.append("%d, %d bytes" % (response.status, len(content)))


def connect():
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30)


def comes_up():
    try:
        get(connect())
        return True
    except OSError:
        return False


def load():
    """Fifty requests on one connection, twenty on connections of their own, some of them for nothing."""
    connection = connect()
    try:
        for _ in range(50):
            get(connection)
        connection.close()
        for i in range(20):
            connection = connect()
            get(connection, "/missing%d" % (i % 3), 404) if i % 5 == 0 else get(connection)
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        lost.append(repr(error))
    time.sleep(0.1)


ok(wait_until(comes_up), "nginx comes up", run.said())
sent = answered = 0
run.under_load(load)
ok(not lost and sent == answered and sent > 100, "%d requests, each with the right answer" % sent, *lost[:5])
run.finish(signal.SIGQUIT)
with open(os.path.join(root, "error.log")) as log:
    alarms = [line for line in log if "[alert]" in line or "[emerg]" in line or "[crit]" in line]
ok(not alarms, "nginx saw nothing unusual", *alarms)
for name in os.listdir(root):
    path = os.path.join(root, name)
    os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
os.rmdir(root)
done()
