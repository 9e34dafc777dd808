"""Stands before an emulator and refuses one operation for one thing, as a service control policy would: moto cannot.

python refuse.py http://127.0.0.1:5000 StartLogging trail/audit    prints its own address, then serves until it is ended
"""
import http.server
import json
import sys
import urllib.error
import urllib.request

upstream, operation, thing = sys.argv[1:]


class Refuse(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("x-amz-target", "").endswith("." + operation) and thing.encode() in body:
            refusal = f"not authorized to perform {operation} on {thing} with an explicit deny in a service control policy"
            text = json.dumps({"__type": "AccessDeniedException", "message": refusal}).encode()
            self.answer(400, {"content-type": "application/x-amz-json-1.1"}, text)
            return
        request = urllib.request.Request(upstream + self.path, body, dict(self.headers))
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
                self.answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as reply:
            self.answer(reply.code, reply.headers, reply.read())

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() in ("content-type", "x-amzn-requestid"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
