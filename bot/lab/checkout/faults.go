package main

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A size is how bad a fault is, or how wild a healthy window; each keeps its numbers in tables by size.
type size int

const (
	small size = iota // the smallest that a responder would still act on
	medium
	large
)

var sizes = map[string]size{"small": small, "": medium, "medium": medium, "large": large}

// A fault is one way for this service to be ill, or a healthy window: a load that looks wild and harms nobody.
// To add one: a file that implements this and registers itself, `func init() { register(&myFault{}) }`.
type fault interface {
	description() described
	// start takes what the fault needs; free gives back all that it held. Never called twice in a row.
	start(size)
	free()
	// during is called for every request while the fault is on, and reports whether it has answered it.
	during(w http.ResponseWriter, r *http.Request, s size) (answered bool)
}

// described is embedded by every fault: what the operators see, and a fault that takes nothing and does nothing.
type described struct {
	name  string
	title string
	class string // the class that a diagnosis names, or healthy
}

// healthy is the class of a window in which nothing is to be found.
const healthy = ""

func (d described) description() described { return d }
func (described) start(size)               {}
func (described) free()                    {}

func (described) during(http.ResponseWriter, *http.Request, size) bool { return false }

var allFaults []fault

func register(f fault) { allFaults = append(allFaults, f) }

// faultState is what the operators see of a fault.
type faultState struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Class string `json:"class"`
	On    bool   `json:"on"`
}

// onFor is how long a fault is on if nobody says how long: who switched it on may never come back.
const onFor = time.Hour

type faultSwitch struct {
	fault fault
	on    atomic.Bool
	size  atomic.Int64
	end   *time.Timer // of what is on
}

func (s *faultSwitch) state() faultState {
	d := s.fault.description()
	return faultState{Name: d.name, Title: d.title, Class: d.class, On: s.on.Load()}
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
	slices.SortFunc(s.all, func(a, b *faultSwitch) int { return strings.Compare(a.state().Name, b.state().Name) })
	return s
}

func (s *switches) list() []faultState {
	states := make([]faultState, 0, len(s.all))
	for _, one := range s.all {
		states = append(states, one.state())
	}
	return states
}

// turn switches one fault, on for so long; switching it on again changes nothing but its end, not its size either.
func (s *switches) turn(name string, on bool, as size, lasts time.Duration) (state faultState, known bool) {
	s.turning.Lock()
	defer s.turning.Unlock()
	i := slices.IndexFunc(s.all, func(one *faultSwitch) bool { return one.state().Name == name })
	if i < 0 {
		return faultState{}, false
	}
	one := s.all[i]
	if !on {
		one.turnOff()
		return one.state(), true
	}
	if !one.on.Load() {
		one.size.Store(int64(as))
		one.fault.start(as)
		one.on.Store(true)
		slog.Info("fault switched", "fault", name, "on", true)
	}
	s.endAfter(one, lasts)
	return one.state(), true
}

// endAfter gives what is on its end, in the place of an earlier one; call it while nobody else turns.
func (s *switches) endAfter(one *faultSwitch, lasts time.Duration) {
	if one.end != nil {
		one.end.Stop()
	}
	var end *time.Timer
	end = time.AfterFunc(lasts, func() {
		s.turning.Lock()
		defer s.turning.Unlock()
		if one.end == end { // it may have been switched while this waited for its turn
			slog.Warn("nobody switched the fault off in time", "fault", one.state().Name)
			one.turnOff()
		}
	})
	one.end = end
}

func (s *faultSwitch) turnOff() {
	if !s.on.Load() {
		return
	}
	s.end.Stop()
	s.end = nil
	s.on.Store(false)
	s.fault.free()
	slog.Info("fault switched", "fault", s.state().Name, "on", false)
}

// around lets every fault that is on have its way with a request first.
func (s *switches) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, one := range s.all {
			if one.on.Load() && one.fault.during(w, r, size(one.size.Load())) {
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
