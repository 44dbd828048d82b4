package main

import (
	"net/http"
	"time"
)

func init() {
	register(&matchedTimeouts{described: described{"matched-timeouts", "Stops working for customers who gave up", healthy}})
}

var givingUp = [...]int{small: 16, medium: 60, large: 160}

type matchedTimeouts struct {
	described
	impatient crowd
}

func (m *matchedTimeouts) start(s size) {
	m.impatient.Number, m.impatient.Path, m.impatient.Manner, m.impatient.Pause = givingUp[s], "/?offer", leaves, time.Second
	m.impatient.invited()
}

func (m *matchedTimeouts) free() { m.impatient.sendHome() }

func (*matchedTimeouts) during(w http.ResponseWriter, r *http.Request, _ size) bool {
	if !r.URL.Query().Has("offer") {
		return false
	}
	askForOffers(r)
	return true
}

// askForOffers ends when its customer leaves.
func askForOffers(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(8 * time.Second):
	}
}
