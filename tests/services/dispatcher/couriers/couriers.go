// Package couriers is everybody who talks to the dispatcher: scanners and phones that behave, and some that do not.
package couriers

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"parcels.example/dispatcher/v2/child"
	"parcels.example/dispatcher/v2/wire"
)

// Order is what a crowd of couriers does.
type Order struct {
	RPC      string        `json:"rpc"`
	URL      string        `json:"url"`
	Do       string        `json:"do"`
	Method   string        `json:"method,omitempty"`
	Rate     int           `json:"rate,omitempty"`     // a second; 0: each starts anew when it is done
	Crowd    int           `json:"crowd"`              // at once
	Bytes    int           `json:"bytes,omitempty"`    // of each request
	Deadline time.Duration `json:"deadline,omitempty"` // of each call; 0: none
	Tries    int           `json:"tries,omitempty"`
}

// Send starts a crowd as a process of its own.
func Send(order Order) (stop func(), err error) {
	text, err := json.Marshal(order)
	if err != nil {
		return nil, err
	}
	_, stop, err = child.Start(false, "-couriers", string(text))
	return stop, err
}

// Run does what an order says until the process ends.
func Run(text string) error {
	var order Order
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		return err
	}
	ways := map[string]func(Order) func(){
		"call":    calls,
		"abandon": abandons,
		"deaf":    deafStreams,
		"get":     gets,
		"hang":    hangs,
		"sip":     sips,
		"idle":    idles,
		"knock":   knocks,
	}
	way, known := ways[order.Do]
	if !known {
		return errors.New("no couriers do " + order.Do)
	}
	pace(order, way(order))
	return nil
}

// pace repeats one act, so many at once; at a rate, or each as soon as it is done.
func pace(order Order, act func()) {
	if order.Rate == 0 {
		for range order.Crowd {
			go func() {
				for {
					act()
				}
			}()
		}
		select {}
	}
	places := make(chan struct{}, order.Crowd)
	due := time.Now()
	for {
		due = due.Add(time.Second / time.Duration(order.Rate))
		time.Sleep(time.Until(due))
		select {
		case places <- struct{}{}:
			go func() {
				defer func() { <-places }()
				act()
			}()
		default:
		}
	}
}

// calls go over a few shared connections, as from a scanner station.
func calls(order Order) func() {
	stations := make([]station, 4)
	body := make([]byte, order.Bytes)
	for i := range body {
		body[i] = 'a' + byte(i%26)
	}
	var turn struct {
		sync.Mutex
		n int
	}
	return func() {
		turn.Lock()
		turn.n++
		one := &stations[turn.n%len(stations)]
		turn.Unlock()
		for range max(1, order.Tries) {
			if one.call(order, body) == nil {
				return
			}
		}
		if order.Rate == 0 {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

type station struct {
	mu     sync.Mutex
	client *wire.Client
}

func (s *station) call(order Order, body []byte) error {
	s.mu.Lock()
	if s.client == nil {
		client, err := wire.Dial(order.RPC)
		if err != nil {
			s.mu.Unlock()
			return err
		}
		s.client = client
	}
	client := s.client
	s.mu.Unlock()
	ctx := context.Background()
	if order.Deadline > 0 {
		limited, cancel := context.WithTimeout(ctx, order.Deadline)
		defer cancel()
		ctx = limited
	}
	_, err := client.Call(ctx, order.Method, body)
	return err
}

// abandons start a stream and walk out of coverage: the connection ends without a word.
func abandons(order Order) func() {
	return func() {
		client, err := wire.Dial(order.RPC)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		defer cancel()
		_ = client.Stream(ctx, order.Method, nil, func([]byte) error { return nil })
		client.Close()
	}
}

// deafStreams never read what they have asked for.
func deafStreams(order Order) func() {
	return func() {
		socket, err := wire.Deaf(order.RPC, order.Method)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			return
		}
		defer socket.Close()
		select {}
	}
}
