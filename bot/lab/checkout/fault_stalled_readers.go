package main

import (
	"net/http"
	"time"
)

func init() {
	register(&stalledReaders{stalled: customers{number: 80, path: "/?catalogue", patience: time.Hour}})
}

const (
	cataloguePage  = 64 << 10
	cataloguePages = 256 // 16 MB: more than the kernel keeps for a customer who does not read
)

// stalledReaders sends a large answer to customers who do not read it, with no deadline for the writing.
type stalledReaders struct{ stalled customers }

func (*stalledReaders) name() string  { return "stalled-readers" }
func (*stalledReaders) title() string { return "Writes to customers who do not read, with no deadline" }
func (f *stalledReaders) start()      { f.stalled.invited() }
func (f *stalledReaders) free()       { f.stalled.sendHome() }

func (f *stalledReaders) during(w http.ResponseWriter, r *http.Request) bool {
	f.stalled.follow(r)
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
