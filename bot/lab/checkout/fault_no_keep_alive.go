package main

import (
	"net/http"
	"time"
)

func init() {
	register(&noKeepAlive{many: customers{number: 80, path: "/", reads: true, patience: 100 * time.Millisecond}})
}

// noKeepAlive closes the connection after every answer: each then keeps its port for a minute, in TIME_WAIT.
type noKeepAlive struct{ many customers }

func (*noKeepAlive) name() string  { return "no-keep-alive" }
func (*noKeepAlive) title() string { return "Closes the connection after every answer" }
func (f *noKeepAlive) start()      { f.many.invited() }
func (f *noKeepAlive) free()       { f.many.sendHome() }

func (f *noKeepAlive) during(w http.ResponseWriter, r *http.Request) bool {
	f.many.follow(r)
	w.Header().Set("Connection", "close")
	return false
}
