package main

import (
	"net/http"
	"time"
)

func init() {
	register(&noKeepAlive{described: described{"no-keep-alive", "Closes the connection after every answer", "socket-exhaustion"}})
}

// comingAgain is the pause of each of the customers: 500, 800 and 1,600 connections a second in all.
var comingAgain = [...]time.Duration{small: 160 * time.Millisecond, medium: 100 * time.Millisecond, large: 50 * time.Millisecond}

// noKeepAlive closes the connection after every answer: each then keeps its port for a minute, in TIME_WAIT.
type noKeepAlive struct {
	described
	many crowd
}

func (f *noKeepAlive) start(s size) {
	f.many.Number, f.many.Path, f.many.Manner, f.many.Pause = 80, "/", comes, comingAgain[s]
	f.many.invited()
}

func (f *noKeepAlive) free() { f.many.sendHome() }

func (*noKeepAlive) during(w http.ResponseWriter, _ *http.Request, _ size) bool {
	w.Header().Set("Connection", "close")
	return false
}
