"""The grid: sick-able services, every fault and every healthy window of theirs, and what the product says of each.

A service is a Go program of the standard library with these flags and addresses; the lab's checkout and everything in
tests/services obeys it, and no code here knows one from another:

* `-listen`, `-admin`, `-name`, `-follow-stdin`: serve, print one JSON line `{"name", "url", "admin"}`, end with stdin.
* `-load URL,URL -rate N -name load -follow-stdin`: send each N requests a second, whatever its answers take.
* admin: `/debug/pprof/`, `GET /debug/faults` -> `[{"name", "title", "class", "on"}]` (class "": a healthy window),
  `POST /debug/faults/NAME` `{"on": true, "size": "small" | "medium" | "large"}`, and `{"on": false}`, which gives back
  all that it took.
* url: `GET /` is the users' path, `GET /health/ready` answers 200 when it is up.
"""
