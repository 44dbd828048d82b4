package main

import (
	"net/http"
	"time"
)

func init() {
	register(&slowReaders{described: described{"slow-readers", "Sends films to customers who watch them", healthy}})
}

var watching = [...]int{small: 10, medium: 40, large: 120}

const (
	filmPiece  = 64 << 10
	filmPieces = 512 // 32 MB: longer than the kernel can hold for a customer
)

type slowReaders struct {
	described
	slow crowd
}

func (f *slowReaders) start(s size) {
	f.slow.Number, f.slow.Path, f.slow.Manner, f.slow.Pause = watching[s], "/?film", listens, 60*time.Millisecond
	f.slow.invited()
}

func (f *slowReaders) free() { f.slow.sendHome() }

func (*slowReaders) during(w http.ResponseWriter, r *http.Request, _ size) bool {
	if !r.URL.Query().Has("film") {
		return false
	}
	sendFilm(w)
	return true
}

// sendFilm gives every piece time, and the whole film as long as it takes.
func sendFilm(w http.ResponseWriter) {
	piece, control := make([]byte, filmPiece), http.NewResponseController(w)
	for range filmPieces {
		if control.SetWriteDeadline(time.Now().Add(10*time.Second)) != nil {
			return
		}
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}
