package main

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A fault is one way for this service to be ill. To add one: a file that implements this and
// registers itself, `func init() { register(&myFault{}) }`.
type fault interface {
	name() string
	title() string
	// start takes what the fault needs; free gives back all that it held. Never called twice in a row.
	start()
	free()
	// during is called for every request while the fault is on, and reports whether it has answered it.
	during(w http.ResponseWriter, r *http.Request) (answered bool)
}

var allFaults []fault

func register(f fault) { allFaults = append(allFaults, f) }

// faultState is what the operators see of a fault.
type faultState struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	On    bool   `json:"on"`
}

type faultSwitch struct {
	fault fault
	on    atomic.Bool
}

func (s *faultSwitch) state() faultState {
	return faultState{Name: s.fault.name(), Title: s.fault.title(), On: s.on.Load()}
}

// switches turn faults on and off while requests run.
type switches struct {
	turning sync.Mutex
	all     []*faultSwitch
}

func newSwitches(faults []fault) *switches {
	s := &switches{}
	for _, f := range faults {
		s.all = append(s.all, &faultSwitch{fault: f})
	}
	slices.SortFunc(s.all, func(a, b *faultSwitch) int { return strings.Compare(a.fault.name(), b.fault.name()) })
	return s
}

func (s *switches) list() []faultState {
	states := make([]faultState, 0, len(s.all))
	for _, one := range s.all {
		states = append(states, one.state())
	}
	return states
}

// turn switches one fault; switching it to what it is already changes nothing.
func (s *switches) turn(name string, on bool) (state faultState, known bool) {
	s.turning.Lock()
	defer s.turning.Unlock()
	i := slices.IndexFunc(s.all, func(one *faultSwitch) bool { return one.fault.name() == name })
	if i < 0 {
		return faultState{}, false
	}
	one := s.all[i]
	if one.on.Load() == on {
		return one.state(), true
	}
	if on {
		one.fault.start()
		one.on.Store(true)
	} else {
		one.on.Store(false)
		one.fault.free()
	}
	slog.Info("fault switched", "fault", name, "on", on)
	return one.state(), true
}

// around lets every fault that is on have its way with a request first.
func (s *switches) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, one := range s.all {
			if one.on.Load() && one.fault.during(w, r) {
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
