package main

import (
	"net/http"
	"time"
)

func init() {
	register(&oneAnswerEach{described: described{"one-answer-each", "Closes some connections after one answer", healthy}})
}

var comingOnce = [...]int{small: 10, medium: 25, large: 60} // connections a second

type oneAnswerEach struct {
	described
	many crowd
}

func (o *oneAnswerEach) start(s size) {
	o.many.Number, o.many.Path, o.many.Manner, o.many.Pause = comingOnce[s], "/?once", comes, time.Second
	o.many.invited()
}

func (o *oneAnswerEach) free() { o.many.sendHome() }

func (*oneAnswerEach) during(w http.ResponseWriter, r *http.Request, _ size) bool {
	if r.URL.Query().Has("once") {
		w.Header().Set("Connection", "close")
	}
	return false
}
