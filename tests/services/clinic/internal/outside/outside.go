// Package outside is the world around the clinic, a process of its own: record keeper, partners, and the crowd.
package outside

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"clinic/internal/records"
)

// Addresses tell where the outside is reached.
type Addresses struct {
	Records  string `json:"records"`
	Partners string `json:"partners"`
	Control  string `json:"control"`
}

// Open starts it all on free ports of this machine.
func Open() (Addresses, error) {
	var listeners [3]net.Listener
	for i := range listeners {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return Addresses{}, err
		}
		listeners[i] = listener
	}
	go records.Keep(listeners[0])
	go http.Serve(listeners[1], http.HandlerFunc(partner))
	go http.Serve(listeners[2], control())
	at := func(i int) string { return listeners[i].Addr().String() }
	return Addresses{at(0), "http://" + at(1), "http://" + at(2)}, nil
}

// partner answers so many bytes after so many milliseconds.
func partner(w http.ResponseWriter, r *http.Request) {
	takes, _ := strconv.Atoi(r.FormValue("takes"))
	size, _ := strconv.Atoi(r.FormValue("bytes"))
	select {
	case <-time.After(time.Duration(takes) * time.Millisecond):
	case <-r.Context().Done():
		return
	}
	letter := make([]byte, max(size, 16))
	for i := range letter {
		letter[i] = 'a' + byte(i%26)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(letter)))
	if code, err := strconv.Atoi(r.FormValue("status")); err == nil {
		w.WriteHeader(code)
	}
	w.Write(letter)
}

// control lets a crowd come by POST and leave by DELETE.
func control() http.Handler {
	var mu sync.Mutex
	leaving := map[string]func(){}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /crowd/{name...}", func(w http.ResponseWriter, r *http.Request) {
		var crowd Crowd
		if err := json.NewDecoder(r.Body).Decode(&crowd); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		var here sync.WaitGroup
		crowd.come(ctx, &here)
		mu.Lock()
		defer mu.Unlock()
		leaving[r.PathValue("name")] = func() {
			cancel()
			here.Wait()
		}
	})
	mux.HandleFunc("DELETE /crowd/{name...}", func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		leave := leaving[r.PathValue("name")]
		delete(leaving, r.PathValue("name"))
		mu.Unlock()
		if leave != nil {
			leave()
		}
	})
	return mux
}
