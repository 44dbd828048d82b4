package reception

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"runtime/debug"
	"sync"

	"clinic/internal/house"
)

type board struct {
	mu       sync.Mutex
	house    *house.House
	switches []house.Switch
	off      map[string]func()
}

// Admin serves profiles and the switches.
func Admin(h *house.House, switches []house.Switch) http.Handler {
	b := &board{house: h, switches: switches, off: map[string]func(){}}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/faults", b.list)
	mux.HandleFunc("POST /debug/faults/{name}", b.turn)
	return mux
}

func (b *board) list(w http.ResponseWriter, _ *http.Request) {
	type listed struct {
		Name  string `json:"name"`
		Title string `json:"title"`
		Class string `json:"class"`
		On    bool   `json:"on"`
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	all := []listed{}
	for _, one := range b.switches {
		all = append(all, listed{one.Name, one.Title, one.Class, b.off[one.Name] != nil})
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(all)
}

func (b *board) turn(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		On   bool   `json:"on"`
		Size string `json:"size"`
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	size, err := house.Sized(asked.Size)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.switches {
		if one.Name == r.PathValue("name") {
			if err := b.set(one, asked.On, size); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			return
		}
	}
	http.NotFound(w, r)
}

// set ends a situation and gives back its memory and connections; and begins it anew if that is asked.
func (b *board) set(one house.Switch, on bool, size house.Size) error {
	if off := b.off[one.Name]; off != nil {
		delete(b.off, one.Name)
		off()
		b.house.Partners.CloseIdleConnections()
		debug.FreeOSMemory()
	}
	if !on {
		return nil
	}
	off, err := one.On(b.house, size)
	if err == nil {
		b.off[one.Name] = off
	}
	return err
}
