// Package house is what the parts of the clinic share: who is outside, what a visit is, and the switches.
package house

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clinic/internal/outside"
	"clinic/internal/records"

	"lantern.test/lantern"
)

// Wards is how many wards there are; visits go to one after the other.
const Wards = 8

// Visit is somebody at the desk.
type Visit struct {
	Number uint64
	Ward   int
}

// Step is done in every visit.
type Step func(context.Context, Visit) error

// House is the clinic as its parts see it.
type House struct {
	App      *lantern.App
	Records  *records.Pool
	Clerks   *lantern.Queue[time.Duration, string]
	Partners *http.Client
	Outside  outside.Addresses
	URL      string

	visits atomic.Uint64
	mu     sync.Mutex
	steps  map[*Step]Step
}

// New gives a house without steps.
func New(at outside.Addresses, pool *records.Pool) *House {
	partners := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second},
	}
	return &House{Records: pool, Partners: partners, Outside: at, steps: map[*Step]Step{}}
}

// Welcome begins a visit.
func (h *House) Welcome() Visit {
	number := h.visits.Add(1)
	return Visit{number, int(number % Wards)}
}

// Serve does every step of a visit.
func (h *House) Serve(ctx context.Context, visit Visit) error {
	h.mu.Lock()
	steps := make([]Step, 0, len(h.steps))
	for _, step := range h.steps {
		steps = append(steps, step)
	}
	h.mu.Unlock()
	for _, step := range steps {
		if err := step(ctx, visit); err != nil {
			return err
		}
	}
	return nil
}

// EachVisit adds a step until it is taken away.
func (h *House) EachVisit(step Step) (remove func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps[&step] = step
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.steps, &step)
	}
}

// Partner asks a partner for a letter of some bytes which takes it some time.
func (h *House) Partner(ctx context.Context, name string, takes time.Duration, size int) (string, error) {
	url := fmt.Sprintf("%s/%s?takes=%d&bytes=%d", h.Outside.Partners, name, takes.Milliseconds(), size)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := h.Partners.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	letter := bytes.NewBuffer(make([]byte, 0, response.ContentLength+bytes.MinRead))
	_, err = io.Copy(letter, response.Body)
	return letter.String(), err
}

// Invite lets a crowd come until it is sent home.
func (h *House) Invite(name string, crowd outside.Crowd) (leave func(), err error) {
	body, err := json.Marshal(crowd)
	if err != nil {
		return nil, err
	}
	send := func(method string) error {
		request, err := http.NewRequest(method, h.Outside.Control+"/crowd/"+name, bytes.NewReader(body))
		if err != nil {
			return err
		}
		response, err := h.Partners.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the crowd answers %s", response.Status)
		}
		return nil
	}
	return func() { send(http.MethodDelete) }, send(http.MethodPost)
}
