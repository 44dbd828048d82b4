package main

import (
	"net/http"
	"time"
)

func init() {
	register(&stalledReaders{
		described: described{"stalled-readers", "Writes to customers who do not read, with no deadline", "stalled-readers"},
	})
}

var stalledCustomers = [...]int{small: 24, medium: 80, large: 240}

const (
	cataloguePage  = 64 << 10
	cataloguePages = 256 // 16 MB: more than the kernel keeps for a customer who does not read
)

// stalledReaders sends a large answer to customers who do not read it, with no deadline for the writing.
type stalledReaders struct {
	described
	stalled crowd
}

func (f *stalledReaders) start(s size) {
	f.stalled.Number, f.stalled.Path, f.stalled.Manner, f.stalled.Pause = stalledCustomers[s], "/?catalogue", leaves, time.Hour
	f.stalled.invited()
}

func (f *stalledReaders) free() { f.stalled.sendHome() }

func (*stalledReaders) during(w http.ResponseWriter, r *http.Request, _ size) bool {
	if !r.URL.Query().Has("catalogue") {
		return false
	}
	writeCatalogue(w)
	return true
}

// writeCatalogue sets no write deadline: that is the mistake.
func writeCatalogue(w http.ResponseWriter) {
	page := make([]byte, cataloguePage)
	for range cataloguePages {
		if _, err := w.Write(page); err != nil {
			return
		}
	}
}
