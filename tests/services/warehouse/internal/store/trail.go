package store

import (
	"sync"
	"time"
)

// Act is one thing that somebody did.
type Act struct {
	At     time.Time
	Who    string
	What   string
	Before map[string]any
	After  map[string]any
}

// Trail keeps every act for the auditors.
type Trail struct {
	mu   sync.Mutex
	acts []*Act
}

// Append keeps one more act.
func (t *Trail) Append(act *Act) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.acts = append(t.acts, act)
}

// Len counts the acts.
func (t *Trail) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.acts)
}

// Archive hands the acts over and begins anew.
func (t *Trail) Archive() []*Act {
	t.mu.Lock()
	defer t.mu.Unlock()
	acts := t.acts
	t.acts = nil
	return acts
}
