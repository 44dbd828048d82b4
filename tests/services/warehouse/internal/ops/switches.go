// Package ops is what operators can do to a warehouse: look inside, and switch situations on and off.
package ops

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
)

// Size is how much of a situation there is.
type Size string

// The three sizes.
const (
	Small  Size = "small"
	Medium Size = "medium"
	Large  Size = "large"
)

// pick gives what belongs to a size.
func pick[T any](size Size, small, medium, large T) T {
	switch size {
	case Small:
		return small
	case Large:
		return large
	}
	return medium
}

// situation is something that happens to a warehouse: ill with a class, or only lively without one.
type situation struct {
	name, title, class string
	begin              func(*Hall, Size) (end func(), err error)
}

// State is what operators see of a situation.
type State struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Class string `json:"class"`
	On    bool   `json:"on"`
}

var errUnknown = errors.New("no situation")

// Switches turn situations on and off.
type Switches struct {
	hall *Hall
	mu   sync.Mutex
	all  []situation
	ends map[string]func()
}

// NewSwitches has everything switched off.
func NewSwitches(hall *Hall) *Switches {
	return &Switches{hall: hall, all: slices.Concat(memory, waiting, sockets, lively, crowded), ends: map[string]func(){}}
}

// List gives all states.
func (s *Switches) List() []State {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make([]State, 0, len(s.all))
	for _, one := range s.all {
		states = append(states, s.state(one))
	}
	return states
}

// Turn switches one; switching it to what it is already changes nothing.
func (s *Switches) Turn(name string, on bool, size Size) (State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	place := slices.IndexFunc(s.all, func(one situation) bool { return one.name == name })
	if place < 0 {
		return State{}, fmt.Errorf("%w %q; GET /debug/faults lists them", errUnknown, name)
	}
	one := s.all[place]
	if end := s.ends[name]; end != nil && !on {
		end()
		delete(s.ends, name)
	} else if end == nil && on {
		end, err := one.begin(s.hall, size)
		if err != nil {
			return State{}, err
		}
		s.ends[name] = end
	}
	slog.Info("switched", "name", name, "on", on, "size", size)
	return s.state(one), nil
}

func (s *Switches) state(one situation) State {
	return State{one.name, one.title, one.class, s.ends[one.name] != nil}
}
