package main

import (
	"math/rand/v2"
	"net/http"
	"time"
)

func init() {
	register(&longPolls{described: described{"long-polls", "Lets many customers wait for news", healthy}})
}

var (
	polls       = [...]int{small: 60, medium: 300, large: 900}
	longestPoll = 25 * time.Second
)

type longPolls struct {
	described
	many crowd
}

func (l *longPolls) start(s size) {
	l.many.Number, l.many.Path, l.many.Manner, l.many.Pause = polls[s], "/?poll", asks, 50*time.Millisecond
	l.many.invited()
}

func (l *longPolls) free() { l.many.sendHome() }

func (*longPolls) during(w http.ResponseWriter, r *http.Request, _ size) bool {
	if !r.URL.Query().Has("poll") {
		return false
	}
	awaitNews(r)
	writeJSON(w, http.StatusOK, []string{})
	return true
}

// awaitNews ends with its customer's patience, or with the news.
func awaitNews(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(rand.N(longestPoll)):
	}
}
