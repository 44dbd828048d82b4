package main

import (
	"fmt"
	"net/http"
	"time"
)

func init() {
	register(&eventStreams{described: described{"event-streams", "Sends an event a second to every open page", healthy}})
}

var openPages = [...]int{small: 50, medium: 200, large: 600}

const streamedEvents = 60

type eventStreams struct {
	described
	pages crowd
}

func (e *eventStreams) start(s size) {
	e.pages.Number, e.pages.Path, e.pages.Manner, e.pages.Pause = openPages[s], "/?events", asks, 100*time.Millisecond
	e.pages.invited()
}

func (e *eventStreams) free() { e.pages.sendHome() }

func (*eventStreams) during(w http.ResponseWriter, r *http.Request, _ size) bool {
	if !r.URL.Query().Has("events") {
		return false
	}
	streamEvents(w, r)
	return true
}

func streamEvents(w http.ResponseWriter, r *http.Request) {
	control, tick := http.NewResponseController(w), time.NewTicker(time.Second)
	defer tick.Stop()
	for n := range streamedEvents {
		fmt.Fprintf(w, "data: %d\n\n", n)
		if control.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
